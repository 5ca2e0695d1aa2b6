"""Records as bytes: what waits in memory, what lies on disk, what goes to the database.

A reading is the row it will be, packed once (`encode`). What is rare stays the record it is, as
msgpack with the run that told it, and becomes rows when it is stored: a later version that knows
more columns can still read it.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from msgspec import DecodeError, Struct
from msgspec.msgpack import Decoder, Encoder

from tidegauge.core.activity import MarketSummary
from tidegauge.core.alert import Alert
from tidegauge.core.events import FeedEvent
from tidegauge.core.instrument import Nanos

from .encode import UNWRITABLE
from .rows import Kind, Listed, Rare, Run, text
from .series import Series

UNREADABLE = (*UNWRITABLE, DecodeError, KeyError)
"""What a slip that is not what it should be raises on its way to rows."""

CODES: Mapping[Kind, int] = {
    Kind.RUN: 1,
    Kind.INSTRUMENT: 2,
    Kind.ALERT: 3,
    Kind.FEED_EVENT: 4,
    Kind.MARKET: 5,
    Kind.READING: 6,
}
"""What a kind is called on disk. A number is never given to something else: when the columns of a
reading change, its new rows take a new one."""

SERIES = 7
"""The code of what a run of readings has in common: no record, but what readings need."""

READING = CODES[Kind.READING]
KIND_OF: Mapping[int, Kind] = {code: kind for kind, code in CODES.items()}
SERIES_AT = slice(6, 14)
"""Where in the row of a reading its series is: behind the count of columns and a length."""


class Slip(Struct, frozen=True, gc=False):
    """One record. `at`: its own time. `under`: the slip of a reading's series.

    `seq` counts the slips of a lane of the spool from 1; 0 where it is in none.
    """

    code: int
    at: Nanos
    body: bytes
    under: "Slip | None" = None
    seq: int = 0

    @property
    def kind(self) -> Kind:
        """What it is. Raises `KeyError` for a series, and for a code of a version to come."""
        return KIND_OF[self.code]


def slip_of(record: Rare, run: str) -> Slip:
    """Return the slip of a rare record. Raises one of `UNWRITABLE`."""
    kind, at = ABOUT[type(record)]
    try:
        body = _encode((run, record))
    except UnicodeEncodeError:
        body = _encode((run, _without_surrogates(record)))
    return Slip(CODES[kind], getattr(record, at), body)


def record_of(slip: Slip) -> tuple[str, Rare]:
    """Return the run and the record of a rare slip. Raises one of `UNREADABLE`."""
    run, record = DECODERS[slip.code].decode(slip.body)
    return run, record


def slip_of_series(series: Series) -> Slip:
    """Return the slip that the readings of `series` lie under."""
    try:
        return Slip(SERIES, 0, _encode(series))
    except UnicodeEncodeError:
        return Slip(SERIES, 0, _encode(_without_surrogates(series)))


def series_of(slip: Slip) -> Series:
    """Return the series of its slip. Raises `msgspec.DecodeError`."""
    return SERIES_DECODER.decode(slip.body)


def _without_surrogates(record: Any) -> Any:
    """Return a record whose texts can be stored: half a character is no character."""
    changed = {
        field.name: text(value)
        for field in dataclasses.fields(record)
        if isinstance(value := getattr(record, field.name), str) and type(value) is str
    }
    return dataclasses.replace(record, **changed)


_encode = Encoder().encode

ABOUT: Mapping[type, tuple[Kind, str]] = {
    Run: (Kind.RUN, "started_at"),
    Listed: (Kind.INSTRUMENT, "updated_at"),
    Alert: (Kind.ALERT, "updated_at"),
    FeedEvent: (Kind.FEED_EVENT, "at"),
    MarketSummary: (Kind.MARKET, "at"),
}
"""What a rare record is, and which of its fields is its own time."""

DECODERS: Mapping[int, Decoder[Any]] = {
    CODES[kind]: Decoder(tuple[str, shape])  # type: ignore[valid-type]
    for shape, (kind, _at) in ABOUT.items()
}
SERIES_DECODER = Decoder(Series)
