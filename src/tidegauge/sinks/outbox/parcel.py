"""A page for one channel, and how it is written down."""

from dataclasses import dataclass
from zlib import crc32

from msgspec import DecodeError
from msgspec.msgpack import Decoder, Encoder

from tidegauge.core.desk import Page, PageKind
from tidegauge.core.instrument import Nanos

OF_NO_INCIDENT = frozenset({PageKind.DIGEST, PageKind.HEARTBEAT, PageKind.TEST})

_ENCODE = Encoder().encode
_DECODE = Decoder(Page).decode


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One page for one channel, as the outbox has it.

    `attempts` counts those made, the first at `first_at`. `refused`: the channel takes others, not
    this one.
    """

    id: int
    page: Page
    channel: str
    put_at: Nanos
    attempts: int = 0
    first_at: Nanos | None = None
    refused: bool = False


def incident_of(page: Page) -> str | None:
    """Return the incident whose course a page tells; None: it tells of several, or of none.

    A digest is none's: it does not say of which of its incidents it tells the beginning and of which
    the end, so it opens none and ends none.
    """
    return page.of[0] if page.of and page.kind not in OF_NO_INCIDENT else None


def packed(page: Page) -> tuple[bytes, int]:
    """Return a page as bytes, and their checksum: SQLite's pages carry none."""
    try:
        body = _ENCODE(page)
    except UnicodeEncodeError:
        body = _ENCODE(_writable(page))
    return body, crc32(body)


def unpacked(body: bytes, crc: int) -> Page | None:
    """Return the page; None when the bytes are not what was written."""
    if not isinstance(body, bytes) or crc32(body) != crc:
        return None
    try:
        return _DECODE(body)
    except DecodeError:
        return None


def _writable(page: Page) -> Page:
    """Return the page with a question mark for each half of a character, which no bytes stand for."""

    def mended(text: str) -> str:
        return text.encode("utf-8", "replace").decode()

    return Page(
        key=mended(page.key),
        kind=page.kind,
        at=page.at,
        severity=page.severity,
        title=mended(page.title),
        text=mended(page.text),
        channels=tuple(mended(each) for each in page.channels),
        of=tuple(mended(each) for each in page.of),
        symbol=mended(page.symbol),
        starts_at=page.starts_at,
        ends_at=page.ends_at,
        labels={mended(name): mended(text) for name, text in page.labels.items()},
    )
