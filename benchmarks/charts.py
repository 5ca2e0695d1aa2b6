"""Charts as SVG text: both axes logarithmic, a legend, a grid, nothing to install."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 78, 24, 48, 62
COLOURS = ("#0b6e99", "#c2571a", "#5b7f2b", "#7a4fa3")
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#444}.title{font-size:16px;fill:#111}"
    ".grid{stroke:#ddd;stroke-width:1}.axis{stroke:#888;stroke-width:1}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A named series of (x, y), both above zero."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    """A logarithmic axis: whole decades from `low` to `high`, drawn from `start` to `end`."""

    low: int
    high: int
    start: float
    end: float

    @property
    def decades(self) -> range:
        return range(self.low, self.high + 1)

    def place(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)


def chart(title: str, x_label: str, y_label: str, lines: Sequence[Line]) -> str:
    """Return an SVG of the lines. Raises `ValueError` for a point that has no logarithm."""
    points = [point for line in lines for point in line.points]
    if not points or min(min(point) for point in points) <= 0:
        raise ValueError("a logarithmic chart wants points above zero")
    across = _axis([x for x, _ in points], LEFT, WIDTH - RIGHT)
    up = _axis([y for _, y in points], HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text class="title" x="{LEFT}" y="26">{escape(title)}</text>',
        *_grid(across, up),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 16, x_label),
        f'<g transform="translate(20 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)">',
        _text(0, 0, y_label),
        "</g>",
    ]
    for number, line in enumerate(lines):
        parts += _drawn(line, COLOURS[number % len(COLOURS)], across, up)
        parts += _legend(line.name, COLOURS[number % len(COLOURS)], number)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _axis(values: Sequence[float], start: float, end: float) -> _Axis:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return _Axis(low=low, high=max(high, low + 1), start=start, end=end)


def _grid(across: _Axis, up: _Axis) -> list[str]:
    drawn = []
    for decade in across.decades:
        x = f"{across.place(10.0**decade):.1f}"
        drawn.append(f'<line class="grid" x1="{x}" y1="{TOP}" x2="{x}" y2="{HEIGHT - BOTTOM}"/>')
        drawn.append(_text(across.place(10.0**decade), HEIGHT - BOTTOM + 20, _number(decade)))
    for decade in up.decades:
        y = up.place(10.0**decade)
        drawn.append(
            f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>'
        )
        drawn.append(
            f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{_number(decade)}</text>'
        )
    bottom = HEIGHT - BOTTOM
    drawn.append(
        f'<line class="axis" x1="{LEFT}" y1="{bottom}" x2="{WIDTH - RIGHT}" y2="{bottom}"/>'
    )
    drawn.append(f'<line class="axis" x1="{LEFT}" y1="{TOP}" x2="{LEFT}" y2="{bottom}"/>')
    return drawn


def _drawn(line: Line, colour: str, across: _Axis, up: _Axis) -> list[str]:
    places = [(across.place(x), up.place(y), y) for x, y in line.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in places)
    drawn = [f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>']
    for x, y, value in places:
        drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>')
        drawn.append(_text(x, y - 9, _short(value)))
    return drawn


def _legend(name: str, colour: str, number: int) -> list[str]:
    x, y = LEFT + 14, TOP + 20 + 18 * number
    return [
        f'<line x1="{x}" y1="{y - 4}" x2="{x + 22}" y2="{y - 4}" stroke="{colour}" stroke-width="3"/>',
        f'<text x="{x + 28}" y="{y}">{escape(name)}</text>',
    ]


def _text(x: float, y: float, said: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle">{escape(said)}</text>'


def _number(decade: int) -> str:
    return f"{10**decade:,}" if decade >= 0 else f"{10.0**decade:g}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"


def growth_charts(growth: dict[str, Any]) -> dict[str, str]:
    """Return the three charts of the part `growth`, by the end of their file's name."""
    y_label = "microseconds a message, bytes to encoded row"

    def line(points: list[dict[str, Any]], name: str, who: str) -> Line:
        return Line(name=who, points=[(point[name], point[who]) for point in points])

    sizes, changes, books = growth["sizes"], growth["changes"], growth["books"]
    return {
        "size": chart(
            "Cost against the size of the book (10 changes a message)",
            "levels a side",
            y_label,
            [line(sizes, "levels", who) for who in ("tidegauge", "textbook")],
        ),
        "changes": chart(
            f"Cost against the levels a message changes ({growth['levels_at']:,} a side)",
            "levels changed by a message",
            y_label,
            [line(changes, "changes", who) for who in ("tidegauge", "textbook")],
        ),
        "books": chart(
            f"Cost against the number of books ({growth['levels_many']} levels a side)",
            "books in one process",
            y_label,
            [line(books, "books", "tidegauge")],
        ),
    }
