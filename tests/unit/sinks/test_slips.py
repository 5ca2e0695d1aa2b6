"""Records as bytes: what comes back is what went in, to the last decimal."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.database import (
    a_feed_event,
    a_market_summary,
    a_reading,
    an_alert,
    an_instrument,
)
from tests.support.odd_readings import readings

from tidegauge.core.reading import Reading
from tidegauge.sinks.encode import UNWRITABLE, ReadingEncoder
from tidegauge.sinks.rows import READINGS, Kind, Listed, Run, kind_of
from tidegauge.sinks.series import Series
from tidegauge.sinks.slips import (
    ABOUT,
    CODES,
    FORMAT,
    KIND_OF,
    LARGEST,
    READING,
    SERIES,
    SERIES_AT,
    UNREADABLE,
    Slip,
    record_of,
    series_of,
    slip_of,
    slip_of_series,
)
from tidegauge.sinks.table import text

COLUMNS = {
    6: (
        *("series", "recv_ns", "at", "epoch", "frame", "sequence", "feed_age_ns"),
        *("bid_levels", "ask_levels", "venue_time", "latency_ns"),
        *("bid_ticks", "bid_units", "ask_ticks", "ask_units"),
        *("microprice", "spread_bps", "imbalance"),
        *("band_units", "fill_cost_bps", "fill_base", "fill_worst", "max_units"),
        *("band_floor", "fill_partial", "fill_floor", "max_floor", "fill_fraction", "wide"),
    ),
}
"""What the row of a reading holds, by its code on disk. A line is never changed: rows of it may lie
in somebody's spool. Other columns have another code, and need a reader of the old one."""

hostile = st.text(st.characters(codec=None), max_size=30) | st.sampled_from(
    [
        "\ud800",
        "a\udfffb",
        "\0",
        "\u202e",
        "'; DROP TABLE alerts; --",
        "\U0001f4a5" * 5,
        "x" * 5_000,
    ]
)
"""Text as a venue may send it: half characters, NUL, and whatever else."""

exact = st.decimals(allow_nan=False, allow_infinity=False, places=18) | st.sampled_from(
    [Decimal("0.000000000000000001"), Decimal("123456789012345678.123456789012345678")]
)
moments = st.integers(-(2**63), 2**63 - 1)

PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: hostile,
    Decimal: exact,
    int: st.integers(-(2**63), 2**64 - 1),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    type(None): st.none(),
}


def values(said: Any) -> st.SearchStrategy[Any]:
    """Return any value of an annotation."""
    if get_origin(said) in (Union, UnionType):
        return st.one_of([values(each) for each in get_args(said)])
    if get_origin(said) is tuple:
        return st.lists(values(get_args(said)[0]), max_size=3).map(tuple)
    if get_origin(said) is Mapping:
        return st.dictionaries(*map(values, get_args(said)), max_size=3)
    if is_dataclass(said):
        return records_of(said)  # type: ignore[arg-type]
    if isinstance(said, type) and issubclass(said, Enum):
        return st.sampled_from(said)
    return PLAIN[said]


def records_of(shape: type) -> st.SearchStrategy[Any]:
    """Return any record of a shape."""
    hints = get_type_hints(shape)
    own = {ABOUT[shape][1]: moments} if shape in ABOUT else {}
    return st.builds(shape, **{name: values(said) for name, said in hints.items()} | own)


records = st.one_of([records_of(shape) for shape in ABOUT])


def without_half_characters(said: Any) -> Any:
    """Return a record as it may be told: what is no text is replaced."""
    if type(said) is str:
        return text(said)
    if isinstance(said, tuple):
        return tuple(map(without_half_characters, said))
    if isinstance(said, dict):
        return {text(name): text(value) for name, value in said.items()}
    if is_dataclass(said) and not isinstance(said, type):
        parts = {each.name: getattr(said, each.name) for each in fields(said) if each.init}
        return replace(
            said, **{name: without_half_characters(part) for name, part in parts.items()}
        )
    return said


@given(records, st.text("abc-0", min_size=1))
def test_a_record_comes_back_as_it_went_in(record: Any, run: str) -> None:
    """Every kind, decimals of 18 places, names and words as a hostile venue sends them."""
    slip = slip_of(record, run)
    told, again = record_of(slip)
    assert (told, slip.kind) == (run, kind_of(record))
    assert again in (record, without_half_characters(record))
    if "\\ud" not in repr(record):
        assert again == record
    assert slip == slip_of(again, run)


@pytest.mark.parametrize(
    "record",
    [
        replace(a_feed_event(), detail="half \ud800, and \0"),
        replace(an_alert(), sentence="\udfff", causes=("\ud800",)),
        replace(an_alert(), key=replace(an_alert().key, venue="\ud800")),
        Listed(instrument=replace(an_instrument(), name="\ud800"), symbol=None, updated_at=1),
        Run(id="r", started_at=1, version="1", command="\ud800", symbols=("\ud800", "b")),
    ],
)
def test_half_a_character_rejects_nothing(record: Any) -> None:
    """However deep it is in a record."""
    _run, again = record_of(slip_of(record, "run-1"))
    assert "\\ud" not in repr(again)
    assert "?" in repr(again)


