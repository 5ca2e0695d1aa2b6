"""What breaches, and what has recovered: the rules of the liquidity crunch (docs/signals.md §3).

A rule answers yes, no or unknown (None). Each has a hold of its own; several rules may speak of one
cause, which is what an alert names.
"""

from collections.abc import Iterator
from math import inf
from typing import NamedTuple

from msgspec import Struct

from ..core.alert import Severity
from ..core.instrument import Nanos
from .inputs import Harmful, Judged, Track
from .settings import CrunchSettings, Threshold

DEPTH, BID_DEPTH, ASK_DEPTH = "depth", "bid_depth", "ask_depth"
SPREAD, SELL_SLIPPAGE, BUY_SLIPPAGE = "spread", "sell_slippage", "buy_slippage"
SELL_FILL, BUY_FILL, ONE_SIDED = "sell_fill", "buy_fill", "one_sided"
DEPTH_FLOOR, SPREAD_FLOOR, SLIPPAGE_FLOOR = "depth_floor", "spread_floor", "slippage_floor"
FLOORS = (DEPTH_FLOOR, SPREAD_FLOOR, SLIPPAGE_FLOOR)


class Inputs(Struct, frozen=True, kw_only=True):
    """All that a crunch is judged by at one instant; None: no window of it exists yet.

    `floored` are the values that the user set limits for, by cause.
    """

    depth: Judged | None
    bid: Judged | None
    ask: Judged | None
    spread: Judged | None
    sell: Judged | None
    buy: Judged | None
    sell_fill: Judged | None
    buy_fill: Judged | None
    imbalance: Judged | None
    one_sided: bool
    floored: dict[str, float | None]

    def all(self) -> tuple[Judged, ...]:
        """Return what is judged against a window."""
        inputs = (
            self.depth, self.bid, self.ask, self.spread, self.sell, self.buy, self.imbalance,
        )  # fmt: skip
        return tuple(judged for judged in inputs if judged is not None)


class Evidence(NamedTuple):
    """One rule's answer. `harm` is what severity is read from, `threshold` a harm.

    For a user floor `limit` is set instead, in the unit of the value.
    """

    rule: str
    cause: str
    hold: Nanos
    breached: bool | None
    harm: float = 0.0
    threshold: float = 0.0
    judged: Judged | None = None
    least: Severity = Severity.WARNING
    value: float | None = None
    limit: float | None = None

    @property
    def value_now(self) -> float | None:
        """Return the value of the cause, in its own unit."""
        return self.value if self.judged is None else self.judged.value

    @property
    def value_at_threshold(self) -> float | None:
        """Return the value at which this rule breaches, in the unit of the cause."""
        if self.judged is None:
            return self.limit
        return self.judged.at_harm(self.threshold)

    @property
    def baseline(self) -> float | None:
        """Return what is normal, in the unit of the cause."""
        return None if self.judged is None else self.judged.baseline


def evidence(inputs: Inputs, settings: CrunchSettings) -> Iterator[Evidence]:
    """Yield the answer of every rule, the most telling cause first."""
    rules = settings
    fallen = _step(DEPTH, inputs.depth, rules.depth_step, rules.step_hold)
    yield _no_wall(fallen, inputs, settings, samples=0)
    # Two inputs that went together are believed by less than one that went alone.
    fallen = _step(DEPTH, inputs.depth, rules.depth_step_supported, rules.step_hold)
    fallen = _moved(fallen._replace(rule="depth:with_spread"), inputs.spread, settings)
    yield _no_wall(fallen, inputs, settings, samples=0)
    bleeding = _bleed(DEPTH, inputs.depth, settings)
    yield _no_wall(bleeding, inputs, settings, samples=rules.clear_samples)
    supporting = (
        (BID_DEPTH, inputs.bid, SELL_SLIPPAGE, inputs.sell),
        (ASK_DEPTH, inputs.ask, BUY_SLIPPAGE, inputs.buy),
    )
    for depth_name, depth, slippage_name, slippage in supporting:
        fallen = _step(depth_name, depth, rules.side_step, rules.side_hold)
        yield _supported(fallen, slippage, rules.supporting_harm)
        lasting = _step(depth_name, depth, rules.side_step_lasting, rules.lasting_hold)
        lasting = _supported(lasting, slippage, rules.supporting_harm)
        yield lasting._replace(rule=f"{depth_name}:lasting")
        early = lasting._replace(rule=f"{depth_name}:with_spread", hold=rules.side_hold)
        yield _moved(early, inputs.spread, settings)
        bleeding = _bleed(depth_name, depth, settings)
        costless = _harm(slippage, rules.clear_samples) < rules.supporting_harm
        yield bleeding._replace(breached=bleeding.breached and not costless)
        yield _supported_bleed(depth_name, depth, slippage, settings)
        risen = _step(slippage_name, slippage, rules.slippage_step, rules.alone_hold)
        yield _supported(risen, depth, rules.supporting_harm)
    widened = _step(SPREAD, inputs.spread, rules.spread_step, rules.alone_hold)
    yield widened
    # A spread jumps and falls back by itself; it is believed early only where depth went with it.
    early = widened._replace(rule="spread:with_depth", hold=rules.step_hold)
    yield _supported(early, inputs.depth, rules.supporting_harm)
    yield _cannot_fill(SELL_FILL, inputs.sell_fill, rules.fill_hold)
    yield _cannot_fill(BUY_FILL, inputs.buy_fill, rules.fill_hold)
    yield Evidence(ONE_SIDED, ONE_SIDED, rules.fill_hold, inputs.one_sided, least=Severity.CRITICAL)
    for cause, value in inputs.floored.items():
        yield _floor(cause, value, settings)


