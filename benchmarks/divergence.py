"""What comparing venues costs: `python -m benchmarks.divergence`.

For 5 and for 11 venues of one symbol, kinds mixed, premiums known, nothing apart: a quote whose prices
did not move, one that moved, a sample of all, and a quote while an alert fires.
"""

import statistics
import tracemalloc
from collections.abc import Callable
from time import perf_counter_ns

from tidegauge.core.instrument import SECOND, InstrumentKind
from tidegauge.risk.divergence import Divergence, QuoteFacts, Touch
from tidegauge.risk.signal_settings import DivergenceSettings

ROUNDS, CALLS = 7, 20_000


def touch(step: int) -> Touch:
    """A touch of BTC so many cents from where it was."""
    return Touch(6_000_000 + step, 6_000_010 + step, 150_000_000, 90_000_000, 2, 8)


def watch_of(venues: int, seconds: int) -> Divergence:
    """Return a divergence that saw these venues agree for so long."""
    facts = {
        f"venue-{n:02}": QuoteFacts(
            InstrumentKind.SPOT if n % 5 < 2 else InstrumentKind.PERP, "USDT"
        )
        for n in range(venues)
    }
    settings = DivergenceSettings(taker_bps=dict.fromkeys(facts, 5.0))
    watch = Divergence("BTCUSDT", settings, facts)
    for second in range(seconds):
        for number, name in enumerate(facts):
            watch.quoted(name, touch((second * 7 + number) % 90), second * SECOND, "t")
        watch.sample(second * SECOND, "t")
    return watch


def ns_of(work: Callable[[int], object], calls: int) -> float:
    """Return the median time of one call, in nanoseconds."""
    rounds = []
    for _ in range(ROUNDS):
        began = perf_counter_ns()
        for number in range(calls):
            work(number)
        rounds.append((perf_counter_ns() - began) / calls)
    return statistics.median(rounds)


NAME, AT = "venue-00", 10_000 * SECOND


def costs(watch: Divergence) -> tuple[float, float, float, float]:
    """Return what a quote costs that did not move, one that did, a sample, and a quote of a venue
    whose alert fires."""
    still, moving = touch(3), [touch(step) for step in range(50)]
    far = [touch(step + 24_000) for step in range(50)]
    watch.quoted(NAME, still, AT, "t")
    unmoved = ns_of(lambda _n: watch.quoted(NAME, still, AT, "t"), CALLS)
    moved = ns_of(lambda n: watch.quoted(NAME, moving[n % 50], AT, "t"), CALLS)
    sample = ns_of(lambda n: watch.sample(AT + n * SECOND, "t"), CALLS // 100)
    now = AT + CALLS // 100 * SECOND
    for second in range(9):
        watch.quoted(NAME, far[second], now + second * SECOND, "t")
        watch.sample(now + second * SECOND, "t")
    assert watch.status().left == (NAME,)
    later = now + 9 * SECOND
    firing = ns_of(lambda n: watch.quoted(NAME, far[n % 50], later, "t"), CALLS // 20)
    return unmoved, moved, sample, firing


def main() -> None:
    """Print the table."""
    print("venues   unmoved     moved   while firing     sample    memory")
    for venues in (5, 11):
        tracemalloc.start()
        watch = watch_of(venues, 3_700)
        held = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        unmoved, moved, sample, firing = costs(watch)
        print(
            f"{venues:>6} {unmoved:>6.0f} ns {moved:>6.0f} ns {firing / 1e3:>11.1f} µs "
            f"{sample / 1e3:>7.1f} µs {held / 2**20:>6.1f} MB"
        )


if __name__ == "__main__":
    main()
