"""Silences and maintenance keep quiet exactly as long as they say."""

from datetime import UTC, datetime

import pytest
from tests.support.desk import key_of

from tidegauge.core.alert import Severity
from tidegauge.core.desk import Matcher, Muted, Silence
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.risk.desk.quieting import Quiet, ends_at
from tidegauge.risk.ruleset import HOUR, Maintenance

SILENCE = Silence(
    id="order-1",
    matcher=Matcher(symbols=("BTC*",)),
    starts_at=100 * SECOND,
    ends_at=200 * SECOND,
    author="anna",
    comment="known",
)


def at(text: str) -> Nanos:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * SECOND


@pytest.mark.parametrize(
    ("second", "silent"), [(99, False), (100, True), (199, True), (200, False)]
)
def test_a_silence_begins_with_its_start_and_is_over_at_its_end(second: int, silent: bool) -> None:
    """The end is the first instant that is loud again."""
    quiet = Quiet(())
    quiet.add(SILENCE)
    why = quiet.why(key_of(), Severity.HIGH, second * SECOND)
    assert (why is not None) is silent
    assert quiet.why(key_of(symbol="ETHUSDT"), Severity.HIGH, second * SECOND) is None
    if why is not None:
        assert why[0] is Muted.SILENCED
        assert "anna" in why[1]
        assert "known" in why[1]


def test_it_is_noticed_when_something_begins_or_ends() -> None:
    """Once each; what is over is dropped."""
    quiet = Quiet(())
    quiet.add(SILENCE)
    changes = [second for second in range(0, 300, 10) if quiet.changed(second * SECOND)]
    assert changes == [100, 200]
    assert not quiet.silences


def test_a_silence_is_ended_early_by_whoever_does() -> None:
    """One that never began ends as it would have begun."""
    quiet = Quiet(())
    for now, ends in ((150, 150), (50, 100)):
        quiet.add(SILENCE)
        over = quiet.end(SILENCE.id, now * SECOND, "ben")
        assert (over.ends_at, over.ended_by) == (ends * SECOND, "ben")
        assert quiet.why(key_of(), Severity.HIGH, 160 * SECOND) is None


NIGHTLY = Maintenance(name="nightly", matcher=Matcher(), day_starts=23 * HOUR, lasts=2 * HOUR)
ON_FRIDAYS = Maintenance(
    name="fridays", matcher=Matcher(), day_starts=23 * HOUR, lasts=2 * HOUR, weekdays=(4,)
)
LONG = Maintenance(
    name="long", matcher=Matcher(), day_starts=12 * HOUR, lasts=48 * HOUR, weekdays=(5,)
)
ONCE = Maintenance(
    name="once",
    matcher=Matcher(),
    starts_at=at("2026-11-28T10:00:00"),
    ends_at=at("2026-11-28T11:00:00"),
)


@pytest.mark.parametrize(
    ("planned", "now", "ends"),
    [
        # 27 November 2026 is a Friday
        (NIGHTLY, "2026-11-28T22:59:59", None),
        (NIGHTLY, "2026-11-28T23:00:00", "2026-11-29T01:00:00"),
        (NIGHTLY, "2026-11-29T00:59:59", "2026-11-29T01:00:00"),
        (NIGHTLY, "2026-11-29T01:00:00", None),
        (ON_FRIDAYS, "2026-11-27T23:30:00", "2026-11-28T01:00:00"),
        # past midnight it is still Friday's
        (ON_FRIDAYS, "2026-11-28T00:30:00", "2026-11-28T01:00:00"),
        (ON_FRIDAYS, "2026-11-28T23:30:00", None),
        (ON_FRIDAYS, "2026-11-27T00:30:00", None),
        (LONG, "2026-11-30T11:59:59", "2026-11-30T12:00:00"),
        (LONG, "2026-11-30T12:00:00", None),
        (ONCE, "2026-11-28T09:59:59", None),
        (ONCE, "2026-11-28T10:00:00", "2026-11-28T11:00:00"),
        (ONCE, "2026-11-28T11:00:00", None),
        (Maintenance(name="never", matcher=Matcher()), "2026-11-28T11:00:00", None),
    ],
)
def test_maintenance_is_on_when_it_was_planned(
    planned: Maintenance, now: str, ends: str | None
) -> None:
    """Once, or each day of those named, in UTC."""
    assert ends_at(planned, at(now)) == (None if ends is None else at(ends))


def test_maintenance_says_its_name() -> None:
    """A page that it keeps back can be traced to it."""
    quiet = Quiet((NIGHTLY,))
    why = quiet.why(key_of(), Severity.CRITICAL, at("2026-11-28T23:30:00"))
    assert why == (Muted.MAINTENANCE, "maintenance nightly until 2026-11-29 01:00:00 UTC")


def test_it_is_noticed_when_maintenance_begins_and_ends() -> None:
    """Also where something was kept back before anybody looked."""
    quiet = Quiet((NIGHTLY,))
    assert quiet.changed(at("2026-11-28T23:30:00"))
    assert not quiet.changed(at("2026-11-28T23:40:00"))
    assert quiet.changed(at("2026-11-29T01:00:00"))
    quiet.why(key_of(), Severity.CRITICAL, at("2026-11-29T23:30:00"))
    assert quiet.changed(at("2026-11-30T01:00:00"))
