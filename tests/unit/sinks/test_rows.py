"""Records become rows."""

from dataclasses import replace
from uuid import UUID

import pytest
from tests.support.database import (
    NOON,
    a_feed_event,
    a_market_summary,
    a_reading,
    an_alert,
    an_instrument,
)
from tests.support.incidents import OF_THE_DESK, a_silence

from tidegauge.core.activity import Standing
from tidegauge.core.alert import AlertState
from tidegauge.core.desk import Outcome
from tidegauge.sinks.rows import Kind, Listed, Rare, Run, kind_of, rows_of
from tidegauge.sinks.table import Table

RUN = Run(id="run-1", started_at=NOON, version="0", command="demo", symbols=("BTCUSDT",))
LISTED = Listed(instrument=an_instrument(), symbol=None, updated_at=NOON)
ALL: dict[Kind, Rare] = {
    Kind.RUN: RUN,
    Kind.INSTRUMENT: LISTED,
    Kind.ALERT: an_alert(),
    Kind.FEED_EVENT: a_feed_event(),
    Kind.MARKET: a_market_summary(),
    **OF_THE_DESK,
}


def named(table: Table, row: tuple[object, ...]) -> dict[str, object]:
    return dict(zip(table.columns, row, strict=True))


def test_there_is_one_of_every_kind() -> None:
    """What the other tests say, they say of all."""
    assert set(ALL) == set(Kind) - {Kind.READING}


@pytest.mark.parametrize("kind", ALL)
def test_every_row_is_as_wide_as_its_table(kind: Kind) -> None:
    """And the key of each is among its columns."""
    assert kind_of(ALL[kind]) is kind
    for table, row in rows_of(ALL[kind], "run-1"):
        assert set(table.key) <= set(named(table, row))
        assert table.newest is None or table.newest in table.columns


@pytest.mark.parametrize("kind", ALL)
def test_the_same_record_is_the_same_row(kind: Kind) -> None:
    """Nothing random, nothing of the clock."""
    assert rows_of(ALL[kind], "run-1") == rows_of(ALL[kind], "run-1")


def test_what_is_no_record_is_refused_by_name() -> None:
    """The writer counts on it. A reading is known, though its row is made elsewhere."""
    assert kind_of(a_reading()) is Kind.READING
    with pytest.raises(TypeError, match="not a record: str"):
        kind_of("a reading")  # type: ignore[arg-type]


def test_a_summary_is_itself_by_its_book_its_number_and_its_time() -> None:
    """Not by what was told: sent twice it is one row, and a quiet second repeats no id."""
    good = a_market_summary()
    others = [
        replace(good, venue="bybit-linear"),
        replace(good, symbol="ETHUSDT"),
        replace(good, number=2),
        replace(good, at=good.at + 1),
    ]
    ids = {rows_of(each, "run-1")[0][1][0] for each in [good, *others]}
    assert len(ids | {rows_of(good, "run-2")[0][1][0]}) == 6
    assert rows_of(replace(good, trace="another"), "run-1")[0][1][0] in ids


def test_what_was_never_said_is_null() -> None:
    """A spot market has no funding, and a rate without an interval has none either."""
    [(table, row)] = rows_of(replace(a_market_summary(), standing=Standing()), "run-1")
    shown = named(table, row)
    unsaid = {name for name, value in shown.items() if value is None}
    assert unsaid == {
        *("last_price", "mark", "index", "funding_rate", "funding_interval_s"),
        *("next_funding_at", "open_interest"),
    }
    assert named(*rows_of(a_market_summary(), "run-1")[0])["funding_interval_s"] == 3600
    [silent] = rows_of(replace(a_market_summary(), tells_liquidations=False), "run-1")
    assert named(*silent)["liquidations"] is None
    assert named(*silent)["liquidated_long_quote"] is None


def test_an_alert_leaves_how_it_stands_and_what_changed() -> None:
    """Two changes are two rows of the history, and one of the present."""
    firing, resolved = (
        rows_of(an_alert(state, updated_at=NOON + at), "run-1")
        for at, state in enumerate((AlertState.FIRING, AlertState.RESOLVED))
    )
    assert [table.name for table, _row in firing] == ["alerts", "alert_changes"]
    assert firing[0][1][0] == resolved[0][1][0]
    assert firing[1][1][0] != resolved[1][1][0]
    assert named(*firing[0])["severity"] == "high"


def test_a_side_is_told_and_an_alert_without_one_keeps_its_id() -> None:
    """A change that was stored before there were sides, and is sent again, is stored once."""
    [_alert, (_table, plain)] = rows_of(an_alert(), "run-1")
    key = replace(an_alert().key, side="sell")
    [_alert, (table, sided)] = rows_of(replace(an_alert(), key=key), "run-1")
    assert named(table, sided)["side"] == "sell"
    assert plain[0] == UUID("6620bdfe-ee0c-d811-7cc0-dba42ed7c7ac")
    assert plain[0] != sided[0]


def test_a_silence_that_was_ended_is_newer_than_it_was() -> None:
    """However soon: the row of how it was must not come back."""
    [(table, whole)] = rows_of(a_silence(), "run-1")
    [(table, ended)] = rows_of(a_silence(ends_at=NOON, ended_by="tom"), "run-1")
    assert named(table, ended)["updated_ns"] >= named(table, whole)["updated_ns"]  # type: ignore[operator]
    assert named(table, whole)["severities"] == ["high", "critical"]


def test_an_outcome_of_no_order_of_ours_is_refused() -> None:
    """Its id is that of a row."""
    with pytest.raises(ValueError, match="UUID"):
        rows_of(Outcome(order_id="x", at=NOON, done=True, said=""), "run-1")
