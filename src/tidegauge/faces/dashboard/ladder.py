"""The ladder of one book: asks above bids, with bars of what rests up to each level."""

from decimal import Decimal

from tidegauge.faces.figures import amount, money
from tidegauge.runtime.window.books import ShownLadder

from .cells import Line, bar, bps, cell, decimals_of, line, padded, price
from .scene import LIVE, Row, Scene

SIDE, SIZE, TOTAL = 4, 8, 7
LEAST_BAR = 4


def ladder_lines(scene: Scene, venue: str | None, width: int, height: int) -> list[Line]:
    """Return a ladder in so many columns and lines: as many levels as fit, the touch in the middle."""
    row = None if venue is None else scene.row(venue)
    if row is None:
        return said("no such book", scene.unseen, width)
    if row.trust != LIVE:
        return not_trusted(row, width)
    if scene.stored:
        return said(
            "no levels",
            "They are kept from when this dashboard began; the measures are from the database",
            width,
        )
    ladder = scene.ladders.get(row.venue)
    if ladder is None:
        return said("no levels yet", "They come with the next update", width)
    if ladder.trust != LIVE:
        return said(f"NO NUMBERS: {ladder.trust}", "The book may not be trusted", width)
    return _levels(ladder, row, width, height)


def not_trusted(row: Row, width: int) -> list[Line]:
    """Say why there are no numbers of a book."""
    since = "" if row.since is None else f", since {row.since:%H:%M:%S}"
    return said(f"NO NUMBERS: {row.trust}{since}", row.reason or "no reason is told", width)


def said(head: str, why: str, width: int) -> list[Line]:
    """Return words in the place of numbers."""
    lines = [line(), line(padded(f" {head}", width, "bad"))]
    words, text = why.split(), " "
    for word in words:
        if len(text) + len(word) > width and text.strip():
            lines.append(line(cell(text)))
            text = " "
        text += f"{word} "
    return [*lines, line(cell(text))]


def _levels(ladder: ShownLadder, row: Row, width: int, height: int) -> list[Line]:
    count = max(1, (height - 2) // 2)
    asks, bids = ladder.asks[:count], ladder.bids[:count]
    places = decimals_of([each for each, _ in (*asks, *bids)])
    widest = max((len(price(each, places)) for each, _ in (*asks, *bids)), default=8)
    columns = _Columns(widest, width)
    totals = {"ask": _totals(asks, row), "bid": _totals(bids, row)}
    most = max([each for side in totals.values() for each in side], default=Decimal(0))

    def side(name: str, levels: tuple[tuple[Decimal, Decimal], ...]) -> list[Line]:
        return [
            columns.level(name, price(at, places), size, total, float(total / most) if most else 0)
            for (at, size), total in zip(levels, totals[name], strict=True)
        ]

    above = side("ask", asks)[::-1]
    end = "" if ladder.ask_more or len(ladder.asks) > count else "no more asks are known"
    blank = [
        line(padded(f" {end}" if not n else "", width, "dim")) for n in range(count - len(above))
    ]
    below = side("bid", bids)
    return [columns.head(row), *blank, *above, _middle(ladder, width), *below]


def _totals(levels: tuple[tuple[Decimal, Decimal], ...], row: Row) -> list[Decimal]:
    """Return what rests up to each level, in quote."""
    found, total = [], Decimal(0)
    for at, size in levels:
        total += size if row.inverse else at * size
        found.append(total)
    return found


def _middle(ladder: ShownLadder, width: int) -> Line:
    spread = "-"
    if ladder.bids and ladder.asks and ladder.mid:
        spread = bps(float((ladder.asks[0][0] - ladder.bids[0][0]) / ladder.mid * 10_000))
    mid = price(ladder.mid, decimals_of([ladder.mid]))
    text = f"── mid {mid} ── spread {spread} bps "
    return line(padded(text + "─" * max(0, width - len(text)), width, "strong"))


class _Columns:
    """Which columns fit, and how wide each is."""

    def __init__(self, price_width: int, width: int) -> None:
        self.price = price_width
        rest = width - SIDE - price_width - 1 - TOTAL - 2
        self.size = SIZE if rest - SIZE - 1 >= LEAST_BAR else 0
        self.bar = max(0, rest - (self.size + 1 if self.size else 0))

    def head(self, row: Row) -> Line:
        """Return the names of the columns."""
        size = padded(
            f" {row.quote if row.inverse else row.base}", self.size + 1, "dim", right=True
        )
        return line(
            padded("", SIDE),
            padded("price", self.price, "dim", right=True),
            size if self.size else ("", ""),
            padded("Σ " + row.quote, TOTAL + 1, "dim", right=True),
            padded(" depth", self.bar, "dim"),
        )

    def level(self, side: str, at: str, size: Decimal, total: Decimal, share: float) -> Line:
        """Return one level."""
        return line(
            padded(side, SIDE, "dim"),
            padded(at, self.price, side, right=True),
            padded(amount(size), self.size + 1, right=True) if self.size else ("", ""),
            padded(money(total), TOTAL + 1, "dim", right=True),
            (" " + bar(share, self.bar), f"{side}bar"),
        )
