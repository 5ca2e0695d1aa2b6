"""What a writer does with a record at once: bytes of it, into memory, or not at all."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from structlog.testing import capture_logs
from tests.support.database import (
    NOON,
    a_feed_event,
    a_market_summary,
    a_reading,
    an_alert,
    an_instrument,
)
from tests.support.incidents import OF_THE_DESK

from tidegauge.core.instrument import SECOND
from tidegauge.core.reading import Reading
from tidegauge.sinks import intake as module
from tidegauge.sinks.batch import Backlog
from tidegauge.sinks.encode import ReadingEncoder
from tidegauge.sinks.intake import Intake
from tidegauge.sinks.rows import Kind, Listed, Record, Run
from tidegauge.sinks.slips import READING, record_of, series_of
from tidegauge.sinks.tally import Tally

RECORDS: tuple[Record, ...] = (
    *OF_THE_DESK.values(),
    Run(id="run-1", started_at=1, version="1", command="monitor", symbols=("BTCUSDT",)),
    Listed(instrument=an_instrument(), symbol=None, updated_at=2),
    an_alert(),
    a_feed_event(),
    a_market_summary(),
)


def an_intake(capacity: int = 100) -> Intake:
    return Intake(Backlog(50, 1.0, capacity), "run-1", Tally(), lambda: 7)


def test_what_is_rare_waits_as_itself() -> None:
    """With the run that told it."""
    intake = an_intake()
    for record in RECORDS:
        slip = intake.take(record)
        assert slip is not None
        assert record_of(slip) == ("run-1", record)
    assert len(intake.backlog) == len(RECORDS)
    assert set(intake._tally.accepted.values()) == {1}


def test_a_reading_waits_as_the_row_it_will_be() -> None:
    """Readings of one series lie under the same slip: it is written once a file."""
    intake = an_intake()
    slips = [intake.take(a_reading(number)) for number in range(1, 4)]
    encoder = ReadingEncoder("run-1")
    for number, slip in enumerate(slips, 1):
        series, row = encoder.encode(a_reading(number))
        assert slip is not None
        assert slip.under is not None
        assert (slip.code, slip.at) == (READING, a_reading(number).origin.received_at)
        assert slip.body == row
        assert series_of(slip.under).id == series.id
    assert len({id(slip.under) for slip in slips if slip}) == 1


def test_series_are_remembered_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is forgotten is packed again."""
    monkeypatch.setattr(module, "SERIES_KEPT", 2)
    intake = an_intake()
    for venue in ("a", "b", "c", "a"):
        slip = intake.take(a_reading(venue=venue))
        assert slip is not None
        assert slip.under is not None
        assert series_of(slip.under).venue == venue
        assert len(intake._series) <= 2


@pytest.mark.parametrize(
    "wrong",
    [
        structs.replace(a_reading(), origin=None),
        structs.replace(a_reading(), bid_ticks="much"),
        replace(a_feed_event(), at=None),  # type: ignore[arg-type]
        replace(an_alert(), updated_at=2**63),
        replace(a_feed_event(), detail="x" * 10**6),
    ],
)
def test_a_record_that_cannot_be_stored_is_counted_and_told(wrong: Any) -> None:
    """Nothing is raised: who submits has something else to do."""
    intake = an_intake()
    with capture_logs() as logs:
        assert intake.take(wrong) is None
    assert [each["event"] for each in logs] == ["record_rejected"]
    assert sum(intake._tally.rejected.values()) == 1
    assert intake._tally.last_error
    assert len(intake.backlog) == 0


def test_what_is_no_record_is_not_counted() -> None:
    """It is told."""
    intake = an_intake()
    with capture_logs() as logs:
        assert intake.take("not a record") is None  # type: ignore[arg-type]
    assert [(each["event"], each["kind"]) for each in logs] == [("record_not_known", "str")]
    assert intake._tally.accepted == {}


def test_without_room_readings_give_way_and_it_is_told_once() -> None:
    """Until there was room again."""
    intake = an_intake(capacity=3)
    with capture_logs() as logs:
        for number in range(5):
            intake.take(a_reading(number))
        intake.has_room_again()
        intake.take(an_alert())
    assert [each["event"] for each in logs] == ["records_dropped", "records_dropped"]
    assert intake._tally.dropped == {Kind.READING: 3}
    assert [slip.kind for slip in intake.backlog.take()] == [Kind.ALERT, *[Kind.READING] * 2]


def test_when_the_spool_fills_readings_thin_out_and_nothing_else_does() -> None:
    """Of each book by itself, by its own time; what is not kept is counted."""
    intake = an_intake(capacity=10_000)
    intake.thinner.look(0.8)
    for second in range(60):
        for venue in ("binance", "okx"):
            intake.take(a_reading(second, venue=venue, received_at=NOON + second * SECOND))
        intake.take(an_alert(updated_at=NOON + second))
    kept = [slip for _ in range(10) for slip in intake.backlog.take()]
    assert [slip.kind for slip in kept].count(Kind.ALERT) == 60
    readings = [(slip.at - NOON) // SECOND for slip in kept if slip.kind is Kind.READING]
    assert readings == [second for second in range(0, 60, 10) for _ in range(2)]
    assert intake._tally.dropped == {Kind.READING: 108}
    assert intake._tally.accepted == {Kind.READING: 120, Kind.ALERT: 60}


def test_a_full_spool_takes_only_what_is_never_given_up() -> None:
    """Neither readings nor sums of what was told beside the books; everything else."""
    intake = an_intake(capacity=10_000)
    intake.thinner.look(1.0)
    for record in (*RECORDS, a_reading()):
        intake.take(record)
    kept = {slip.kind for slip in intake.backlog.take()}
    assert kept == set(Kind) - {Kind.READING, Kind.MARKET}
    assert set(intake._tally.dropped) == {Kind.READING, Kind.MARKET}


@given(st.lists(st.sampled_from([*RECORDS, a_reading(), None]), max_size=60), st.integers(1, 20))
def test_every_record_is_somewhere(records: list[Record | None], capacity: int) -> None:
    """Accepted is what waits, was given up, or was refused."""
    intake = an_intake(capacity)
    wrong: Reading = structs.replace(a_reading(), bands=None)
    for record in records:
        intake.take(wrong if record is None else record)
    tally = intake._tally
    assert sum(tally.accepted.values()) == len(records)
    assert len(intake.backlog) == len(records) - sum(tally.dropped.values()) - sum(
        tally.rejected.values()
    )
    assert not {Kind.ALERT, Kind.RUN, *OF_THE_DESK} & set(tally.dropped)
