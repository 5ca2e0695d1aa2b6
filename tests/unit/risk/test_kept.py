"""What a detector keeps over a restart, and over a change of its settings."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.crunch_watch import KEY, QUICK, Watched, firing, warm
from tests.support.markets import START, one_sided, reading

from tidegauge.core.alert import AlertState
from tidegauge.core.instrument import SECOND
from tidegauge.core.reading import Reading
from tidegauge.risk.crunch import CrunchDetector
from tidegauge.risk.kept import DetectorState, SharedTimes
from tidegauge.risk.settings import CrunchSettings, Threshold, UserFloors
from tidegauge.risk.status import CrunchPhase

THIN = {"bid": 1e6, "ask": 1e6}
FLOORED = replace(QUICK, floors=UserFloors(max_spread_bps=5.0), max_freeze=30 * SECOND)


def kept(detector: CrunchDetector) -> DetectorState:
    """Return its state as it comes back from a disk."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(detector.snapshot()), type=DetectorState)


def restart(watched: Watched, *, away: int = 5, settings: CrunchSettings | None = None) -> None:
    """Stop the daemon, and start it again some seconds later."""
    before = watched.detector
    watched.second += away
    watched.detector = CrunchDetector.restored(
        KEY, settings or before.settings, kept(before), watched.at
    )


# -- one restart, in each phase ----------------------------------------------------------------


def test_what_had_warmed_up_is_warm() -> None:
    """No second warm-up: the next reading is judged, and thin depth fires after its hold."""
    watched = warm()
    restart(watched)
    assert watched.phase is CrunchPhase.CALM
    assert watched.see(2, **THIN) == []
    (alert,) = watched.see(1, **THIN)
    assert alert.baseline == pytest.approx(6e6)


def test_what_was_warming_up_goes_on_from_there() -> None:
    """Twelve of twenty samples, a restart, and eight more."""
    watched = Watched()
    watched.see(12)
    restart(watched)
    assert watched.detector.status().samples == 12
    watched.see(8)
    assert watched.phase is CrunchPhase.CALM


def test_samples_that_grew_too_old_are_dropped() -> None:
    """The window is 100 s: of its 60 samples 50 are young enough at first, and none later."""
    watched = warm()
    restart(watched, away=50)
    assert watched.detector.status().samples == 50
    restart(watched, away=200)
    assert watched.detector.status().samples == 0
    assert watched.see(10, **THIN) == []


def test_a_hold_stands_still_over_a_restart() -> None:
    """One second of breach before and one after it make two."""
    watched = warm()
    watched.see(2, **THIN)
    restart(watched)
    assert watched.phase is CrunchPhase.PENDING
    assert watched.see(1, **THIN) == []
    (alert,) = watched.see(1, **THIN)
    assert alert.started_at == START + 60 * SECOND


def test_what_fires_goes_on_under_its_id_and_is_seen_again() -> None:
    """No second alert; the first reading takes the mark away, whatever else it says."""
    watched = firing()
    first, last_seen = watched.detector.alert, watched.at - SECOND
    assert first is not None
    restart(watched, away=3_600)
    told = watched.detector.alert
    assert told is not None
    assert (told.id, told.state, told.unobserved_since) == (first.id, first.state, last_seen)
    assert "cannot be seen" in told.sentence
    (seen,) = watched.see(1, **THIN)
    assert (seen.id, seen.state, seen.unobserved_since) == (first.id, AlertState.FIRING, None)
    assert "cannot be seen" not in seen.sentence


def test_it_resolves_only_by_what_was_seen_and_against_the_first_baseline() -> None:
    """Some seconds of calm before the restart and some after it make ten; a day does not."""
    watched = firing()
    watched.see(8)
    restart(watched, away=86_400)
    (seen,) = watched.see(2)
    assert seen.state is AlertState.FIRING
    (resolved,) = watched.see(8)
    assert resolved.state is AlertState.RESOLVED
    assert watched.phase is CrunchPhase.CALM


def test_an_alert_that_was_unobserved_stays_so_since_then() -> None:
    """A restart does not make the time longer or shorter for which nothing was seen."""
    watched = firing()
    lost_at = watched.at + 7 * SECOND
    watched.detector.lost_trust(lost_at, "x")
    restart(watched)
    alert = watched.detector.alert
    assert alert is not None
    assert alert.unobserved_since == lost_at
    assert watched.detector.lost_trust(watched.at, "y") is None


