"""The lines of a tape: everything that crossed the wire, in the order in which it was acted upon.

`recv_ns <TAB> kind <TAB> conn <TAB> text`, a line each. Text that cannot stand in a line (it holds a
tab or a line break, or is not UTF-8) is written as a JSON string or in base64, and its kind says so:
`recv+json`, `recv+base64`.

| kind        | conn                        | text                                                  |
|-------------|-----------------------------|-------------------------------------------------------|
| open, close | address#venue/shard.link    | nothing; why it was closed                            |
| recv, send  | address#venue/shard.link    | the frame                                             |
| http        | address of the request, then| the body. The fragment holds what the protocol wants  |
|             | #venue/shard?purpose=...    | to know: see `answer_line`                            |
| tick        | the venue, or nothing       | nothing. Without a venue: the sampler's               |
| meta        | the venue, or nothing       | a JSON object; `meta` says which of `Meta` it is      |

`shard` tells several connections for one venue's books apart; it is "0" where there is one. A tape
of somebody else's (the plain form) has no fragments, no ticks and no meta lines: its links are told
apart by address, and the time is filled with ticks when it is played.
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import msgspec

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.instrument import SECOND, Nanos, VenueName

from .allowance import LONGEST_BAN
from .protocol import BOOK_LINK, Fetch, Purpose, Response

FORMAT = 1
"""The version of what is described here, told by the header of every tape of ours."""

ONE_SHARD = "0"


class TapeKind(StrEnum):
    OPEN = "open"
    CLOSE = "close"
    SEND = "send"
    RECV = "recv"
    HTTP = "http"
    TICK = "tick"
    META = "meta"


class Meta(StrEnum):
    """What a meta line tells. All from `VENUE` on are told to the venue's `wire.fleet.Fleet`."""

    TAPE = "tape"
    """The first line of each part: `format`, `program`, `run`, `segment` (from 0), and the `plan`."""
    GAP = "gap"
    """`lines` were not recorded here: the disk did not keep up."""
    END = "end"
    """The run ended: `sha256` over its `readings` and `alerts`. `went_on`: with what an earlier run had
    kept, so that no replay can find the same."""
    VENUE = "venue"
    """A venue begins: the `care` for its books, and the `listings`, each a symbol and an instrument.
    A `resumed` one tells where a later part finds it: its `shards` with their listings, and the
    numbers of the next shard and epoch. It is followed by a roll of each shard, which tells its
    books anew."""
    ADDED = "added"
    """One more `listing` is wanted."""
    REMOVED = "removed"
    """An `instrument` is wanted no more: `why`, `delisted`."""
    ROLL = "roll"
    """The links of a `shard` are to be replaced: `why`. In a cut of some instruments it may stand for
    the addition or removal of another: without a `shard`, it is for all; it, `ADDED` and `REMOVED`
    then tell the number of the `next_shard`."""
    REFUSED = "refused"
    """The venue refused a connection of a `shard`: `reason`."""
    OVERFLOW = "overflow"
    """The mailbox dropped frames: `dropped`."""
    CRASHED = "crashed"
    """Our own code failed on a `shard`: `reason`."""
    PACE = "pace"
    """From here on a book of this venue is read at most once in `every` nanoseconds; 0: at each of its
    updates. It is told to whoever reads the books, not to the fleet."""
    STOPPED = "stopped"
    """The monitor stopped watching this venue."""
    ORDER = "order"
    """A person ordered something of the desk: the `order`. Told to whoever watches the books."""
    EVENT = "event"
    """A venue said something beside its feed: the `event`. Told to whoever watches the books."""
    RULES = "rules"
    """The rules were read anew: the `rules`. Told to whoever watches the books."""


class _Facts(msgspec.Struct):
    """The types of what meta lines tell; what is not told here is checked where it is used."""

    meta: Meta
    format: int = FORMAT
    program: str = ""
    run: str = ""
    segment: int = 0
    resumed: bool = False
    cut: bool = False
    next_shard: int = 0
    next_epoch: int = 1
    lines: int = 0
    sha256: str = ""
    dropped: int = 0
    shard: str = ""
    reason: str = ""
    why: str = ""
    instrument: str = ""
    delisted: bool = False
    every: int = 0
    went_on: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeLine:
    """One thing that crossed the wire. `text` of bytes that are no UTF-8 holds lone surrogates."""

    at: Nanos
    kind: TapeKind
    conn: str
    text: str

    @property
    def frame(self) -> str | bytes:
        """The text as it came: bytes where it is not UTF-8."""
        try:
            self.text.encode()
        except UnicodeEncodeError:
            return self.text.encode("utf-8", "surrogateescape")
        return self.text

    @property
    def facts(self) -> dict[str, Any]:
        """What a meta line tells. Raises `MalformedFrame`."""
        try:
            facts = msgspec.json.decode(self.text, type=dict[str, Any])
            msgspec.convert(facts, _Facts)
        except (msgspec.DecodeError, UnicodeError) as error:
            raise MalformedFrame(f"not a meta line: {error}") from None
        return facts

    def written(self) -> str:
        """Return the line as a tape holds it, without its line break."""
        kind: str = self.kind
        text = self.text
        if not text.isprintable():
            kind, text = _as_one_line(kind, text)
        return f"{self.at}\t{kind}\t{self.conn}\t{text}"


