"""The dashboard as an application: it listens, draws at most twice a second, and takes keys."""

import asyncio
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from rich.text import Text
from textual.app import App
from textual.binding import Binding, BindingType
from textual.theme import Theme

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.redaction import mask_urls
from tidegauge.runtime.window.desk import ShownIncident

from .access import Access
from .board import PAGES, Board
from .commands import Give, acknowledging, actor, commenting, resolving, silencing
from .dialogs import HelpDialog, OrderDialog, SymbolDialog
from .link import Link
from .orders import Told, asked, ordered
from .stored import STEP_S, stored_of
from .viewer import Viewer

DRAW_S = 0.5
LEVELS = 20
THEMES = (
    Theme(
        name="tide-dark",
        primary="#6cb6ff",
        foreground="#d5dce4",
        background="#0d1520",
        surface="#162130",
        panel="#1f2d3f",
        dark=True,
    ),
    Theme(
        name="tide-light",
        primary="#0a5cad",
        foreground="#1c2530",
        background="#fbfcfd",
        surface="#eef1f4",
        panel="#dfe5eb",
        dark=False,
    ),
)


def _key(keys: str, action: str) -> Binding:
    return Binding(keys, action, show=False)


class Dashboard(App[None]):
    """Shows what an API tells; `access` says where it is, again whenever it is looked for."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,ctrl+c,ctrl+q", "quit", show=False, priority=False),
        *(_key(str(n), f"page('{page}')") for n, page in enumerate(PAGES, 1)),
        _key("question_mark,h", "help"),
        _key("p,space", "pause"),
        _key("left", "step(-2)"),
        _key("right", "step(2)"),
        _key("left_square_bracket", "step(-60)"),
        _key("right_square_bracket", "step(60)"),
        _key("home", "first"),
        _key("end", "go_on"),
        _key("up,k", "choose(-1)"),
        _key("down,j", "choose(1)"),
        _key("a", "acknowledge"),
        _key("c", "comment"),
        _key("s", "silence"),
        _key("x", "resolve"),
        _key("slash", "symbol"),
        _key("n", "next_symbol(1)"),
        _key("b", "next_symbol(-1)"),
        _key("v", "ladder(0)"),
        _key("V", "ladder(1)"),
        _key("t", "light"),
    ]

    def __init__(self, access: Callable[[], Access], symbol: str | None = None) -> None:
        super().__init__()
        self._access = access
        self.link = Link(access)
        self.viewer = Viewer(symbol)
        self.board = Board(self.viewer, lambda: self.link.connection)
        self._heard = -1
        self._asked_for: set[tuple[str, str]] = set()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = THEMES[0].name

    def on_mount(self) -> None:
        """Begin to listen and to draw."""
        self.push_screen(self.board)
        self.run_worker(self.link.run(), name="link")
        self.set_interval(DRAW_S, self.look)
        if sys.platform != "win32":
            for number in (signal.SIGTERM, signal.SIGHUP):
                asyncio.get_running_loop().add_signal_handler(number, self.exit)

    def on_resize(self) -> None:
        """Draw for another size."""
        self.board.draw()

    def look(self) -> None:
        """Take what was heard, and write what changed."""
        viewer, mirror = self.viewer, self.link.mirror
        if self.link.version != self._heard:
            self._heard = self.link.version
            if mirror.document is not None:
                viewer.take(mirror.document)
                self._ask_for_the_past()
        self.link.want([viewer.symbol] if viewer.symbol else [], LEVELS)
        self.board.draw()

    def _ask_for_the_past(self) -> None:
        """Ask the database for what was before, once a book."""
        live = self.viewer.live
        for row in live.rows if live is not None else ():
            book = (live.symbol if live is not None else "", row.venue)
            if book not in self._asked_for:
                self._asked_for.add(book)
                self.run_worker(self._past_of(*book), group="past")

    async def _past_of(self, symbol: str, venue: str) -> None:
        path = f"/history/{quote(venue, safe='')}/{quote(symbol, safe='')}?step={STEP_S}"
        try:
            answer = await asked(self._access(), path)
        except OperatorError:
            answer = None
        stored = stored_of(answer)
        if stored is not None:
            self.viewer.put_stored(symbol, venue, stored)

    # -- keys ------------------------------------------------------------------------------------

    def action_page(self, page: str) -> None:
        """Show a page."""
        self.board.turn_to(page)

    def action_help(self) -> None:
        """Show the help."""
        self.push_screen(HelpDialog())

    def action_pause(self) -> None:
        """Pause, or go on."""
        if self.viewer.paused_at is None:
            self.viewer.pause()
        else:
            self.viewer.go_on()
        self.board.draw()

    def action_step(self, seconds: int) -> None:
        """Move in time."""
        self.viewer.step(seconds)
        self.board.draw()

    def action_first(self) -> None:
        """Go to the first instant that is known."""
        self.viewer.to_first()
        self.board.draw()

    def action_go_on(self) -> None:
        """Show what is live."""
        self.viewer.go_on()
        self.board.draw()

    def action_choose(self, steps: int) -> None:
        """Choose another incident."""
        self.viewer.move(steps)
        self.board.draw()

    def action_ladder(self, place: int) -> None:
        """Show the next venue's ladder."""
        self.viewer.next_ladder(place)
        self.board.draw()

    def action_next_symbol(self, steps: int) -> None:
        """Look at the next symbol."""
        self.viewer.next_symbol(steps)
        self.look_anew()

    def action_symbol(self) -> None:
        """Ask which symbol to look at."""
        symbols = self.viewer.live.symbols if self.viewer.live is not None else ()

        def chosen(symbol: str | None) -> None:
            if symbol is not None:
                self.viewer.look_at(symbol)
                self.look_anew()

        self.push_screen(SymbolDialog(symbols), chosen)

    def look_anew(self) -> None:
        """Show another symbol at once, as far as it is known."""
        self._heard = -1
        self.look()

    def action_light(self) -> None:
        """Change between light and dark."""
        dark, light = (each.name for each in THEMES)
        self.theme = light if self.theme == dark else dark
        self.board.draw()

    # -- orders ----------------------------------------------------------------------------------

    def action_acknowledge(self) -> None:
        """Take the chosen incident on."""
        self._order_of(acknowledging)

    def action_comment(self) -> None:
        """Say something of the chosen incident."""
        self._order_of(commenting)

    def action_resolve(self) -> None:
        """End the chosen incident."""
        self._order_of(resolving)

    def action_silence(self) -> None:
        """Have nobody paged of what is named."""
        scene = self.viewer.scene()
        if scene is not None:
            self.push_screen(silencing(scene, self.viewer.chosen, self._give))

    def _order_of(self, dialog: Callable[[ShownIncident, Give], OrderDialog]) -> None:
        incident = self.viewer.chosen
        if incident is None:
            self.notify("There is no incident to choose", severity="warning", markup=False)
        else:
            self.push_screen(dialog(incident, self._give))

    async def _give(self, path: str, body: Mapping[str, Any]) -> Told:
        try:
            access = self._access()
        except OperatorError as error:
            return Told("failed", str(error))
        return await ordered(access, path, {**body, "by": actor(os.environ)})

    # -- the end ---------------------------------------------------------------------------------

    def _fatal_error(self) -> None:
        """Tell of a bug without what variables held: one of them is the token."""
        self._exit_renderables.append(Text(mask_urls(traceback.format_exc())))
        self._close_messages_no_wait()
