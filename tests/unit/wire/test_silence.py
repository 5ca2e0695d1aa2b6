"""The silence of a book is learned from the book: a quiet one is given time, a busy one is not."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.instrument import HOUR, SECOND, Nanos
from tidegauge.wire.silence import ENOUGH_GAPS, LEAST_LIMIT, LONGEST_PATIENCE, RARE, TIMES, Silence

GIVEN: Nanos = 60 * SECOND


def spoken(gaps: list[Nanos], *, probed: bool = True) -> tuple[Silence, Nanos]:
    """Return a book that was told of with these gaps, and the time of the last word."""
    silence, now = Silence(GIVEN, probed=probed), SECOND
    silence.begin(now)
    for gap in gaps:
        now += gap
        silence.heard(now)
    return silence, now


def test_the_venues_limit_holds_until_enough_gaps_are_known() -> None:
    """Before that, a quantile of one in a thousand is a guess."""
    silence, now = spoken([SECOND] * (ENOUGH_GAPS - 1))
    assert silence.limit(now) == GIVEN
    silence, now = spoken([SECOND] * ENOUGH_GAPS)
    assert silence.limit(now) == LEAST_LIMIT


def test_a_venue_whose_silences_mean_nothing_is_not_watched() -> None:
    """None stays None, however much was heard."""
    silence = Silence(None)
    for second in range(2 * ENOUGH_GAPS):
        silence.heard(second * SECOND)
    assert silence.limit(3_000 * SECOND) is None
    assert silence.patience(3_000 * SECOND) is None


@given(
    seed=st.integers(0, 10**6),
    mean=st.sampled_from([0.01, 0.5, 4.0, 40.0]),
    shape=st.sampled_from(["exponential", "heavy"]),
)
def test_the_limit_is_three_times_the_rare_gap(seed: int, mean: float, shape: str) -> None:
    """Within the fineness of the buckets, an eighth; never under five seconds."""
    random = Random(seed)
    draw = random.expovariate if shape == "exponential" else lambda _: random.paretovariate(1.5)
    gaps = [round(draw(1.0) * mean * SECOND) for _ in range(1_500)]
    # The window is by time: keep it in one.
    gaps = gaps if sum(gaps) < HOUR else [gap // 60 for gap in gaps]
    silence, now = spoken(gaps)
    rare = sorted(gaps, reverse=True)[len(gaps) // RARE]
    limit = silence.limit(now)
    assert limit is not None
    assert max(LEAST_LIMIT, TIMES * rare) <= limit <= max(LEAST_LIMIT, TIMES * rare * 9 // 8 + 9)


def test_without_a_probe_the_limit_stays_clear_of_the_longest_gap() -> None:
    """One long silence in thousands is nothing to a quantile, and a lost book to a venue."""
    gaps = [SECOND // 10] * 5_000
    gaps[77] = 40 * SECOND
    probed, now = spoken(gaps)
    alone, _ = spoken(gaps, probed=False)
    assert probed.limit(now) == LEAST_LIMIT
    limit = alone.limit(now)
    assert limit is not None
    assert limit > 60 * SECOND


def test_what_is_hours_old_is_forgotten() -> None:
    """A book that wakes up is soon watched as a busy one."""
    silence, now = spoken([20 * SECOND] * ENOUGH_GAPS)
    asleep = silence.limit(now)
    assert asleep is not None
    assert asleep >= 60 * SECOND
    for _ in range(3 * 3_600):
        now += SECOND
        silence.heard(now)
        silence.limit(now)
    assert silence.limit(now) == LEAST_LIMIT


def test_each_probe_that_finds_nothing_new_doubles_the_patience() -> None:
    """A market that sleeps is left alone, up to five minutes; the next word ends that."""
    silence, now = spoken([SECOND] * ENOUGH_GAPS)
    patiences = []
    for _ in range(9):
        patience = silence.patience(now)
        assert patience is not None
        patiences.append(patience // SECOND)
        now += patience
        silence.confirmed(now)
        assert silence.silent_for(now) == 0
    assert patiences == [5, 5, 10, 20, 40, 80, 160, 300, 300]
    assert silence.patience(now) == LONGEST_PATIENCE
    silence.heard(now + 1)
    assert silence.patience(now + 1) == silence.limit(now + 1)


def test_the_time_a_book_was_not_live_is_no_gap() -> None:
    """A reconnect teaches nothing of the market."""
    silence, now = spoken([SECOND] * ENOUGH_GAPS)
    silence.begin(now + HOUR)
    assert silence.silent_for(now + HOUR + SECOND) == SECOND
    assert silence.limit(now + HOUR) == LEAST_LIMIT


@pytest.mark.parametrize("back", [1, HOUR])
def test_a_clock_that_goes_back_makes_no_negative_span(back: Nanos) -> None:
    """Nothing is learned from such a gap, and nothing breaks."""
    silence, now = spoken([SECOND] * ENOUGH_GAPS)
    silence.heard(now - back)
    assert silence.silent_for(now - 2 * back) == 0
    assert silence.limit(now - back) == LEAST_LIMIT


def test_gaps_are_learned_from_another_connection_but_not_its_last_word() -> None:
    """Its books were lost for an hour before this one took over: that is no gap of the market's."""
    old, before = spoken([SECOND] * ENOUGH_GAPS, probed=False)
    new, now = Silence(GIVEN, probed=False), before + HOUR
    new.begin(now)
    new.learn_from(old)
    assert new.silent_for(now) == 0
    new.heard(now + SECOND)
    old.heard(now + SECOND)
    assert new.limit(now + 60 * SECOND) == LEAST_LIMIT
