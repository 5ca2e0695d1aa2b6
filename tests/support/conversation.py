"""Drives a venue's protocol and its books in memory, and remembers what was said."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from tidegauge.core.errors import FeedError
from tidegauge.core.events import (
    BookAlive,
    BookDelta,
    BookLost,
    BookSnapshot,
    BookTouch,
    Liquidation,
    Marks,
    Trade,
)
from tidegauge.core.instrument import SECOND, Instrument, Nanos
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.trust import Trust, TrustReason
from tidegauge.wire.protocol import (
    BOOK_LINK,
    Drop,
    Fetch,
    Note,
    Output,
    Purpose,
    Response,
    Retire,
    Send,
    VenueSpec,
)

FIXTURES = Path(__file__).parents[1] / "fixtures" / "venues"


def instrument(
    spec: VenueSpec, name: str, *, tick: str = "0.01", step: str = "0.00001"
) -> Instrument:
    """An instrument of `spec`'s venue with the venue's name."""
    return Instrument(
        venue=spec.name,
        name=name,
        kind=spec.kind,
        base=name[:3],
        quote="USDT",
        tick=Decimal(tick),
        step=Decimal(step),
    )


class Conversation:
    """A protocol, a keeper for each of its books, and a record of all outputs.

    Requests for snapshots wait in `fetches` until `answer` is called, others in `others`. Errors are treated as the runtime treats
    them: a damaged book is resynchronised.
    """

    def __init__(
        self,
        spec: VenueSpec,
        instruments: Sequence[Instrument],
        on_update: Callable[[BookKeeper], None] = lambda _: None,
    ) -> None:
        self.spec = spec
        self.links: Mapping[str, str] = spec.links(instruments)
        self.protocol = spec.protocol(instruments)
        self.keepers = {each.name: BookKeeper(each, each.name) for each in instruments}
        self.on_update = on_update
        self.said: list[Output] = []
        self.fetches: list[Fetch] = []
        self.others: list[Fetch] = []
        self.epoch = 0

    # -- what happens to it ----------------------------------------------------------------------

    def open_all(self, now: Nanos) -> list[Output]:
        return [output for link in self.links for output in self.open(link, now)]

    def open(self, link: str, now: Nanos) -> list[Output]:
        if link == BOOK_LINK:
            self.epoch += 1
            for keeper in self.keepers.values():
                keeper.begin_epoch(self.epoch, now)
        return self._act(self.protocol.opened(link, now), now)

    def close(self, link: str, now: Nanos) -> list[Output]:
        return self._act(self.protocol.closed(link, now), now)

    def receive(self, link: str, text: str | bytes, now: Nanos) -> list[Output]:
        """Raises what the protocol raises."""
        return self._act(self.protocol.received(link, text, now), now)

    def answer(self, body: bytes | str, now: Nanos, *, status: int = 200) -> list[Output]:
        """Answer the oldest request for a snapshot."""
        return self.answer_to(self.fetches.pop(0), body, now, status=status)

    def answer_to(
        self, fetch: Fetch, body: bytes | str, now: Nanos, *, status: int = 200
    ) -> list[Output]:
        raw = body.encode() if isinstance(body, str) else body
        response = Response(status=status, body=raw)
        return self._act(self.protocol.fetched(fetch, response, now), now)

    def tick(self, now: Nanos) -> list[Output]:
        return self._act(self.protocol.tick(now), now)

    # -- what came of it -------------------------------------------------------------------------

    def count(self, kind: type) -> int:
        return sum(isinstance(output, kind) for output in self.said)

    def lost(self, reason: TrustReason) -> int:
        return sum(isinstance(o, BookLost) and o.reason is reason for o in self.said)

    def live(self, name: str) -> bool:
        return self.keepers[name].trust is Trust.LIVE

    def touch(self, name: str) -> tuple[str | None, str | None]:
        """The best prices, as plain text."""
        book = self.keepers[name].book
        best = (book.best_bid, book.best_ask)
        bid, ask = (None if each is None else f"{Decimal(each).normalize():f}" for each in best)
        return bid, ask

    def _act(self, outputs: list[Output], now: Nanos) -> list[Output]:
        self.said += outputs
        for output in outputs:
            match output:
                case BookSnapshot() | BookDelta() | BookTouch():
                    self._apply(output, now)
                case BookLost(instrument=name, reason=reason):
                    self.keepers[name].lose(reason, now)
                case Fetch(purpose=Purpose.SNAPSHOT):
                    self.fetches.append(output)
                case Fetch():
                    self.others.append(output)
                case BookAlive(instrument=name):
                    self.keepers[name].alive(now)
                case Trade() | Marks() | Liquidation():
                    assert output.instrument in self.keepers
                case Send() | Drop() | Retire() | Note() | FeedError():
                    pass
        return outputs

    def _apply(self, event: BookSnapshot | BookDelta | BookTouch, now: Nanos) -> None:
        keeper = self.keepers[event.instrument]
        try:
            change = keeper.apply(event, now)
        except FeedError as error:
            self.said.append(error)
            self._act(self.protocol.resync(event.instrument, TrustReason.MALFORMED, now), now)
            return
        if change is not None and change.demand_resync:
            self._act(self.protocol.resync(event.instrument, change.reason, now), now)
        elif keeper.trust is Trust.LIVE:
            self.on_update(keeper)


# -- transcripts ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptLine:
    """`kind`: recv | http | send. An http line answers a fetch for `instrument`."""

    kind: str
    text: str
    link: str = BOOK_LINK
    instrument: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """A short made-up conversation with one venue.

    The first line of the file names the instruments, what the book of the first of them comes to
    (`touch`: best bid and ask), and a small catalogue answer.
    """

    instruments: tuple[Instrument, ...]
    touch: tuple[str, str]
    catalogue: bytes
    lines: tuple[TranscriptLine, ...]


def transcript(spec: VenueSpec) -> Transcript:
    """Read `tests/fixtures/venues/<venue>.jsonl`."""
    rows: list[dict[str, Any]] = [
        json.loads(line) for line in (FIXTURES / f"{spec.name}.jsonl").read_text().splitlines()
    ]
    head = rows[0]
    return Transcript(
        instruments=tuple(instrument(spec, **each) for each in head["instruments"]),
        touch=(head["touch"][0], head["touch"][1]),
        catalogue=json.dumps(head["catalogue"]).encode(),
        lines=tuple(TranscriptLine(**row) for row in rows[1:]),
    )


STEP: Nanos = SECOND // 10


def play(
    conversation: Conversation,
    lines: Sequence[TranscriptLine],
    now: Nanos,
    before: Callable[[int, Nanos], None] = lambda _index, _now: None,
) -> Nanos:
    """Play a transcript over open links. An answer that is too early is held until asked for.

    `before` is called with the index of each line, and the time, before the line is played.
    """
    held: list[TranscriptLine] = []
    for index, line in enumerate(lines):
        now += STEP
        before(index, now)
        if line.kind == "recv":
            conversation.receive(line.link, line.text, now)
        elif line.kind == "http":
            held.append(line)
        now = _answer_all(conversation, held, now)
    return now


def _answer_all(conversation: Conversation, held: list[TranscriptLine], now: Nanos) -> Nanos:
    for fetch in [*conversation.fetches]:
        line = next((each for each in held if each.instrument == fetch.instrument), None)
        if line is not None:
            held.remove(line)
            conversation.fetches.remove(fetch)
            now += STEP
            conversation.answer_to(fetch, line.text, now)
    return now