def quiet(inputs: Inputs, settings: CrunchSettings) -> bool:
    """Whether surely no rule breaches: what is asked of nearly every reading, in a calm market."""
    if inputs.one_sided or inputs.floored:
        return False
    for judged in (inputs.depth, inputs.bid, inputs.ask, inputs.spread, inputs.sell, inputs.buy):
        if judged is None or judged.harm is None:
            continue
        if not harmless(judged.track, judged.harm, settings):
            return False
    for filled in (inputs.sell_fill, inputs.buy_fill):
        if filled is not None and filled.value is not None and filled.value < 1.0:
            return False
    return True


def harmless(track: Track, harm: float, settings: CrunchSettings) -> bool:
    """Whether surely no rule breaches by this harm of an input."""
    if track.alarm is None:
        track.alarm = alarm_of(track, settings)
    return harm < track.alarm


def alarm_of(track: Track, settings: CrunchSettings) -> float:
    """Return a harm below which no rule breaches on this input, whatever the others show.

    A bleed is judged by samples, not by the reading: where one may be under way, every harm is.
    """
    lowest = lowest_threshold(track, settings)
    if lowest is None:
        return inf
    now = track.median_harm(settings.clear_samples)
    return -inf if now is not None and now >= settings.bleed_still * lowest else lowest


def _step(name: str, judged: Judged | None, threshold: Threshold, hold: Nanos) -> Evidence:
    if judged is None or judged.harm is None or judged.noise is None:
        return Evidence(f"{name}:step", name, hold, None)
    limit = threshold.at(judged.noise)
    return Evidence(f"{name}:step", name, hold, judged.harm >= limit, judged.harm, limit, judged)


def _supported(breach: Evidence, support: Judged | None, least: float) -> Evidence:
    """Return `breach`, believed only if the other input of its side is harmed as well."""
    if not breach.breached:
        return breach
    harm = None if support is None else support.harm
    return breach._replace(breached=None if harm is None else harm >= least)


def _moved(breach: Evidence, spread: Judged | None, settings: CrunchSettings) -> Evidence:
    """Return `breach`, believed only if the spread has moved with it."""
    if not breach.breached:
        return breach
    if spread is None or spread.harm is None or spread.noise is None:
        return breach._replace(breached=None)
    return breach._replace(breached=spread.harm >= settings.spread_moved.at(spread.noise))


def _no_wall(breach: Evidence, inputs: Inputs, settings: CrunchSettings, samples: int) -> Evidence:
    """Return `breach` of both sides' depth, not believed where one order that left explains it.

    A wall that leaves the band takes depth from one side, and costs a taker nothing: the other side
    stands as it did, and this side's slippage as well. What is unknown explains nothing.
    """
    if breach.breached:
        least = settings.supporting_harm
        for other, slippage in ((inputs.ask, inputs.sell), (inputs.bid, inputs.buy)):
            if _harm(other, samples) < least and _harm(slippage, samples) < least:
                return breach._replace(breached=False)
    return breach


def _harm(judged: Judged | None, samples: int) -> float:
    """Return the harm now, or the median of the last samples (0: now); unknown is infinite."""
    if judged is None:
        return inf
    harm = judged.track.median_harm(samples) if samples else judged.harm
    return inf if harm is None else harm


def _bleed(name: str, judged: Judged | None, settings: CrunchSettings) -> Evidence:
    rule = f"{name}:bleed"
    if judged is None or judged.noise is None:
        return Evidence(rule, name, settings.bleed_hold, None)
    now = judged.track.median_harm(settings.clear_samples)
    for samples, threshold in bleed_thresholds(judged.track, settings):
        limit = threshold.at(judged.noise)
        # The few are looked at first: in a calm market the many are then never sorted.
        if now is None or now < settings.bleed_still * limit:
            continue
        median = judged.track.median_harm(samples)
        if median is not None and median >= limit:
            return Evidence(rule, name, settings.bleed_hold, True, now, limit, judged)
    return Evidence(rule, name, settings.bleed_hold, False)