@given(readings() | readings(wide=True))
def test_the_series_of_a_reading_comes_back(reading: Reading) -> None:
    """And a reading's row says which it is."""
    series, row = ReadingEncoder("run-1").encode(reading)
    again = series_of(slip_of_series(series))
    assert (again.id, again.row) == (series.id, series.row)
    assert int.from_bytes(row[SERIES_AT], "big") == series.id
    assert slip_of_series(again) == slip_of_series(series)


def test_a_series_with_half_a_character_is_the_one_its_readings_name() -> None:
    """Its id is a hash of what is stored."""
    series = replace(Series.of(a_reading(), "run-1"), instrument="BTC\ud800")
    again = series_of(slip_of_series(series))
    assert (again.instrument, again.id, again.row) == ("BTC?", series.id, series.row)


def test_the_columns_of_a_reading_are_those_of_its_code() -> None:
    """Who changes `rows.READINGS` gives its rows a new code, and keeps a way to store the old."""
    assert COLUMNS[READING] == READINGS.columns
    _series, row = ReadingEncoder("run-1").encode(a_reading())
    assert int.from_bytes(row[:2], "big") == len(COLUMNS[READING])


def test_a_code_is_never_given_to_something_else() -> None:
    """They lie on disks."""
    assert CODES == {
        Kind.RUN: 1,
        Kind.INSTRUMENT: 2,
        Kind.ALERT: 3,
        Kind.FEED_EVENT: 4,
        Kind.MARKET: 5,
        Kind.READING: 6,
        Kind.TRANSITION: 8,
        Kind.SILENCE: 9,
        Kind.OUTCOME: 10,
        Kind.NOTIFICATION: 11,
    }
    assert SERIES == 7
    assert set(CODES) == set(KIND_OF.values()) == set(Kind)
    assert FORMAT == 2


@pytest.mark.parametrize(
    ("record", "body"),
    [
        (
            a_feed_event(),
            b"\x92\xa1r\x89\xa4kind\xa3gap\xa5venue\xa7binance\xa2at\xcf",
        ),
        (an_alert(), b"\x92\xa1r\xde\x00\x11\xa2id\xa719b8-aa\xa3key\x84\xa6signal"),
        (a_market_summary(), b"\x92\xa1r\x8a\xa5venue\xafbinance-futures\xa6symbol"),
    ],
)
def test_what_lies_on_a_disk_is_read_by_later_versions(record: Any, body: bytes) -> None:
    """Fields by name, so that one that is added has its default in what is there already."""
    assert slip_of(record, "r").body.startswith(body)


def test_a_field_that_a_later_version_added_is_passed_over() -> None:
    """An older version may have to send what a newer one kept."""
    body = slip_of(a_feed_event(), "r").body
    assert body[3] == 0x89
    more = body[:3] + b"\x8a\xa5added\x01" + body[4:]
    assert record_of(Slip(CODES[Kind.FEED_EVENT], 1, more)) == ("r", a_feed_event())


@pytest.mark.parametrize("at", [None, 1.5, "now", 2**63, -(2**63) - 1])
def test_a_record_without_a_time_is_refused(at: Any) -> None:
    """Here, and not where it would hold up the rest."""
    with pytest.raises(UNWRITABLE, match="not a time"):
        slip_of(replace(a_feed_event(), at=at), "run-1")


def test_a_record_larger_than_a_file_takes_is_refused() -> None:
    """It would hold up the rest for ever."""
    large = replace(a_feed_event(), detail="x" * LARGEST)
    with pytest.raises(UNWRITABLE, match="bytes are more than"):
        slip_of(large, "run-1")
    assert slip_of(replace(large, detail="x" * (LARGEST - 500)), "run-1").body


@pytest.mark.parametrize(
    "wrong",
    [
        replace(a_feed_event(), detail=object()),  # type: ignore[arg-type]
        replace(a_feed_event(), at=10**30),
    ],
)
def test_what_is_no_record_is_refused(wrong: Any) -> None:
    """By one of the errors that the writer expects."""
    with pytest.raises(UNWRITABLE):
        slip_of(wrong, "run-1")


@given(st.sampled_from([*range(1, 12), 99]), st.binary(max_size=50))
def test_bytes_that_are_no_record_are_refused(code: int, body: bytes) -> None:
    """By one of the errors that delivering expects."""
    with pytest.raises(UNREADABLE):
        record_of(Slip(code, 1, body))
    with pytest.raises(UNREADABLE):
        series_of(Slip(SERIES, 1, body))


def test_a_code_of_a_version_to_come_is_unknown() -> None:
    """And so is the kind of a series, which is no record."""
    for code in (SERIES, 99):
        with pytest.raises(KeyError):
            _kind = Slip(code, 1, b"").kind
