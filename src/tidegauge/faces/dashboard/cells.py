"""Lines of cells: what a sheet shows, as text and the name of its ink.

Everything that is shown is made by `cell` or `padded`, which escape: what a venue, a person or an API
says must not steer the terminal.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TypeAlias

from rich.cells import cell_len, set_cell_size

from tidegauge.faces.figures import UNKNOWN, printable

Cell: TypeAlias = tuple[str, str]
"""Text, and the name of an ink: "" (plain), dim, strong, good, warn, bad, bid, ask, accent, choice."""

Line: TypeAlias = tuple[Cell, ...]

EIGHTHS = " ▏▎▍▌▋▊▉█"
TICKS = "▁▂▃▄▅▆▇█"
MORE = "…"
MINUTE, HOUR = 60, 3600
UNUSUAL, VERY_UNUSUAL = 3.0, 6.0
"""Times its noise from which a z is marked ! and !!."""


def cell(text: object, ink: str = "") -> Cell:
    """Return text as it may be shown."""
    return printable(str(text)), ink


def padded(text: object, width: int, ink: str = "", *, right: bool = False) -> Cell:
    """Return text in exactly so many columns; what does not fit is cut, and its end says so."""
    shown = printable(str(text))
    size = cell_len(shown)
    if size > width:
        return (set_cell_size(shown, width - 1) + MORE if width > 0 else ""), ink
    gap = " " * (width - size)
    return (gap + shown if right else shown + gap), ink


def line(*cells: Cell) -> Line:
    """Return a line of what is not empty."""
    return tuple(each for each in cells if each[0])


def width_of(shown: Line) -> int:
    """Return the columns a line takes."""
    return sum(cell_len(text) for text, _ in shown)


def text_of(lines: Iterable[Line]) -> str:
    """Return lines as plain text."""
    return "\n".join("".join(text for text, _ in each) for each in lines)


def bar(share: float, width: int) -> str:
    """Return a bar that fills so much (0 to 1) of a width, to an eighth of a column."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    whole, rest = divmod(eighths, 8)
    return ("█" * whole + EIGHTHS[rest].strip()).ljust(width)


def spark(values: Sequence[float | None], low: float, high: float) -> str:
    """Return a column a value, from the lowest tick to the highest; a dot where it is not known."""
    span = high - low
    shown = []
    for value in values:
        if value is None:
            shown.append("·")
        else:
            share = (value - low) / span if span > 0 else 0.0
            shown.append(TICKS[min(len(TICKS) - 1, max(0, int(share * len(TICKS))))])
    return "".join(shown)


def decimals_of(values: Iterable[Decimal | None]) -> int:
    """Return how many decimals write all of these numbers exactly."""
    found = 0
    for value in values:
        if value is not None and value:
            exponent = value.normalize().as_tuple().exponent
            found = max(found, -exponent if isinstance(exponent, int) else 0)
    return found


def price(value: Decimal | None, decimals: int) -> str:
    """Write a price with so many decimals."""
    return UNKNOWN if value is None else f"{value:,.{decimals}f}"


def bps(value: float | None) -> str:
    """Write basis points in at most six columns."""
    if value is None:
        return UNKNOWN
    size = abs(value)
    return f"{value:.2f}" if size < 99.995 else f"{value:.1f}" if size < 999.95 else f"{value:.0f}"  # noqa: PLR2004


def signed(value: float | None) -> str:
    """Write a signed number in at most six columns."""
    if value is None:
        return UNKNOWN
    return f"{value:+.2f}" if abs(value) < 99.995 else f"{value:+.0f}"  # noqa: PLR2004


def z_score(value: float | None) -> tuple[str, str]:
    """Return a z, marked where it is unusual, and its ink."""
    if value is None:
        return UNKNOWN, "dim"
    mark = "!!" if value >= VERY_UNUSUAL else "!" if value >= UNUSUAL else ""
    ink = {"!!": "bad", "!": "warn"}.get(mark, "")
    return f"{value:+.1f}{mark}", ink


def seconds(value: float | None) -> str:
    """Write a span in ms, s, min or h."""
    if value is None:
        return UNKNOWN
    if value < 1:
        return f"{value * 1000:.0f}ms"
    if value < MINUTE:
        return f"{value:.0f}s" if value >= 10 else f"{value:.1f}s"  # noqa: PLR2004
    return f"{value / MINUTE:.0f}m" if value < HOUR else f"{value / HOUR:.1f}h"


def titled(title: Line, lines: Iterable[Line], width: int) -> list[Line]:
    """Return lines under a rule that names them."""
    name: list[Cell] = [("─ ", "rule")]
    for text, ink in title:
        room = width - width_of(tuple(name)) - 1
        if room > 0:
            name.append(padded(text, min(room, cell_len(text)), ink))
    gap = width - width_of(tuple(name)) - 1
    return [(*name, (" " + "─" * max(0, gap), "rule")), *lines]
