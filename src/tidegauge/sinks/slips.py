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
from tidegauge.core.desk import Delivery, Outcome, Silence
from tidegauge.core.events import FeedEvent
from tidegauge.core.instrument import Nanos

from .chain import ChainedTransition
from .encode import UNWRITABLE
from .rows import Kind, Listed, Rare, Run
from .series import Series
from .table import text

UNREADABLE = (*UNWRITABLE, DecodeError, KeyError)
"""What a slip that is not what it should be raises on its way to rows."""

CODES: Mapping[Kind, int] = {
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
"""What a kind is called on disk. A number is never given to something else: when the columns of a
reading change, its new rows take a new one. With a new number `FORMAT` grows, see there."""

FORMAT = 2
"""Which codes a folder of the spool may hold: its label tells it. A version that knows fewer leaves
the folder to one that knows more, where it would take each new row for a broken one. It grows with
`CODES`, and when the body of a code is to be read in another way."""

SERIES = 7
"""The code of what a run of readings has in common: no record, but what readings need."""

READING = CODES[Kind.READING]
KIND_OF: Mapping[int, Kind] = {code: kind for kind, code in CODES.items()}
LARGEST = 256 * 1024
"""Bytes of a record at most: several go into one append, and an append into any file."""

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
    def name(self) -> str:
        """What to call it, also when a version to come wrote it."""
        return KIND_OF.get(self.code, f"code {self.code}")

    @property
    def kind(self) -> Kind:
        """What it is. Raises `KeyError` for a series, and for a code of a version to come."""
        return KIND_OF[self.code]


def slip_of(record: Rare, run: str) -> Slip:
    """Return the slip of a rare record.

    Raises one of `UNWRITABLE`, also for one that is larger than `LARGEST`.
    """
    kind, field = ABOUT[type(record)]
    at = getattr(record, field)
    if type(at) is not int or not -(2**63) <= at < 2**63:
        raise ValueError(f"not a time in nanoseconds: {field} = {at!r:.40}")
    body = _packed((run, record))
    if len(body) > LARGEST:
        raise ValueError(f"{len(body):,} bytes are more than the {LARGEST:,} of a record at most")
    return Slip(CODES[kind], at, body)


def record_of(slip: Slip) -> tuple[str, Rare]:
    """Return the run and the record of a rare slip. Raises one of `UNREADABLE`."""
    run, record = DECODERS[slip.code].decode(slip.body)
    return run, record


def slip_of_series(series: Series) -> Slip:
    """Return the slip that the readings of `series` lie under."""
    return Slip(SERIES, 0, _packed(series))


def series_of(slip: Slip) -> Series:
    """Return the series of its slip. Raises `msgspec.DecodeError`."""
    return SERIES_DECODER.decode(slip.body)


def _packed(said: Any) -> bytes:
    """Return it as msgpack, without half characters: they are no text."""
    try:
        return _encode(said)
    except UnicodeEncodeError:
        return _encode(_whole(said))


def _whole(said: Any) -> Any:
    """Return a record, and all that it is made of, with texts that can be stored."""
    if type(said) is str:
        return text(said)
    if isinstance(said, tuple):
        return tuple(map(_whole, said))
    if isinstance(said, Mapping):
        return {_whole(name): _whole(value) for name, value in said.items()}
    if dataclasses.is_dataclass(said) and not isinstance(said, type):
        fields = (field.name for field in dataclasses.fields(said) if field.init)
        return dataclasses.replace(said, **{name: _whole(getattr(said, name)) for name in fields})
    return said


_encode = Encoder().encode

ABOUT: Mapping[type, tuple[Kind, str]] = {
    Run: (Kind.RUN, "started_at"),
    Listed: (Kind.INSTRUMENT, "updated_at"),
    Alert: (Kind.ALERT, "updated_at"),
    ChainedTransition: (Kind.TRANSITION, "at"),
    Silence: (Kind.SILENCE, "starts_at"),
    Outcome: (Kind.OUTCOME, "at"),
    Delivery: (Kind.NOTIFICATION, "at"),
    FeedEvent: (Kind.FEED_EVENT, "at"),
    MarketSummary: (Kind.MARKET, "at"),
}
"""What a rare record is, and which of its fields is its own time."""

DECODERS: Mapping[int, Decoder[Any]] = {
    CODES[kind]: Decoder(tuple[str, shape])  # type: ignore[valid-type]
    for shape, (kind, _at) in ABOUT.items()
}
SERIES_DECODER = Decoder(Series)