def test_a_new_detector_can_be_kept_too() -> None:
    """Before anything was seen."""
    watched = Watched()
    restart(watched)
    assert watched.detector.status() == Watched().detector.status()


def test_the_second_baseline_of_a_long_alert_is_kept() -> None:
    """A person may still take it for normal."""
    watched = warm(FLOORED)
    watched.see(60, **THIN)
    restart(watched)
    watched.see(1, **THIN)
    depth = watched.detector.status().input("depth")
    assert depth is not None
    assert depth.second_baseline == pytest.approx(2e6)
    assert watched.detector.rebase(watched.at, "x") is not None
    assert watched.see(20, **THIN) == []


def test_what_another_version_kept_is_refused() -> None:
    """It starts anew instead of misreading it."""
    other = msgspec.msgpack.encode({"type": "crunch/0", "at": 1})
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(other, type=DetectorState)


def test_windows_that_do_not_belong_together_are_refused() -> None:
    """Times without values."""
    state = warm().detector.snapshot()
    broken = msgspec.structs.replace(
        state, windows=msgspec.structs.replace(state.windows, times=(b"",))
    )
    with pytest.raises(ValueError, match="other samples"):
        CrunchDetector.restored(KEY, QUICK, broken, START)


def test_times_that_windows_share_are_kept_once() -> None:
    """They are half of what would be written."""
    times = SharedTimes()
    first, second = times.keep([1, 2], [0.5, 1.5]), times.keep([1, 2], [7.0, 8.0])
    assert (first.times, second.times, len(times.all)) == (0, 0, 1)
    at, values = SharedTimes(times.all).samples(second)
    assert ([*at], [*values]) == ([1, 2], [7.0, 8.0])


# -- any number of restarts --------------------------------------------------------------------

SCENES = st.lists(
    st.tuples(
        st.integers(1, 45),
        st.sampled_from([1.0, 1.0, 0.75, 0.5, 0.3]),
        st.sampled_from([1.0, 1.0, 0.5, 0.2]),
        st.sampled_from([1.0, 1.0, 6.0]),
        st.sampled_from(["seen", "seen", "seen", "one-sided", "unseen"]),
    ),
    min_size=1,
    max_size=8,
)
RESTARTS = st.lists(st.tuples(st.integers(0, 250), st.sampled_from([0, 3, 60, 150])), max_size=5)


def story(
    seed: int, scenes: list[tuple[int, float, float, float, str]]
) -> Iterator[Reading | None]:
    """Yield a reading a second of a noisy market; None while its book is not to be believed."""
    random = Random(seed)
    at = START
    for seconds, bid, ask, spread, how in [(45, 1.0, 1.0, 1.0, "seen"), *scenes]:
        for _ in range(seconds):
            at += SECOND
            noise = random.gauss(1.0, 0.05)
            if how == "unseen":
                yield None
            elif how == "one-sided":
                yield one_sided(at)
            else:
                yield reading(
                    at,
                    bid=3e6 * bid * noise,
                    ask=3e6 * ask * random.gauss(1.0, 0.05),
                    spread_bps=spread * noise,
                    sell=1.5 / bid * noise,
                    buy=1.5 / ask,
                )


@given(seed=st.integers(0, 9), scenes=SCENES, restarts=RESTARTS)
def test_restarts_change_nothing_but_that_the_book_was_not_seen(
    seed: int, scenes: list[tuple[int, float, float, float, str]], restarts: list[tuple[int, int]]
) -> None:
    """One detector lives on and loses its book for a while; the other is ended and restored."""
    stops, late = dict(restarts), 0
    alone, restarted = CrunchDetector(KEY, FLOORED), CrunchDetector(KEY, FLOORED)
    for second, told in enumerate(story(seed, scenes)):
        now = START + (second + 1 + late) * SECOND
        if second in stops:
            late += stops[second]
            state = kept(restarted)
            alone.lost_trust(max(state.at, 0), "")
            restarted = CrunchDetector.restored(KEY, FLOORED, state, now)
            now += stops[second] * SECOND
        if told is None:
            alone.lost_trust(now, "lost")
            restarted.lost_trust(now, "lost")
            continue
        origin = msgspec.structs.replace(told.origin, received_at=now)
        seen = msgspec.structs.replace(told, origin=origin)
        assert alone.observe(seen) == restarted.observe(seen)
        alone.sample(seen, now)
        restarted.sample(seen, now)
        assert alone.tick(now) == restarted.tick(now)
        assert alone.status() == restarted.status()
        assert kept(alone) == kept(restarted)