def _as_one_line(kind: str, text: str) -> tuple[str, str]:
    """Return kind and text as they are written, given text with anything in it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raw = text.encode("utf-8", "surrogateescape")
        return f"{kind}+base64", base64.b64encode(raw).decode()
    if any(each in text for each in "\t\r\n"):
        return f"{kind}+json", msgspec.json.encode(text).decode()
    return kind, text


_KINDS = {kind.value: kind for kind in TapeKind}


def parse_line(line: str) -> TapeLine:
    """Read one line. Raises `MalformedFrame`."""
    parts = line.rstrip("\r\n").split("\t", 3)
    if len(parts) != 4:  # noqa: PLR2004 - the columns
        raise MalformedFrame(f"not a tape line: {line[:60]!r}")
    at, kind, conn, text = parts
    if kind not in _KINDS:
        kind, _, written_as = kind.partition("+")
        if kind not in _KINDS:
            raise MalformedFrame(f"unknown kind of tape line: {kind[:20]!r}")
        text = _from_one_line(written_as, text)
    if not (at.isascii() and at.isdigit() and len(at) <= 19):  # noqa: PLR2004 - nanoseconds
        raise MalformedFrame(f"not a tape time: {at[:40]!r}")
    return TapeLine(at=int(at), kind=_KINDS[kind], conn=conn, text=text)


def _from_one_line(written_as: str, text: str) -> str:
    try:
        if written_as == "json":
            return msgspec.json.decode(text, type=str)
        if written_as == "base64":
            return base64.b64decode(text, validate=True).decode("utf-8", "surrogateescape")
    except (msgspec.DecodeError, binascii.Error, ValueError) as error:
        raise MalformedFrame(f"text that is not {written_as}: {error}") from None
    raise MalformedFrame(f"text written in an unknown way: {written_as[:20]!r}")


# -- where a line belongs ----------------------------------------------------------------------------


class Place(NamedTuple):
    """Whose line it is."""

    venue: VenueName
    shard: str
    link: str = BOOK_LINK


def address(url: str, venue: VenueName, link: str = BOOK_LINK, *, shard: str = ONE_SHARD) -> str:
    """Return the `conn` of a socket's lines."""
    return f"{url}#{venue}/{shard}.{link}"


def place_of(line: TapeLine) -> Place | None:
    """Return where a line of our own belongs; None for a line of a plain tape, and the sampler's."""
    if line.kind in (TapeKind.TICK, TapeKind.META):
        return Place(line.conn, ONE_SHARD) if line.conn else None
    where, _, _asked = line.conn.partition("#")[2].partition("?")
    venue, slash, rest = where.partition("/")
    shard, _, link = rest.partition(".")
    return Place(venue, shard, link or BOOK_LINK) if slash else None


# -- making lines ------------------------------------------------------------------------------------


def frame_line(at: Nanos, kind: TapeKind, conn: str, frame: str | bytes = "") -> TapeLine:
    """Return the line of something that went over a socket."""
    if isinstance(frame, bytes):
        frame = frame.decode("utf-8", "surrogateescape")
    return TapeLine(at=at, kind=kind, conn=conn, text=frame)


def tick_line(at: Nanos, venue: VenueName = "") -> TapeLine:
    """Return the line of a tick of a venue, or of the sampler."""
    return TapeLine(at=at, kind=TapeKind.TICK, conn=venue, text="")


def meta_line(at: Nanos, meta: Meta, venue: VenueName = "", **facts: Any) -> TapeLine:
    """Return a meta line; `facts` are whatever msgspec can write as JSON."""
    text = msgspec.json.encode({"meta": meta, **facts}).decode()
    return TapeLine(at=at, kind=TapeKind.META, conn=venue, text=text)


def answer_line(
    at: Nanos,
    rest_url: str,
    venue: VenueName,
    asked: tuple[Fetch, Response],
    *,
    shard: str = ONE_SHARD,
) -> TapeLine:
    """Return the line of a REST answer; `answer_of` reads request and answer back from it."""
    fetch, response = asked
    query = f"?{urlencode(fetch.params)}" if fetch.params else ""
    facts = {
        "purpose": fetch.purpose,
        "path": fetch.path,
        "status": response.status,
        "weight": fetch.weight,
        "number": fetch.number,
    }
    told: dict[str, Any] = {
        "instrument": fetch.instrument,
        "body": fetch.body,
        "retry_after": response.retry_after,
    }
    facts |= {name: fact for name, fact in told.items() if fact is not None}
    where = f"{quote(venue)}/{quote(shard)}?{urlencode(facts)}"
    conn = f"{rest_url.rstrip('/')}{fetch.path}{query}#{where}"
    return frame_line(at, TapeKind.HTTP, conn, response.body)


def _seconds(text: str) -> float:
    """Read a Retry-After. Raises `ValueError`, also for one that no time can be reckoned with."""
    seconds = float(text)
    if not 0 <= seconds <= LONGEST_BAN / SECOND:
        raise ValueError(f"not a wait: {text[:40]}")
    return seconds


def answer_of(line: TapeLine) -> tuple[Fetch, Response]:
    """Read a REST answer of our own, and what it answers. Raises `MalformedFrame`."""
    try:
        url = urlsplit(line.conn)
        told: Mapping[str, str] = dict(
            parse_qsl(url.fragment.partition("?")[2], keep_blank_values=True)
        )
        fetch = Fetch(
            purpose=Purpose(told["purpose"]),
            path=told["path"],
            params=tuple(parse_qsl(url.query, keep_blank_values=True)),
            body=told.get("body"),
            instrument=told.get("instrument"),
            weight=int(told.get("weight", "1")),
            number=int(told.get("number", "0")),
        )
        retry_after = told.get("retry_after")
        response = Response(
            status=int(told["status"]),
            body=line.text.encode("utf-8", "surrogateescape"),
            retry_after=None if retry_after is None else _seconds(retry_after),
        )
    except (KeyError, ValueError) as error:
        raise MalformedFrame(f"not a recorded answer: {error!r}") from None
    return fetch, response
