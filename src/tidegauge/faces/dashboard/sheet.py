"""A sheet of lines of which only the cells that changed are written anew."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from .cells import Line, fitted, text_of

DARK = {
    "dim": "#8b98a9",
    "strong": "bold #f2f5f8",
    "good": "#5fd38d",
    "warn": "bold #f0b429",
    "bad": "bold #ff6b6b",
    "bid": "#5fd38d",
    "ask": "#ff8a7a",
    "bidbar": "#2f7d55",
    "askbar": "#9c4a42",
    "accent": "#6cb6ff",
    "brand": "bold #0d1520 on #6cb6ff",
    "alarm": "bold #ffffff on #c0392b",
    "hold": "bold #1a1a1a on #f0b429",
    "key": "bold #6cb6ff",
    "rule": "#3a4757",
}
LIGHT = {
    "dim": "#5a6572",
    "strong": "bold #0b1016",
    "good": "#0b6b3a",
    "warn": "bold #8a5200",
    "bad": "bold #b3261e",
    "bid": "#0b6b3a",
    "ask": "#a5322a",
    "bidbar": "#7fc8a0",
    "askbar": "#e3a49d",
    "accent": "#0a5cad",
    "brand": "bold #ffffff on #0a5cad",
    "alarm": "bold #ffffff on #b3261e",
    "hold": "bold #1a1a1a on #f0b429",
    "key": "bold #0a5cad",
    "rule": "#b9c2cc",
}
STYLES = {
    dark: {name: Style.parse(text) for name, text in inks.items()}
    for dark, inks in ((True, DARK), (False, LIGHT))
}
PLAIN = Style()


Make: TypeAlias = Callable[[int, int], Sequence[Line]]
"""What makes the lines of a sheet for a width and a height."""


class Sheet(Widget):
    """Shows the lines that `make` returns; `faded`: as something that is not live."""

    DEFAULT_CSS = "Sheet { height: 1fr; }"

    def __init__(self, make: Make, *, id: str) -> None:  # noqa: A002 (as every widget names it)
        super().__init__(id=id)
        self._make = make
        self._lines: list[Line] = []
        self._strips: list[Strip] = []
        self._dark = True
        self._faded = False
        self.faded = False
        self.written = 0
        """Regions that were written anew so far."""

    @property
    def text(self) -> str:
        """Return what is shown."""
        return text_of(self._lines)

    def on_resize(self) -> None:
        """Make the lines anew for another size."""
        self.renew()

    def renew(self) -> None:
        """Make the lines anew, and write what changed of them."""
        width, height = self.size
        if not width or not height:
            return
        lines = [fitted(each, width) for each in list(self._make(width, height))[:height]]
        dark = self.app.current_theme.dark
        anew = (dark, self.faded) != (self._dark, self._faded) or len(lines) != len(self._lines)
        self._dark, self._faded = dark, self.faded
        strips = [
            self._strips[n] if not anew and self._lines[n] == each else self._strip(each)
            for n, each in enumerate(lines)
        ]
        pairs = enumerate(zip(self._strips, strips, strict=False))
        regions = [_changed(n, old, new) for n, (old, new) in pairs if old is not new]
        self._lines, self._strips = lines, strips
        if anew:
            self.refresh()
        elif regions:
            self.refresh(*regions)
        self.written += 1 if anew else len(regions)

    def _strip(self, shown: Line) -> Strip:
        styles = STYLES[self._dark]
        fade = styles["dim"] if self._faded else None
        return Strip([Segment(text, fade or styles.get(ink, PLAIN)) for text, ink in shown])

    def render_line(self, y: int) -> Strip:
        """Return one line as it is written."""
        style = self.rich_style
        if y >= len(self._strips):
            return Strip.blank(self.size.width, style)
        return self._strips[y].apply_style(style).adjust_cell_length(self.size.width, style)


def _changed(y: int, old: Strip, new: Strip) -> Region:
    """Return from the first to the last column in which two lines differ."""
    before, after = list(old), list(new)
    start = 0
    while before and after and before[0] == after[0]:
        start += before.pop(0).cell_length
        after.pop(0)
    end = max(old.cell_length, new.cell_length)
    if old.cell_length == new.cell_length:
        while before and after and before[-1] == after[-1]:
            end -= before.pop().cell_length
            after.pop()
    return Region(start, y, max(1, end - start), 1)
