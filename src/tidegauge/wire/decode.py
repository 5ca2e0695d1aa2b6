"""Typed decoding of frames: every foreign exception is renamed to `MalformedFrame` at this door."""

import re
from datetime import date
from typing import Annotated, Any, Generic, TypeAlias, TypeVar

import msgspec

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.instrument import HOUR, MILLISECOND, MINUTE, SECOND, Nanos

T = TypeVar("T")

UpdateId: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""An update id: fits the database's bigint."""

Millis: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=9_000_000_000_000)]
"""A venue's time in milliseconds since 1970: in nanoseconds it still fits a bigint."""

Levels: TypeAlias = list[tuple[str, str]]
"""Price and size as wire text. Whether they are numbers is for the book to find out."""

RFC_3339 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]{1,9}))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)
_EPOCH = date(1970, 1, 1).toordinal()
_LATEST = 2**63 - 1

LONGEST_NUMBER = 12
"""Digits of the number of a request; Python itself refuses to read some thousands."""

NOTHING = msgspec.Raw()
"""A part of a frame that is not there."""


class FrameDecoder(Generic[T]):
    """Decodes JSON into one msgspec type, unknown fields skipped."""

    __slots__ = ("_decode",)

    def __init__(self, shape: type[T], *, strict: bool = True) -> None:
        self._decode = msgspec.json.Decoder(shape, strict=strict).decode

    def __call__(self, text: str | bytes | msgspec.Raw) -> T:
        """Decode `text`. Raises `MalformedFrame` for whatever is wrong with it."""
        try:
            return self._decode(text)
        except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
            # ValueError is also what bad UTF-8 and lone surrogates raise.
            raise MalformedFrame(f"{error} in {_beginning(text)}") from error


def nanos(millis: int) -> Nanos:
    """Return milliseconds as nanoseconds."""
    return millis * MILLISECOND


def millis_text(text: str) -> int:
    """Read milliseconds a venue wrote in quotes. Raises `MalformedFrame`."""
    if not (text.isascii() and text.isdigit() and len(text) <= 13):  # noqa: PLR2004 - as `Millis`
        raise MalformedFrame(f"not a time in milliseconds: {text[:40]!r}")
    return int(text)


def rfc3339(text: str) -> Nanos:
    """Read `2026-04-07T14:30:00.123456789Z`, to the last digit. Raises `MalformedFrame`.

    RFC 3339, section 5.6. Python's own reader drops what is finer than a microsecond.
    """
    match = RFC_3339.fullmatch(text)
    if match is None:
        raise MalformedFrame(f"not a time: {text[:40]!r}")
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = match.groups()
    try:
        days = date(int(year), int(month), int(day)).toordinal() - _EPOCH
    except ValueError as error:
        raise MalformedFrame(f"no such day: {text[:40]!r}") from error
    at = days * 24 * HOUR + int(hour) * HOUR + int(minute) * MINUTE + int(second) * SECOND
    at += int((fraction or "").ljust(9, "0"))
    if sign:
        ahead = int(hours) * HOUR + int(minutes) * MINUTE
        at += -ahead if sign == "+" else ahead
    if not 0 <= at <= _LATEST:
        raise MalformedFrame(f"not a time of ours: {text[:40]!r}")
    return at


def number_text(raw: msgspec.Raw) -> str:
    """Return a JSON number as it was written, digit for digit. Raises `MalformedFrame`.

    A part of a frame that is typed `msgspec.Raw` is kept as it came; as a float it would lose
    zeros and digits.
    """
    text = bytes(raw)
    if not text[:1].isdigit() and text[:1] != b"-":
        raise MalformedFrame(f"not a number: {_beginning(text)}")
    return text.decode()


def request_number(text: str) -> int:
    """Read the number of a request that an answer repeats; 0 for what is none of ours."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else 0


def encode(value: Any) -> str:
    """Return `value` as compact JSON text, for a `Send` or a `Fetch`."""
    return msgspec.json.encode(value).decode()


def _beginning(text: str | bytes | msgspec.Raw) -> str:
    start = text[:60] if isinstance(text, str | bytes) else bytes(text)[:60]
    return repr(start)
