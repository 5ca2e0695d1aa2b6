"""Texts and times as PostgreSQL holds them, and ids that say the same twice."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from tests.support.database import NOON

from tidegauge.sinks.table import EPOCH, LONGEST_TEXT, deterministic_id, instant, nanos, text


@given(st.integers(min_value=0, max_value=4 * 10**18))
def test_an_instant_is_the_microsecond_below(at: int) -> None:
    """No float on the way: no time is off by one."""
    since = instant(at) - EPOCH
    micros = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    assert micros == at // 1000
    assert nanos(instant(at)) == micros * 1000
    assert instant(NOON) == datetime(2026, 1, 1, 12, tzinfo=UTC)


@given(st.text(st.characters()) | st.text(alphabet="\0a\ud800\udfff\N{GRINNING FACE}"))
def test_any_words_become_words_postgresql_can_hold(said: str) -> None:
    """Valid UTF-8, no NUL, not endless; ordinary words stay as they are."""
    kept = text(said)
    kept.encode()
    assert "\0" not in kept
    assert text(kept) == kept
    assert len(text(said * 10_000)) <= LONGEST_TEXT


def test_an_absent_part_is_not_the_word_none() -> None:
    """Each part has its place in the id."""
    assert deterministic_id("a", None, "b") != deterministic_id("a", "None", "b")
    assert deterministic_id("a", None, "b") != deterministic_id("a", "b", None)
