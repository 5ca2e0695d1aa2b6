"""What is judged over the books of a symbol: how far they are apart, the score, the expected size."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from tidegauge.faces.figures import UNKNOWN, money
from tidegauge.runtime.window.across import (
    ShownDivergence,
    ShownPair,
    ShownPart,
    ShownScore,
    ShownStress,
)

from .cells import Cell, Line, bar, bps, cell, line, padded, signed
from .ladder import said

WEATHER = {"calm": "good", "watch": "warn", "stressed": "bad", "critical": "bad"}
PARTS = ((" part", 13), ("value", 9), ("points", 8), ("weight", 9), ("share", 8))
BAR = 20


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
    pairs = {(each.one, each.other): each for each in found.pairs}
    count = max(1, len(found.venues))
    label = max(10, min(19, width - 6 * count))
    each_width = min(9, max(6, (width - label - 1) // count))
    numbers = (padded(n, each_width, "dim", right=True) for n in range(1, len(found.venues) + 1))
    lines = [head, line(padded(" row dearer by", label, "dim"), *numbers)]
    for number, one in enumerate(found.venues, 1):
        name, ink = (one, "") if one in found.fresh else (f"{one}?", "dim")
        cells = [_apart(pairs, one, other, each_width) for other in found.venues]
        lines.append(line(padded(f" {number} {name}", label, ink), *cells))
    return [*lines, *_widest(found, width)]


def _apart(pairs: Mapping[tuple[str, str], ShownPair], one: str, other: str, width: int) -> Cell:
    """Return how much dearer `one` is than `other`; a pair that fires is marked."""
    if one == other:
        return padded("·", width, "dim", right=True)
    pair, sign = pairs.get((one, other)), 1
    if pair is None:
        pair, sign = pairs.get((other, one)), -1
    if pair is None or pair.deviation_bps is None:
        return padded(UNKNOWN, width, "dim", right=True)
    firing = pair.phase == "firing"
    text = f"{signed(sign * pair.deviation_bps)}{'!' if firing else ''}"
    return padded(text, width, "bad" if firing else "", right=True)


def _widest(found: ShownDivergence, width: int) -> list[Line]:
    """Return the pair that is furthest apart, with what is usual, and what is left after fees."""
    known = [each for each in found.pairs if each.deviation_bps is not None]
    if not known:
        return []
    pair = max(known, key=lambda each: abs(each.deviation_bps or 0.0))
    raw, usual, left = map(signed, (pair.raw_bps, pair.premium_bps, pair.executable_bps))
    widest = f" widest {pair.one} ~ {pair.other}"
    about = f"raw {raw}, usual {usual}, after fees {left} bps"
    if len(widest) + len(about) + 2 <= width:
        return [line(padded(f"{widest}: {about}", width, "dim"))]
    return [line(padded(each, width, "dim")) for each in (widest, f" {about}")]


def score_lines(
    score: ShownScore | None, stress: Sequence[ShownStress], size: Decimal | None, width: int
) -> list[Line]:
    """Return the score, its parts, and what the expected size would meet."""
    if score is None:
        return said("not known", "no daemon tells a score", width)
    return [
        _score(score, width),
        line(*(padded(*each, "dim", right=n > 0) for n, each in enumerate(_parts(width)))),
        *(_part(each, width) for each in score.parts),
        *_stress(stress, size, width),
    ]


def _score(score: ShownScore, width: int) -> Line:
    if score.value is None:
        return line(padded(" not known yet", width, "warn"))
    ink = WEATHER.get(score.weather or "", "bad")
    some = " (a part is missing)" if score.incomplete else ""
    return line(
        padded(f" {score.value:.1f} {score.weather or ''}{some}", min(48, width), ink),
        (bar(score.value / 100, max(0, min(BAR, width - 49))), ink),
    )


def _parts(width: int) -> Sequence[tuple[str, int]]:
    """Return the columns that fit; without its weight a part can still be read."""
    fits = sum(size for _, size in PARTS) <= width
    return [each for each in PARTS if fits or each[0] != "weight"]


def _part(part: ShownPart, width: int) -> Line:
    known = {
        "value": UNKNOWN if part.value is None else f"{part.value:.3g}",
        "points": UNKNOWN if part.points is None else f"{part.points:.1f}",
        "weight": f"{part.weight:.0%}",
        "share": f"{part.share:.1f}",
    }
    (_, first), *rest = _parts(width)
    cells = (padded(known[name], size, right=True) for name, size in rest)
    shown = (padded(f" {part.name}", first), *cells)
    room = max(0, width - first - sum(size for _, size in rest) - 1)
    if part.missing_since is not None:
        return line(*shown, padded(f" missing since {part.missing_since:%H:%M:%S}", room, "warn"))
    return line(*shown, (" " + bar((part.points or 0.0) / 100, min(BAR, room)), "accent"))


def _stress(stress: Sequence[ShownStress], size: Decimal | None, width: int) -> list[Line]:
    if size is None or not stress:
        return [line(padded(" no size is judged", width, "dim"))]
    lines = []
    for each in stress:
        more = "+" if each.largest_at_least else ""
        safe = "" if each.largest_safe is None else f", safe to {money(each.largest_safe)}{more}"
        cost = f"fills {each.filled:.0%}" if each.slippage is None else f"{each.slippage:.3%}"
        best = "" if each.best is None else f", {each.best}"
        ink = {"safe": "good", "elevated": "warn"}.get(each.safety, "bad")
        what = f" {each.side} {money(size)} less {each.haircut:.0%} "
        lines.append(line(cell(what), cell(each.safety, ink), cell(f" {cost}{safe}{best}")))
    return lines
