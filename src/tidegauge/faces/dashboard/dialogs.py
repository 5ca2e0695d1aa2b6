"""Dialogs: an order to the desk and what came of it, the choice of a symbol, and the help."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tidegauge.faces.figures import printable

from .orders import Told

SIGNS = {"done": "✔ DONE", "waits": "◌ WAITS", "refused": "✖ REFUSED", "failed": "✖ FAILED"}


@dataclass(frozen=True, slots=True)
class Field:
    """What is asked for: its name, what it means, and what it is before anybody types."""

    name: str
    label: str
    value: str = ""


Act = Callable[[Mapping[str, str]], Awaitable[Told]]


class OrderDialog(ModalScreen[None]):
    """Asks for what an order needs, gives it, and shows what came of it until somebody closes it."""

    CSS = """
    OrderDialog { align: center middle; }
    OrderDialog > Vertical {
        width: 76; max-width: 96%; height: auto; max-height: 96%; padding: 0 2;
        border: round $primary; background: $surface;
    }
    OrderDialog Input { height: 1; border: none; padding: 0 1; background: $panel; }
    OrderDialog Input:focus { background: $primary 30%; }
    #about { color: $text-muted; }
    #told { margin-top: 1; min-height: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "close", "close")]

    def __init__(self, title: str, about: str, fields: Sequence[Field], act: Act) -> None:
        super().__init__()
        self._title = title
        self.about = about
        self.fields = fields
        self.act = act
        self._told: Told | None = None
        self._busy = False

    def compose(self) -> ComposeResult:
        """Yield the fields."""
        with Vertical():
            yield Static(Text(printable(self._title), style="bold"))
            yield Static(Text(printable(self.about)), id="about")
            for field in self.fields:
                yield Static(Text(field.label))
                yield Input(value=printable(field.value), id=f"field-{field.name}")
            yield Static(Text("Enter gives the order, Tab the next field, Esc closes"), id="told")

    def on_mount(self) -> None:
        """Begin with the first field that is empty."""
        inputs = list(self.query(Input))
        next((each for each in inputs if not each.value), inputs[0]).focus()

    def on_input_submitted(self) -> None:
        """Give the order; once it is carried out, close."""
        if self._told is not None and self._told.word in ("done", "waits"):
            self.dismiss()
        elif not self._busy:
            self._give({each.id or "": each.value for each in self.query(Input)})

    @work
    async def _give(self, values: Mapping[str, str]) -> None:
        self._busy = True
        self._say("… given; waiting for the answer", "")
        told = await self.act({name.removeprefix("field-"): each for name, each in values.items()})
        self._busy, self._told = False, told
        style = (
            "bold green"
            if told.word == "done"
            else "bold yellow"
            if told.word == "waits"
            else "bold red"
        )
        again = (
            "Enter closes" if told.word in ("done", "waits") else "Enter tries again, Esc closes"
        )
        self._say(f"{SIGNS.get(told.word, told.word)}: {told.said}  ({again})", style)

    def _say(self, text: str, style: str) -> None:
        self.query_one("#told", Static).update(Text(printable(text), style=style))

    def action_close(self) -> None:
        """Leave. An order that was given is carried out all the same."""
        self.dismiss()


class SymbolDialog(ModalScreen[str | None]):
    """Asks which symbol to look at: type a part of its name."""

    CSS = """
    SymbolDialog { align: center middle; }
    SymbolDialog > Vertical {
        width: 44; height: auto; max-height: 90%; padding: 0 1; border: round $primary;
        background: $surface;
    }
    SymbolDialog Input { height: 1; border: none; padding: 0 1; background: $panel; }
    SymbolDialog OptionList { height: auto; max-height: 14; border: none; background: $surface; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "close"),
        Binding("down", "move(1)", "down", priority=True),
        Binding("up", "move(-1)", "up", priority=True),
    ]

    def __init__(self, symbols: Sequence[str]) -> None:
        super().__init__()
        self._symbols = symbols

    def compose(self) -> ComposeResult:
        """Yield the field and the list."""
        with Vertical():
            yield Static(Text("Which symbol? The worst score comes first", style="bold"))
            yield Input(placeholder="a part of its name")
            yield OptionList(*self._options(""))

    def _options(self, part: str) -> list[Option]:
        return [
            Option(Text(printable(each)), each) for each in self._symbols if part.upper() in each
        ]

    def on_mount(self) -> None:
        """Begin with typing."""
        self.query_one(OptionList).highlighted = 0 if self._symbols else None
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the names that hold what was typed."""
        shown = self.query_one(OptionList)
        shown.clear_options()
        shown.add_options(self._options(event.value.strip()))
        shown.highlighted = 0 if shown.option_count else None

    def on_input_submitted(self) -> None:
        """Look at the one that is marked."""
        shown = self.query_one(OptionList)
        marked = shown.highlighted
        self.dismiss(None if marked is None else shown.get_option_at_index(marked).id)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Look at the one that was clicked."""
        self.dismiss(event.option.id)

    def action_move(self, steps: int) -> None:
        """Mark another one."""
        shown = self.query_one(OptionList)
        if steps > 0:
            shown.action_cursor_down()
        else:
            shown.action_cursor_up()


class HelpDialog(ModalScreen[None]):
    """Says what is shown, and what the keys do."""

    CSS = """
    HelpDialog { align: center middle; }
    HelpDialog > VerticalScroll {
        width: 78; max-width: 100%; height: auto; max-height: 100%; padding: 0 2;
        border: round $primary; background: $surface;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss(None)", "close"),
    ]

    def compose(self) -> ComposeResult:
        """Yield the text."""
        with VerticalScroll():
            yield Static(Text(HELP))


HELP = """\
PAGES  1 market   2 measures   3 score and divergence   4 venues   5 desk
       At 140 by 40 and more, page 1 shows everything.

LOOKING
  /          another symbol; n and b: the next and the one before, by score
  v, V       another venue for ladder A, for ladder B
  t          light or dark
TIME
  p, space   pause, and go on. While paused NOTHING is live, and the top says so
  ← →        2 s back and on; [ ] a minute; Home the first instant known
             Levels are kept from when the dashboard began, at most an hour;
             what was before comes from the database, without levels.
DESK
  ↑ ↓        choose an incident
  a          acknowledge: you have it     c  comment
  x          resolve: it is over          s  silence: nobody is paged of it
  A dialog asks for the words, and says what came of it: done; waits (no
  daemon has answered yet, it will be carried out); or refused, and why.
SIGNS
  ● may be trusted   ◌ not yet   ✖ not: no numbers, the reason instead
  z: how far from usual, as a multiple of its noise; harm is positive;
     ! from 3, !! from 6     ≥ at least, ≤ at most: not all is known
  sparklines cover 10 minutes, · is not known; z from 0 to 6
q, Ctrl-C    leave"""
