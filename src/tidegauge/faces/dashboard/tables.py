"""The table of one symbol's books: a line a venue."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from tidegauge.faces.figures import UNKNOWN, money

from .cells import (
    Line,
    bps,
    decimals_of,
    line,
    padded,
    price,
    seconds,
    signed,
    z_score,
)
from .ladder import said
from .scene import Cost, Measures, Row, Scene

TRUST = {"live": ("● live", "good"), "syncing": ("◌ syncing", "warn"), "stale": ("✖ stale", "bad")}


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the books: its `rank` says which go first where not all fit."""

    name: str
    width: int
    rank: int
    shown: Callable[[Row, Measures], tuple[str, str]]


def book_lines(scene: Scene, chosen: Sequence[str | None], width: int) -> list[Line]:
    """Return a line a book: its numbers, or why there are none. The ladders' are marked A and B."""
    if not scene.rows:
        return said("nothing to show", f"No daemon watches {scene.symbol}", width)
    columns = _fitting(_columns(scene), width - 28)
    names = (padded(each.name, each.width + 1, "dim", right=True) for each in columns)
    head = line(padded("  venue", 18, "dim"), padded("trust", 10, "dim"), *names)
    return [head, *(_book(row, chosen, columns, width) for row in scene.rows)]


def _book(row: Row, chosen: Sequence[str | None], columns: Sequence[_Column], width: int) -> Line:
    mark = "".join(name for name, venue in zip("AB", chosen, strict=True) if venue == row.venue)
    trust, ink = TRUST.get(row.trust, (f"✖ {row.trust}", "bad"))
    first = (padded(mark[:1], 2, "accent"), padded(row.venue, 16), padded(trust, 10, ink))
    measures = row.measures
    if not row.live or measures is None:
        since = "" if row.since is None else f", since {row.since:%H:%M:%S}"
        return line(*first, padded(f" {row.reason or 'no reading yet'}{since}", width - 28, "warn"))
    cells = []
    for column in columns:
        text, ink = column.shown(row, measures)
        cells.append(padded(text, column.width + 1, ink, right=True))
    return line(*first, *cells)


def _columns(scene: Scene) -> list[_Column]:
    """Return all columns there could be, in their order."""
    found = [row.measures for row in scene.rows if row.measures is not None]
    places = decimals_of(each.mid for each in found)
    mids = max([len(price(each.mid, places)) for each in found], default=9)
    sizes = sorted({size for each in found for _, size in each.costs})
    bands = sorted({each for one in found for each in one.bands})
    middle = sizes[len(sizes) // 2] if sizes else None
    columns = [
        _Column("mid", mids, 0, lambda _, m: (price(m.mid, places), "strong")),
        _Column("spread", 6, 1, lambda _, m: (bps(m.spread_bps), "")),
        _Column("imb", 5, 5, lambda _, m: (signed(m.imbalance), "")),
    ]
    common = max(bands, key=lambda b: sum(b in each.bands for each in found), default=None)
    for band in bands:
        name = f"bids/asks {band}bp"
        columns.append(
            _Column(name, max(13, len(name)), 3 if band == common else 10, partial(_band, band))
        )
    for size in sizes:
        rank = 2 if size == middle else 9
        columns += [
            _Column(f"{side} {money(size)}", 9, rank, partial(_cost_of, (side, size)))
            for side in ("sell", "buy")
        ]
    return [
        *columns,
        _Column("z depth", 7, 4, lambda _, m: z_score(m.z.get("depth"))),
        _Column("z spread", 8, 6, lambda _, m: z_score(m.z.get("spread"))),
        _Column("age", 5, 4, lambda r, _: (seconds(r.age_s), "")),
        _Column("latency", 7, 8, lambda r, _: (seconds(r.latency_s), "")),
        _Column(
            "crunch", 8, 7, lambda r, _: (r.phase or UNKNOWN, "bad" if r.phase == "firing" else "")
        ),
    ]


def _fitting(columns: Sequence[_Column], width: int) -> list[_Column]:
    """Return the columns that fit, those of the lowest rank first, in their own order."""
    kept: set[int] = set()
    for rank in sorted({each.rank for each in columns}):
        wanted = {n for n, each in enumerate(columns) if each.rank == rank}
        if sum(columns[n].width + 1 for n in kept | wanted) <= width:
            kept |= wanted
    return [each for n, each in enumerate(columns) if n in kept]


def _band(width: int, _row: Row, measures: Measures) -> tuple[str, str]:
    band = measures.bands.get(width)
    if band is None:
        return UNKNOWN, "dim"
    bid, ask = "" if band.bid_complete else "≥", "" if band.ask_complete else "≥"
    return f"{bid}{money(band.bid)}/{ask}{money(band.ask)}", ""


def _cost_of(key: tuple[str, Decimal], _row: Row, measures: Measures) -> tuple[str, str]:
    return shown_cost(measures.costs.get(key))


def shown_cost(cost: Cost | None) -> tuple[str, str]:
    """Return a slippage, or how much of the size can be had at all, and its ink. Where the walk left what
    is known of the book, the slippage is at most so much, and the size at least."""
    if cost is None:
        return UNKNOWN, "dim"
    if cost.bps is None:
        more = "≥" if cost.floor else ""
        return (UNKNOWN if cost.filled is None else f"fills {more}{cost.filled:.0%}"), "warn"
    return f"{'≤' if cost.floor else ''}{bps(cost.bps)}", ""
