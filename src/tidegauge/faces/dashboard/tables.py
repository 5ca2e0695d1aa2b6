"""The tables of one symbol: its books, what is measured of one, the divergence matrix, the score."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from functools import partial

from tidegauge.faces.figures import UNKNOWN, money
from tidegauge.runtime.window.across import ShownDivergence, ShownScore, ShownStress

from .cells import (
    Cell,
    Line,
    bar,
    bps,
    cell,
    decimals_of,
    line,
    padded,
    price,
    seconds,
    signed,
    spark,
    z_score,
)
from .ladder import not_trusted, said
from .memory import Trends
from .scene import Cost, Measures, Row, Scene

SPAN = timedelta(minutes=10)
"""What a sparkline covers."""

TRUST = {"live": ("● live", "good"), "syncing": ("◌ syncing", "warn"), "stale": ("✖ stale", "bad")}
WEATHER = {"calm": "good", "watch": "warn", "stressed": "bad", "critical": "bad"}
SPREAD, IMBALANCE, Z = "spread bps", "imbalance", "z "
"""Names of trends; those of z-scores begin with the last."""


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
    return _cost(measures.costs.get(key))


def _cost(cost: Cost | None) -> tuple[str, str]:
    if cost is None:
        return UNKNOWN, "dim"
    if cost.bps is None:
        more = "≥" if cost.floor else ""
        return (UNKNOWN if cost.filled is None else f"fills {more}{cost.filled:.0%}"), "warn"
    return bps(cost.bps), ""


def measure_lines(scene: Scene, venue: str | None, trends: Trends, width: int) -> list[Line]:
    """Return what is measured of one book, with sparklines of how unusual it was lately."""
    row = None if venue is None else scene.row(venue)
    if row is None:
        return said("no such book", "no venue of this symbol is watched here", width)
    measures = row.measures
    if not row.live or measures is None:
        return not_trusted(row, width)
    lines = [
        line(
            padded(" mid", 10, "dim"),
            padded(price(measures.mid, decimals_of([measures.mid])), 14, "strong"),
            cell(row.quote, "dim"),
        ),
        _trend(
            " spread",
            f"{bps(measures.spread_bps)} bps",
            "",
            trends,
            (row.venue, SPREAD),
            scene,
            width,
        ),
        _trend(
            " imbalance",
            signed(measures.imbalance),
            "",
            trends,
            (row.venue, IMBALANCE),
            scene,
            width,
        ),
        line(padded(" size", 10, "dim"), *_heads(("sell bps", "buy bps"))),
    ]
    for size in sorted({each for _, each in measures.costs}):
        costs = [_cost(measures.costs.get((side, size))) for side in ("sell", "buy")]
        lines.append(
            line(
                padded(f" {money(size)}", 10),
                *(padded(text, 10, ink, right=True) for text, ink in costs),
            )
        )
    lines.append(line(padded(" within", 10, "dim"), *_heads(("bids", "asks", "imbalance"))))
    for band_bps, band in sorted(measures.bands.items()):
        total = band.bid + band.ask
        share = float((band.bid - band.ask) / total) if total else None
        shown = (
            f"{'' if band.bid_complete else '≥'}{money(band.bid)}",
            f"{'' if band.ask_complete else '≥'}{money(band.ask)}",
            signed(share),
        )
        lines.append(
            line(padded(f" {band_bps} bps", 10), *(padded(text, 10, right=True) for text in shown))
        )
    lines.append(
        line(
            padded(" z", 15, "dim"),
            padded("now", 7, "dim", right=True),
            cell(f"  last {SPAN.seconds // 60} min", "dim"),
        )
    )
    for name, value in measures.z.items():
        text, ink = z_score(value)
        lines.append(
            _trend(
                f" {name.replace('_', ' ')}", text, ink, trends, (row.venue, Z + name), scene, width
            )
        )
    return lines


def _heads(names: Sequence[str]) -> list[Cell]:
    return [padded(each, 10, "dim", right=True) for each in names]


def _trend(
    name: str, text: str, ink: str, trends: Trends, key: tuple[str, str], scene: Scene, width: int
) -> Line:
    """Return a number and how it was lately. A z is drawn from 0 to 6, anything else as it ranged."""
    room = min(60, width - 25)
    if room <= 0:
        return line(padded(name, 15), padded(text, width - 15, ink, right=True))
    values = trends.of(key, scene.at, SPAN, room)
    known = [each for each in values if each is not None]
    if key[1] in (SPREAD, IMBALANCE):
        low, high = (min(known), max(known)) if known else (0.0, 0.0)
    else:
        low, high = 0.0, 6.0
    return line(
        padded(name, 13),
        padded(text, 9, ink, right=True),
        cell("  "),
        (spark(values, low, high), "accent"),
    )


def divergence_lines(found: ShownDivergence | None, width: int) -> list[Line]:
    """Return how far the venues are apart: the row against the column, beyond the usual, in bps."""
    if found is None:
        return said("not known", "no daemon says how far the venues are apart", width)
    judged = "" if found.judged_bps is None else f", {bps(found.judged_bps)} bps at the widest pair"
    head = line(
        cell(" "),
        cell(found.phase, "bad" if found.phase == "firing" else "strong"),
        cell(f"{judged}{'; left: ' + ', '.join(found.left) if found.left else ''}"),
    )
    pairs = {(each.one, each.other): (each.deviation_bps, each.phase) for each in found.pairs}
    each_width = min(9, max(6, (width - 20) // max(1, len(found.venues))))
    numbers = (padded(n, each_width, "dim", right=True) for n in range(1, len(found.venues) + 1))
    lines = [head, line(padded(" row dearer by", 19, "dim"), *numbers)]
    for number, one in enumerate(found.venues, 1):
        fresh = "" if one in found.fresh else "dim"
        cells = [_apart(pairs, one, other, each_width) for other in found.venues]
        lines.append(line(padded(f" {number} {one}", 19, fresh), *cells))
    return [*lines, *_widest(found, width)]


def _apart(
    pairs: dict[tuple[str, str], tuple[float | None, str]], one: str, other: str, width: int
) -> Cell:
    if one == other:
        return padded("·", width, "dim", right=True)
    sign, found = (
        (1, pairs.get((one, other))) if (one, other) in pairs else (-1, pairs.get((other, one)))
    )
    if found is None or found[0] is None:
        return padded(UNKNOWN, width, "dim", right=True)
    firing = found[1] == "firing"
    text = f"{signed(sign * found[0])}{'!' if firing else ''}"
    return padded(text, width, "bad" if firing else "", right=True)


def _widest(found: ShownDivergence, width: int) -> list[Line]:
    """Return the pair that is furthest apart, with what is usual, and what is left after fees."""
    known = [each for each in found.pairs if each.deviation_bps is not None]
    if not known:
        return []
    pair = max(known, key=lambda each: abs(each.deviation_bps or 0.0))
    fees = UNKNOWN if pair.executable_bps is None else f"{signed(pair.executable_bps)}"
    return [
        line(padded(f" widest {pair.one} ~ {pair.other}", width, "dim")),
        line(
            padded(
                f" raw {signed(pair.raw_bps)}, usual {signed(pair.premium_bps)}, after fees {fees} bps",
                width,
                "dim",
            )
        ),
    ]


def score_lines(
    score: ShownScore | None, stress: Sequence[ShownStress], size: Decimal | None, width: int
) -> list[Line]:
    """Return the score, its parts, and what the expected size would meet."""
    if score is None:
        return said("not known", "no daemon tells a score", width)
    return [
        _score(score, width),
        line(*(padded(*each, "dim", right=n > 0) for n, each in enumerate(_PARTS))),
        *(
            _part(
                each.name,
                each.value,
                each.points,
                each.weight,
                each.share,
                each.missing_since,
                width,
            )
            for each in score.parts
        ),
        *_stress(stress, size, width),
    ]


_PARTS = ((" part", 13), ("value", 9), ("points", 8), ("weight", 9), ("share", 8))


def _score(score: ShownScore, width: int) -> Line:
    if score.value is None:
        return line(padded(" not known yet", width, "warn"))
    ink = WEATHER.get(score.weather or "", "bad")
    some = " (a part is missing)" if score.incomplete else ""
    return line(
        padded(f" {score.value:.1f} {score.weather or ''}{some}", 48, ink),
        (bar(score.value / 100, max(0, min(20, width - 49))), ink),
    )


def _part(
    name: str,
    value: float | None,
    points: float | None,
    weight: float,
    share: float,
    missing: object,
    width: int,
) -> Line:
    shown = (
        padded(f" {name}", 13),
        padded(UNKNOWN if value is None else f"{value:.3g}", 9, right=True),
        padded(UNKNOWN if points is None else f"{points:.1f}", 8, right=True),
        padded(f"{weight:.0%}", 9, "dim", right=True),
        padded(f"{share:.1f}", 8, right=True),
    )
    if missing is not None:
        return line(*shown, padded(" missing", width - 47, "warn"))
    return line(*shown, (" " + bar((points or 0.0) / 100, max(0, min(20, width - 49))), "accent"))


def _stress(stress: Sequence[ShownStress], size: Decimal | None, width: int) -> list[Line]:
    if size is None or not stress:
        return [line(padded(" no size is judged", width, "dim"))]
    lines = [line(padded(f" {money(size)} with part of every level gone", width, "dim"))]
    for each in stress:
        more = "+" if each.largest_at_least else ""
        safe = "" if each.largest_safe is None else f", safe to {money(each.largest_safe)}{more}"
        cost = f"fills {each.filled:.0%}" if each.slippage is None else f"{each.slippage:.3%}"
        best = "" if each.best is None else f", best {each.best}"
        ink = {"safe": "good", "elevated": "warn"}.get(each.safety, "bad")
        lines.append(
            line(padded(f" {each.side}", 6), cell(each.safety, ink), cell(f" {cost}{safe}{best}"))
        )
    return lines
