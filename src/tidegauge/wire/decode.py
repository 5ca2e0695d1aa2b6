"""Typed decoding of frames: every foreign exception is renamed to `MalformedFrame` at this door."""

from typing import Annotated, Any, Generic, TypeAlias, TypeVar

import msgspec

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.instrument import MILLISECOND, Nanos

T = TypeVar("T")

UpdateId: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""An update id: fits the database's bigint."""

Millis: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=9_000_000_000_000)]
"""A venue's time in milliseconds since 1970: in nanoseconds it still fits a bigint."""

Levels: TypeAlias = list[tuple[str, str]]
"""Price and size as wire text. Whether they are numbers is for the book to find out."""

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


def number_text(raw: msgspec.Raw) -> str:
    """Return a JSON number as it was written, digit for digit. Raises `MalformedFrame`.

    A part of a frame that is typed `msgspec.Raw` is kept as it came; as a float it would lose
    zeros and digits.
    """
    text = bytes(raw)
    if not text[:1].isdigit() and text[:1] != b"-":
        raise MalformedFrame(f"not a number: {_beginning(text)}")
    return text.decode()


def encode(value: Any) -> str:
    """Return `value` as compact JSON text, for a `Send` or a `Fetch`."""
    return msgspec.json.encode(value).decode()


def _beginning(text: str | bytes | msgspec.Raw) -> str:
    start = text[:60] if isinstance(text, str | bytes) else bytes(text)[:60]
    return repr(start)
