"""The line of a frame file: when, what kind, over which connection, and the text.

`recv_ns <TAB> kind <TAB> conn <TAB> text`; text holds no tab and no line break.
"""

from dataclasses import dataclass
from enum import StrEnum

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.instrument import Nanos


class TapeKind(StrEnum):
    OPEN = "open"
    CLOSE = "close"
    SEND = "send"
    RECV = "recv"
    HTTP = "http"
    TICK = "tick"
    META = "meta"


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeLine:
    """One thing that crossed the wire. `conn` is the socket's or the request's address."""

    at: Nanos
    kind: TapeKind
    conn: str
    text: str

    def written(self) -> str:
        """Return the line as a frame file holds it, without its line break."""
        return f"{self.at}\t{self.kind}\t{self.conn}\t{self.text}"


_KINDS = {kind.value: kind for kind in TapeKind}


def parse_line(line: str) -> TapeLine:
    """Read one line. Raises `MalformedFrame`."""
    parts = line.rstrip("\r\n").split("\t", 3)
    if len(parts) != 4:  # noqa: PLR2004 - the columns
        raise MalformedFrame(f"not a tape line: {line[:60]!r}")
    at, kind, conn, text = parts
    if kind not in _KINDS:
        raise MalformedFrame(f"unknown kind of tape line: {kind[:20]!r}")
    if not (at.isascii() and at.isdigit() and len(at) <= 19):  # noqa: PLR2004 - nanoseconds
        raise MalformedFrame(f"not a tape time: {at[:40]!r}")
    return TapeLine(at=int(at), kind=_KINDS[kind], conn=conn, text=text)
