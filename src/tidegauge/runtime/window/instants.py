"""Nanoseconds of the monitor as what is shown: UTC datetimes to the microsecond, and seconds."""

from datetime import UTC, datetime, timedelta
from typing import overload

from tidegauge.core.instrument import SECOND, Nanos

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@overload
def instant(at: Nanos) -> datetime: ...
@overload
def instant(at: Nanos | None) -> datetime | None: ...
def instant(at: Nanos | None) -> datetime | None:
    """Return an instant; what is finer than a microsecond is cut off."""
    return None if at is None else EPOCH + timedelta(microseconds=at // 1000)


@overload
def seconds(span: Nanos) -> float: ...
@overload
def seconds(span: Nanos | None) -> float | None: ...
def seconds(span: Nanos | None) -> float | None:
    """Return a span in seconds."""
    return None if span is None else span / SECOND
