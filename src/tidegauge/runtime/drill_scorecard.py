"""The scorecard of a rule set: every drill, several seeds each, on all cores that may be used."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from multiprocessing import active_children, get_context
from statistics import median
from types import FrameType

from tidegauge.core.instrument import HOUR, Nanos
from tidegauge.risk.ruleset import RuleSet
from tidegauge.simulator.drills import DRILLS

from .drill import run_drill
from .drill_outcome import DrillOutcome, pages_by_channel

STOPS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a rule set did not do in one drill, and with which seed."""

    seed: int
    expected: str
    came: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """All runs of one drill. `after` is the median delay of what had to fire, `after_worst` the
    longest; None where nothing had to, or nothing did. `missed`: runs in which it did not fire.
    `incidents`, `pages` (of the channel with most) and `muted` are of all runs together."""

    drill: str
    runs: int
    passed: int
    after: Nanos | None
    after_worst: Nanos | None
    missed: int
    false_alerts: int
    incidents: int
    pages: int
    muted: int
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """Every drill of a rule set. `hours` is how much market was watched, a book and hour each."""

    seeds: int
    hours: float
    lines: tuple[Line, ...]

    @property
    def passed(self) -> bool:
        """Whether every drill of every seed did."""
        return all(line.passed == line.runs for line in self.lines)

    @property
    def false_alerts(self) -> int:
        return sum(line.false_alerts for line in self.lines)


def run_drills(
    rules: RuleSet,
    names: Iterable[str],
    seeds: Sequence[int],
    progress: Callable[[int, str], None],
    *,
    workers: int | None = None,
) -> Scorecard:
    """Run the drills of these names with each seed; `progress` is told the number, from 1, and the name
    of the one that is waited for.

    Drills are alone in their processes, so their number (all cores by default) changes no outcome.
    """
    tasks = [(name, seed) for name in names for seed in seeds]
    done: dict[str, list[DrillOutcome]] = {name: [] for name in names}
    for outcome in _outcomes(rules, tasks, progress, workers or cores()):
        done[outcome.drill].append(outcome)
    return Scorecard(
        seeds=len(seeds),
        hours=sum(
            each.lasts / HOUR * len(DRILLS[name].books) for name in done for each in done[name]
        ),
        lines=tuple(_line(name, outcomes) for name, outcomes in done.items()),
    )


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def _outcomes(
    rules: RuleSet,
    tasks: Sequence[tuple[str, int]],
    progress: Callable[[int, str], None],
    workers: int,
) -> list[DrillOutcome]:
    """Return what came of the tasks, in their order."""
    if workers == 1 or len(tasks) == 1:
        with _stoppable():
            return _told(tasks, (_run(rules, *task) for task in tasks), progress)
    with _stoppable(), _pool(workers) as pool:
        # We are not stopped half-way through starting one, and what is started hears of no stop: it
        # would complain while it starts. We end it.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        try:
            coming = pool.map(_run, repeat(rules), *zip(*tasks, strict=True))
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        return _told(tasks, coming, progress)


def _told(
    tasks: Sequence[tuple[str, int]],
    coming: Iterator[DrillOutcome],
    progress: Callable[[int, str], None],
) -> list[DrillOutcome]:
    """Take what comes, and say before each what is waited for."""
    outcomes = []
    for number, (name, _seed) in enumerate(tasks, start=1):
        progress(number, name)
        outcomes.append(next(coming))
    return outcomes


@contextmanager
def _stoppable() -> Iterator[None]:
    """Have a SIGTERM stop us as a Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Lend processes, which end at once when we are stopped."""
    others = active_children()
    # A fresh interpreter each: a fork would take over whatever threads held.
    pool = ProcessPoolExecutor(workers, get_context("spawn"))
    try:
        yield pool
    except BaseException:
        for each in active_children():
            if each not in others:
                each.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _run(rules: RuleSet, name: str, seed: int) -> DrillOutcome:
    return run_drill(DRILLS[name], rules, seed)


def _line(name: str, outcomes: Sequence[DrillOutcome]) -> Line:
    delays = [delay for each in outcomes if (delay := each.delay) is not None]
    return Line(
        drill=name,
        runs=len(outcomes),
        passed=sum(each.passed for each in outcomes),
        after=round(median(delays)) if delays else None,
        after_worst=max(delays, default=None),
        missed=0 if DRILLS[name].quiet else len(outcomes) - len(delays),
        false_alerts=sum(each.false_alerts for each in outcomes),
        incidents=sum(len(each.incidents) for each in outcomes),
        pages=sum(max(pages_by_channel(each.pages).values(), default=0) for each in outcomes),
        muted=sum(mute.times for each in outcomes for mute in each.mutes),
        failures=tuple(
            Failure(seed=each.seed, expected=check.expected, came=check.came)
            for each in outcomes
            for check in each.checks
            if not check.met
        ),
    )
