"""How well crunches are told from noise: ours beside a textbook's, on the same generated markets.

The measures and their targets are those of docs/signals.md §3. The rules were chosen on seeds below
1,000; they are judged on those from there on.
"""

import multiprocessing
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import groupby, product
from math import log
from typing import NamedTuple, TypeAlias

from tidegauge.core.alert import AlertKey, Signal
from tidegauge.core.instrument import SECOND
from tidegauge.risk.crunch import CrunchDetector
from tidegauge.risk.settings import CrunchSettings
from tidegauge.risk.textbook import TextbookDetector
from tidegauge.simulator.noise import Market, Shape, bleed, calm, step

FRESH = 1_000
"""The first seed that no rule was chosen on."""

NOISES = (0.10, 0.15, 0.20)
PROMISED = 0.10
"""The most noise for which the targets are promised."""

KINDS = {False: "lognormal", True: "Student-t(3)"}
BOTH = "both"

QUICK_S = 3
SURE_S = 10
SETTINGS = CrunchSettings()
CLEARED_S = SETTINGS.clear_for // SECOND + 5
RATES = (0.001, 0.002, 0.005)

Alerts: TypeAlias = tuple[tuple[int, int | None], ...]
"""(first second that fired, first second that did not any more, None while it still does)."""


class Scenario(NamedTuple):
    """A shape of a market's depth, watched for so many seconds; `until` is when depth returns."""

    shape: Shape
    seconds: int
    since: int = 0
    until: int = 0


def half_of(rate: float) -> int:
    """Return after how many seconds a bleed of `rate` a second has taken half."""
    return int(log(2) / -log(1 - rate))


SCENARIOS = {
    "calm": Scenario(calm, 300 + 2 * 3_600),
    "step": Scenario(step(900, 1_300, 0.4), 1_360, 900, 1_300),
    "long": Scenario(step(900, 3_300, 0.4), 3_300, 900, 3_300),
    "side step": Scenario(step(900, 1_000, 0.4, sides="bid"), 1_000, 900, 1_000),
    "side bleed": Scenario(bleed(1_800, 0.002, sides="bid"), 2_402, 1_800),
    **{
        f"bleed {rate}": Scenario(bleed(3_700, rate), 3_700 + half_of(rate), 3_700)
        for rate in RATES
    },
}


