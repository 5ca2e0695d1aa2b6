"""Records become rows."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.database import (
    NOON,
    a_feed_event,
    a_market_summary,
    a_reading,
    an_alert,
    an_instrument,
)

from tidegauge.core.activity import Standing
from tidegauge.core.alert import AlertState
from tidegauge.sinks.rows import (
    EPOCH,
    LONGEST_TEXT,
    Kind,
    Listed,
    Rare,
    Run,
    Table,
    deterministic_id,
    instant,
    kind_of,
    rows_of,
    text,
)

RUN = Run(id="run-1", started_at=NOON, version="0", command="demo", symbols=("BTCUSDT",))
LISTED = Listed(instrument=an_instrument(), symbol=None, updated_at=NOON)
ALL: dict[Kind, Rare] = {
    Kind.RUN: RUN,
    Kind.INSTRUMENT: LISTED,
    Kind.ALERT: an_alert(),
    Kind.FEED_EVENT: a_feed_event(),
    Kind.MARKET: a_market_summary(),
}


def named(table: Table, row: tuple[object, ...]) -> dict[str, object]:
    return dict(zip(table.columns, row, strict=True))


@pytest.mark.parametrize("kind", ALL)
def test_every_row_is_as_wide_as_its_table(kind: Kind) -> None:
    """And the key of each is among its columns."""
    assert kind_of(ALL[kind]) is kind
    for table, row in rows_of(ALL[kind], "run-1"):
        assert set(table.key) <= set(named(table, row))


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


@given(st.integers(min_value=0, max_value=4 * 10**18))
def test_an_instant_is_the_microsecond_below(nanos: int) -> None:
    """No float on the way: no time is off by one."""
    since = instant(nanos) - EPOCH
    micros = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    assert micros == nanos // 1000
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
