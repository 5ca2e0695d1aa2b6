"""The simplest venue there could be, for tests of what drives and follows a venue.

Frames are JSON: `{"i": instrument, "t": "snapshot" | "delta" | "lost", "b": [...], "a": [...], "n": id,
"at": venue time in ns}`.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec

from tidegauge.core.errors import MalformedFrame, SubscriptionRejected, VenueRefused
from tidegauge.core.events import BookDelta, BookLost, BookSnapshot
from tidegauge.core.instrument import Instrument, InstrumentKind, Nanos
from tidegauge.core.trust import TrustReason
from tidegauge.wire.protocol import (
    BOOK_LINK,
    Audit,
    Drop,
    Fetch,
    Note,
    Output,
    Purpose,
    Response,
    Send,
    VenueSpec,
)

NAME = "plain"


def instrument(name: str = "AAA") -> Instrument:
    return Instrument(
        venue=NAME,
        name=name,
        kind=InstrumentKind.SPOT,
        base=name,
        quote="USDT",
        tick=Decimal("0.01"),
        step=Decimal("0.001"),
    )


def frame(
    kind: str,
    bids: Sequence[tuple[str, str]] = (),
    asks: Sequence[tuple[str, str]] = (),
    *,
    name: str = "AAA",
    number: int = 1,
    at: Nanos | None = None,
) -> str:
    return msgspec.json.encode(
        {"i": name, "t": kind, "b": bids, "a": asks, "n": number, "at": at}
    ).decode()


SNAPSHOT = frame("snapshot", [("99", "1"), ("98", "2")], [("101", "1"), ("102", "2")])


class PlainProtocol:
    """Obeys every frame, and does what a test tells it by the frame's kind."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self.names = [each.name for each in instruments]
        self.resynced: list[tuple[str, TrustReason]] = []

    def opened(self, link: str, now: Nanos) -> list[Output]:
        return [Send(link=link, text=f"subscribe {name}") for name in self.names]

    def closed(self, link: str, now: Nanos) -> list[Output]:
        return [BookLost(instrument=name, reason=TrustReason.DISCONNECTED) for name in self.names]

    def received(self, link: str, frame: str | bytes, now: Nanos) -> list[Output]:
        try:
            said: dict[str, Any] = msgspec.json.decode(frame)
            name, kind = said["i"], said["t"]
        except (msgspec.DecodeError, KeyError, TypeError) as error:
            raise MalformedFrame(f"not a frame: {error}") from None
        match kind:
            case "snapshot":
                return [BookSnapshot(**self._levels(said))]
            case "delta":
                return [BookDelta(**self._levels(said))]
            case "lost":
                return [
                    BookLost(instrument=name, reason=TrustReason.GAP, detail="told to"),
                    Fetch(purpose=Purpose.SNAPSHOT, path="/book", instrument=name),
                ]
            case "rejected":
                return [SubscriptionRejected("no such thing", instrument=name)]
            case "refused":
                return [VenueRefused("not from here")]
            case "pong":
                return []
            case "unchecked":
                return [Note(kind="unchecked", instrument=name)]
            case "drop":
                return [Drop(link=link, reason="told to")]
        raise MalformedFrame(f"unknown kind: {kind}", instrument=name)

    def fetched(self, fetch: Fetch, response: Response, now: Nanos) -> list[Output]:
        return self.received(BOOK_LINK, response.body, now)

    def resync(self, instrument: str, reason: TrustReason, now: Nanos) -> list[Output]:
        self.resynced.append((instrument, reason))
        return [
            BookLost(instrument=instrument, reason=reason),
            Fetch(purpose=Purpose.SNAPSHOT, path="/book", instrument=instrument),
        ]

    def tick(self, now: Nanos) -> list[Output]:
        return []

    @staticmethod
    def _levels(said: dict[str, Any]) -> dict[str, Any]:
        return {
            "instrument": said["i"],
            "bids": [tuple(level) for level in said["b"]],
            "asks": [tuple(level) for level in said["a"]],
            "sequence": said["n"],
            "venue_time": said["at"],
        }


SPEC = VenueSpec(
    name=NAME,
    family=NAME,
    kind=InstrumentKind.SPOT,
    ws_url="ws://plain.test",
    rest_url="http://plain.test",
    links=lambda _instruments: {BOOK_LINK: "/books"},
    protocol=PlainProtocol,
    catalogue=(Fetch(purpose=Purpose.CATALOGUE, path="/instruments"),),
    parse_catalogue=lambda _body: [],
    default_name=lambda symbol: symbol,
    silence_limit=30_000_000_000,
)


def _audit_request(each: Instrument) -> Fetch:
    return Fetch(purpose=Purpose.AUDIT, path="/audit", instrument=each.name)


def _read_audit(_: Instrument, body: bytes) -> BookSnapshot:
    (event,) = PlainProtocol([]).received(BOOK_LINK, body, 0)
    assert isinstance(event, BookSnapshot)
    return event


AUDITED = replace(SPEC, audit=Audit(request=_audit_request, read=_read_audit))
"""The same venue, whose books can be had by REST to compare with."""
