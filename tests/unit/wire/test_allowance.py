"""A venue's limits are kept at every moment, whoever asks for what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.wire.allowance import Account, Pacer, affordable, banned_until, slot_wait
from tidegauge.wire.protocol import Purpose, Rate

RATES = st.builds(Rate, st.integers(1, 8), st.integers(1, 100))
PAUSES = st.lists(st.integers(0, 30), max_size=80)


def most_within(times: list[Nanos], per: Nanos) -> int:
    """The most of `times` in any span of `per`."""
    return max((sum(at <= other < at + per for other in times) for at in times), default=0)


@given(rate=RATES, pauses=PAUSES)
def test_no_span_holds_more_than_the_rate(rate: Rate, pauses: list[int]) -> None:
    """Who waits as long as told keeps the limit; and is never told to wait in vain."""
    now, taken = 0, list[Nanos]()
    for pause in pauses:
        now += pause
        wait = slot_wait(taken, rate, now)
        if wait:
            assert slot_wait(taken, rate, now + wait - 1) > 0
        now += wait
        assert slot_wait(taken, rate, now) == 0
        taken.append(now)
    assert most_within(taken, rate.per) <= rate.count


@given(rate=RATES, pauses=PAUSES)
def test_a_pacer_does_the_same_for_one_connection(rate: Rate, pauses: list[int]) -> None:
    """A venue drops who talks too much (Binance: five frames a second)."""
    pacer, now, sent = Pacer(rate), 0, list[Nanos]()
    for pause in pauses:
        now += pause
        now += pacer.wait(now)
        assert pacer.wait(now) == 0
        pacer.sent(now)
        sent.append(now)
    assert most_within(sent, rate.per) <= rate.count


def test_without_a_rate_nobody_waits() -> None:
    """Most venues say nothing of frames."""
    pacer = Pacer(None)
    for _ in range(5):
        pacer.sent(0)
    assert pacer.wait(0) == 0


def test_snapshots_come_before_audits() -> None:
    """What is needed to read a book at all may use what audits leave alone."""
    assert affordable(10, 40, 100, Purpose.AUDIT)
    assert not affordable(11, 40, 100, Purpose.AUDIT)
    assert affordable(60, 40, 100, Purpose.SNAPSHOT)
    assert not affordable(61, 40, 100, Purpose.SNAPSHOT)
    assert affordable(500, 0, 100, Purpose.MARKS)


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"),
    [(200, 5.0, None), (503, 5.0, None), (429, 5.0, 5), (429, None, 60), (418, None, 120)],
)
def test_a_ban_lasts_as_long_as_told(
    status: int, retry_after: float | None, seconds: int | None
) -> None:
    """Where nothing is told, for a time that is never too short."""
    until = banned_until(status, retry_after, 7)
    assert until == (None if seconds is None else 7 + seconds * SECOND)


def test_a_longer_ban_is_kept_and_ends() -> None:
    """What is told later does not shorten it; afterwards the host is asked again."""
    account = Account()
    account.ban(100 * SECOND, 0)
    account.ban(20 * SECOND, 10 * SECOND)
    assert account.ban_left(10 * SECOND) == 90 * SECOND
    account.ban(200 * SECOND, 150 * SECOND)
    assert account.ban_left(150 * SECOND) == 50 * SECOND
    assert account.ban_left(200 * SECOND) == 0


@pytest.mark.parametrize(
    "account",
    [
        Account(banned_at=10**18, banned_until=10**18 + 60 * SECOND),
        Account(banned_until=10**18),
    ],
)
def test_a_ban_noted_by_a_clock_that_was_wrong_shuts_nobody_out(account: Account) -> None:
    """It would be in force until that clock's time has come, years from now."""
    assert account.ban_left(SECOND) == 0
    assert account.connect(Rate(1, SECOND), SECOND) == 0
    account.ban(5 * SECOND, SECOND)
    assert account.ban_left(SECOND) == 4 * SECOND