# -- other settings ----------------------------------------------------------------------------


def test_new_thresholds_are_judged_by_at_once() -> None:
    """A fall of 30 % is nothing by the first, and a step by the second."""
    watched = warm()
    assert watched.see(5, bid=2.1e6, ask=2.1e6) == []
    watched.detector.adopt(replace(QUICK, depth_step=Threshold(0.3, 4.25)))
    (alert,) = watched.see(3, bid=2.1e6, ask=2.1e6)
    assert alert.cause == "depth"


def test_an_alert_goes_on_over_new_settings_and_clears_by_them() -> None:
    """Neither resolved nor opened a second time by the change itself."""
    watched = firing()
    watched.detector.adopt(replace(QUICK, depth_step=Threshold(2.0, 4.25), clear_for=3 * SECOND))
    assert watched.see(3, **THIN) == []
    (resolved,) = watched.see(8)
    assert resolved.state is AlertState.RESOLVED


@pytest.mark.parametrize("restarted", [False, True], ids=["adopted", "restored"])
def test_windows_keep_what_other_sizes_have_room_for(restarted: bool) -> None:
    """Of 60 samples 30; and more than there are to be had take nothing away."""
    watched = warm()
    small = replace(QUICK, slow=30, fast=10, min_samples=10)
    large = replace(small, slow=500, fast=50)
    for settings in (small, large):
        if restarted:
            restart(watched, away=0, settings=settings)
        else:
            watched.detector.adopt(settings)
        assert watched.detector.status().samples == 30
    watched.see(20)
    assert watched.detector.status().samples == 50


def test_frozen_windows_stay_warm_when_more_samples_are_asked_for() -> None:
    """They take none while the alert fires, and it must be able to clear."""
    watched = firing()
    watched.detector.adopt(replace(QUICK, min_samples=90))
    (resolved,) = watched.see(15)
    assert resolved.state is AlertState.RESOLVED
    assert watched.phase is CrunchPhase.WARMING


def test_an_alert_clears_by_the_band_it_fired_by_though_it_is_not_set_any_more() -> None:
    """Until then it is still measured; then another is chosen, and it is forgotten."""
    watched = firing()
    watched.detector.adopt(replace(QUICK, bands=(50, 100)))
    assert watched.detector.wanted().bands == (10, 50, 100)
    assert watched.see(3, **THIN) == []
    changes = watched.see(14)
    assert [change.state for change in changes] == [AlertState.RESOLVED]
    assert watched.detector.status().band == 50
    assert watched.detector.wanted().bands == (50, 100)


def test_a_limit_that_is_taken_back_is_not_exceeded_any_more() -> None:
    """Its alert clears in its time."""
    floored = replace(QUICK, floors=UserFloors(max_spread_bps=2.0))
    watched = warm(floored)
    (alert,) = watched.see(3, spread_bps=2.5)
    assert alert.causes == ("spread_floor",)
    watched.detector.adopt(QUICK)
    changes = watched.see(13, spread_bps=2.5)
    assert [change.state for change in changes] == [AlertState.RESOLVED]


def test_a_new_reference_notional_warms_up_beside_the_old() -> None:
    """At once, and not only on the next day."""
    watched = warm()
    watched.detector.adopt(replace(QUICK, reference_notional=Decimal(100_000)))
    watched.see(1)
    assert watched.detector.wanted().notionals == (Decimal(500_000), Decimal(100_000))


def test_the_same_settings_change_nothing() -> None:
    """A reload that is not about this book."""
    watched = warm()
    before = kept(watched.detector)
    watched.detector.adopt(replace(QUICK))
    assert kept(watched.detector) == before