class Trial(NamedTuple):
    """One market to watch."""

    noise: float
    heavy: bool
    scenario: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measure of both detectors; None: there was nothing to measure it by.

    `target` is what ours is held to, None where nothing is promised.
    """

    noise: float
    innovations: str
    measure: str
    unit: str
    ours: float | None
    textbook: float | None
    target: str | None
    met: bool | None


def scorecard(
    seeds: int,
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
    *,
    first: int = FRESH,
    noises: Sequence[float] = NOISES,
) -> list[Row]:
    """Watch `seeds` markets of each kind, noise and scenario, in `jobs` processes.

    `progress` is told how many markets of how many are done.
    """
    names = range(first, first + seeds)
    trials = [Trial(*each) for each in product(noises, KINDS, SCENARIOS, names)]
    watched: list[tuple[Trial, Seen]] = []
    for trial, seen in zip(trials, _watch_all(trials, jobs), strict=True):
        watched.append((trial, seen))
        if progress is not None:
            progress(len(watched), len(trials))
    rows: list[Row] = []
    for noise, group in groupby(watched, key=lambda each: each[0].noise):
        rows += _rows(noise, list(group))
    return rows


class Seen(NamedTuple):
    """What each detector made of one market."""

    ours: Alerts
    textbook: Alerts


def watch(trial: Trial) -> Seen:
    """Watch one market, a judgement and a sample a second."""
    scenario = SCENARIOS[trial.scenario]
    key = AlertKey(signal=Signal.CRUNCH, symbol="BTCUSDT", venue="generated")
    detector, textbook = CrunchDetector(key, SETTINGS), TextbookDetector()
    ours, theirs = _Fired(), _Fired()
    market = Market(trial.seed, noise=trial.noise, heavy=trial.heavy)
    for second, reading in enumerate(market.readings(scenario.seconds, scenario.shape)):
        at = reading.origin.received_at
        detector.observe(reading)
        detector.sample(reading, at)
        ours.note(second, firing=detector.alert is not None)
        theirs.note(second, firing=textbook.observe(reading, at))
    return Seen(ours.alerts, theirs.alerts)


class _Fired:
    """Seconds made into alerts."""

    def __init__(self) -> None:
        self._over: list[tuple[int, int | None]] = []
        self._since: int | None = None

    def note(self, second: int, *, firing: bool) -> None:
        if firing and self._since is None:
            self._since = second
        elif not firing and self._since is not None:
            self._over.append((self._since, second))
            self._since = None

    @property
    def alerts(self) -> Alerts:
        still = () if self._since is None else ((self._since, None),)
        return (*self._over, *still)


def _watch_all(trials: Sequence[Trial], jobs: int) -> Iterator[Seen]:
    if jobs <= 1:
        yield from map(watch, trials)
        return
    context = multiprocessing.get_context("spawn")
    leave_it_to_us = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    with ProcessPoolExecutor(jobs, context, initializer=leave_it_to_us) as pool:
        try:
            yield from pool.map(watch, trials, chunksize=4)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


# -- from alerts to measures -------------------------------------------------------------------


class Target(NamedTuple):
    """What is promised of a measure."""

    limit: float
    most: bool = False

    def met(self, value: float | None) -> bool:
        if value is None:
            return False
        return value <= self.limit if self.most else value >= self.limit

    def said(self, unit: str) -> str:
        return f"{'<=' if self.most else '>='} {self.limit:g}{' %' if unit == '%' else ''}"


class Measure(NamedTuple):
    """A number about the markets of one scenario."""

    name: str
    scenario: str
    unit: str
    of: Callable[[Scenario, Sequence[Alerts]], float | None]
    target: Target | None = None


def _delay(scenario: Scenario, alerts: Alerts) -> int | None:
    """Return after how many seconds it was found; one that fired already has found it at once."""
    for fired, ended in alerts:
        if ended is None or ended > scenario.since:
            return max(0, fired - scenario.since)
    return None


def _percent(outcomes: Iterable[bool | None]) -> float | None:
    known = [outcome for outcome in outcomes if outcome is not None]
    return 100 * sum(known) / len(known) if known else None


def _found(scenario: Scenario, markets: Sequence[Alerts], *, within: int) -> float | None:
    delays = [_delay(scenario, alerts) for alerts in markets]
    return _percent(delay is not None and delay <= within for delay in delays)


def _delay_at(scenario: Scenario, markets: Sequence[Alerts], *, share: float) -> float | None:
    """Return a quantile of the delay, over all markets: None where it was not found in so many."""
    delays = [_delay(scenario, alerts) for alerts in markets]
    known = sorted(delay for delay in delays if delay is not None)
    place = int(share * len(delays))
    return known[place] if place < len(known) else None


def _false_alerts(scenario: Scenario, markets: Sequence[Alerts]) -> float:
    hours = len(markets) * (scenario.seconds - SETTINGS.min_samples) / 3_600
    return 24 * sum(map(len, markets)) / hours


def _firing(scenario: Scenario, markets: Sequence[Alerts]) -> float | None:
    """Return the share of seconds that fired, from when it should have been found."""
    since, fired = scenario.since + SURE_S, 0
    for alerts in markets:
        for began, ended in alerts:
            over = scenario.until if ended is None else min(ended, scenario.until)
            fired += max(0, over - max(began, since))
    return 100 * fired / (len(markets) * (scenario.until - since))


def _resolved(scenario: Scenario, markets: Sequence[Alerts]) -> float | None:
    """Return the share of those that fired at the recovery and ended in time."""
    until = scenario.until
    ends = [
        ended is not None and ended <= until + CLEARED_S
        for alerts in markets
        for fired, ended in alerts
        if fired < until and (ended is None or ended > until)
    ]
    return _percent(ends)


def _single(scenario: Scenario, markets: Sequence[Alerts]) -> float | None:
    """Return the share of markets in which a crunch made one alert."""
    since = scenario.since
    counts = [sum(ended is None or ended > since for _, ended in alerts) for alerts in markets]
    return _percent(count == 1 for count in counts)


MEASURES = (
    Measure("false alerts in 24 h", "calm", "", _false_alerts, Target(1, most=True)),
    Measure("step of both sides found within 3 s", "step", "%", partial(_found, within=QUICK_S), Target(98)),
    Measure("40-minute step: seconds firing", "long", "%", _firing, Target(100)),
    Measure("recovery resolved within 35 s", "step", "%", _resolved, Target(95)),
    Measure("one crunch, one alert", "step", "%", _single, Target(95)),
    *(
        Measure(
            f"bleed of {rate:.1%} a second found before half is gone", f"bleed {rate}", "%",
            partial(_found, within=half_of(rate)), Target(95),
        )
        for rate in RATES
    ),
    Measure("step of one side: found within 100 s", "side step", "%", partial(_found, within=100)),
    Measure("step of one side: median delay", "side step", "s", partial(_delay_at, share=0.5)),
    Measure("step of one side: delay of nine in ten", "side step", "s", partial(_delay_at, share=0.9)),
    Measure(
        "bleed of one side, 0.2% a second: found before half is gone", "side bleed", "%",
        partial(_found, within=half_of(0.002)),
    ),
    Measure("bleed of one side, 0.2% a second: median delay", "side bleed", "s", partial(_delay_at, share=0.5)),
)  # fmt: skip


def _rows(noise: float, watched: Sequence[tuple[Trial, Seen]]) -> list[Row]:
    rows = []
    for kind, measure in product(KINDS, MEASURES):
        seen = [
            each
            for trial, each in watched
            if (trial.heavy, trial.scenario) == (kind, measure.scenario)
        ]
        scenario = SCENARIOS[measure.scenario]
        ours = measure.of(scenario, [each.ours for each in seen])
        theirs = measure.of(scenario, [each.textbook for each in seen])
        # Heavy tails make nearly all false alerts: that target is one of the mean of both kinds.
        target = None if measure.of is _false_alerts else measure.target
        rows.append(_row(noise, KINDS[kind], measure, ours, theirs, target))
    false = [row for row in rows if row.measure == MEASURES[0].name]
    ours = sum(row.ours or 0.0 for row in false) / len(false)
    theirs = sum(row.textbook or 0.0 for row in false) / len(false)
    return [_row(noise, BOTH, MEASURES[0], ours, theirs, MEASURES[0].target), *rows]


def _row(
    noise: float,
    innovations: str,
    measure: Measure,
    ours: float | None,
    textbook: float | None,
    target: Target | None,
) -> Row:
    held = target if noise <= PROMISED else None
    return Row(
        noise=noise,
        innovations=innovations,
        measure=measure.name,
        unit=measure.unit,
        ours=ours,
        textbook=textbook,
        target=None if held is None else held.said(measure.unit),
        met=None if held is None else held.met(ours),
    )


# -- to be read --------------------------------------------------------------------------------


def render(rows: Sequence[Row]) -> str:
    """Return the rows as a table for people."""
    lines = []
    width = max((len(row.measure) for row in rows), default=0)
    for (noise, kind), group in groupby(rows, key=lambda row: (row.noise, row.innovations)):
        title = f"noise {noise:.2f}, {kind}"
        lines += ["", f"{title:<{width}}  {'ours':>9}  {'textbook':>9}  target"]
        for row in group:
            said = "" if row.target is None else f"{row.target}{'' if row.met else '  MISSED'}"
            figures = f"{_figure(row.ours, row.unit):>9}  {_figure(row.textbook, row.unit):>9}"
            lines.append(f"{row.measure:<{width}}  {figures}  {said}".rstrip())
    return "\n".join(lines[1:])


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return f"{value:.0f} s" if unit == "s" else f"{value:.1f}{' %' if unit == '%' else ''}"