def _supported_bleed(
    name: str, depth: Judged | None, slippage: Judged | None, settings: CrunchSettings
) -> Evidence:
    """Judge the bleed of a side by less, where its slippage has risen for as long.

    A wall that leaves the band takes depth from a side and costs a taker nothing.
    """
    rule = f"{name}:supported_bleed"
    if depth is None or slippage is None or depth.noise is None or slippage.noise is None:
        return Evidence(rule, name, settings.bleed_hold, None)
    limit = settings.side_bleed_supported.at(depth.noise)
    now = depth.track.median_harm(settings.clear_samples)
    if now is None or now < settings.bleed_still * limit:
        return Evidence(rule, name, settings.bleed_hold, None if now is None else False)
    fallen = depth.track.median_harm(settings.bleed_long)
    risen = slippage.track.median_harm(settings.bleed_long)
    if fallen is None or risen is None:
        return Evidence(rule, name, settings.bleed_hold, None)
    breached = fallen >= limit and risen >= settings.supporting_harm
    return Evidence(rule, name, settings.bleed_hold, breached, now, limit, depth)


def _cannot_fill(name: str, judged: Judged | None, hold: Nanos) -> Evidence:
    if judged is None or judged.value is None or not judged.track.normal.ready:
        return Evidence(name, name, hold, None)
    cannot = judged.value < 1.0 and judged.track.baseline() == 1.0
    return Evidence(name, name, hold, cannot, judged=judged, least=Severity.CRITICAL)


def _floor(cause: str, value: float | None, settings: CrunchSettings) -> Evidence:
    limit = floor_limit(cause, settings)
    assert limit is not None
    breached = None if value is None else _beyond(cause, value, limit)
    return Evidence(cause, cause, settings.floor_hold, breached, value=value, limit=limit)


def _beyond(cause: str, value: float, limit: float) -> bool:
    return value < limit if cause == DEPTH_FLOOR else value > limit


def floor_limit(cause: str, settings: CrunchSettings) -> float | None:
    """Return the limit the user set, in the unit of the value; None when off."""
    floors = settings.floors
    if cause == DEPTH_FLOOR:
        return None if floors.min_depth is None else float(floors.min_depth)
    return floors.max_spread_bps if cause == SPREAD_FLOOR else floors.max_slippage_bps


def bleed_thresholds(
    track: Track, settings: CrunchSettings
) -> tuple[tuple[int, Threshold], tuple[int, Threshold]]:
    """Return (samples, threshold) of the short and of the long bleed of a depth."""
    if track.name == DEPTH:
        short, long = settings.depth_bleed_short, settings.depth_bleed_long
    else:
        short, long = settings.side_bleed_short, settings.side_bleed_long
    return (settings.bleed_short, short), (settings.bleed_long, long)


def lowest_threshold(track: Track, settings: CrunchSettings) -> float | None:
    """Return the lowest harm by which any rule would let this input breach."""
    noise = track.noise()
    if noise is None:
        return None
    if track.name == SPREAD:
        return settings.spread_step.at(noise)
    if track.harmful is Harmful.MORE:
        return settings.slippage_step.at(noise)
    thresholds = [threshold for _, threshold in bleed_thresholds(track, settings)]
    if track.name == DEPTH:
        thresholds += settings.depth_step, settings.depth_step_supported
    else:
        thresholds += settings.side_step, settings.side_step_lasting, settings.side_bleed_supported
    return min(threshold.at(noise) for threshold in thresholds)


def recovered(track: Track, settings: CrunchSettings) -> bool | None:
    """Whether a breached input is harmless again, None when it could not be seen.

    The median of its last samples of harm must lie under `clear_share` of its lowest threshold; a
    side that could not be filled must be filled.
    """
    harm = track.median_harm(settings.clear_samples)
    if harm is None or not track.seen:
        return None
    if track.name in (SELL_FILL, BUY_FILL):
        return harm <= 0
    threshold = lowest_threshold(track, settings)
    return None if threshold is None else harm < settings.clear_share * threshold


def floor_recovered(cause: str, values: list[float], settings: CrunchSettings) -> bool | None:
    """Whether the median of the last samples is inside the user's limit by its margin."""
    limit = floor_limit(cause, settings)
    if limit is None or not values:
        return None
    median = sorted(values)[len(values) // 2]
    margin = settings.floor_margin if cause == DEPTH_FLOOR else -settings.floor_margin
    return not _beyond(cause, median, limit * (1 + margin))
