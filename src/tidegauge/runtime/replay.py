"""Plays recorded frames back through the same code that reads live ones.

Formats: `recv_ns <TAB> kind <TAB> address <TAB> text`, a record a line, plain, gzip or zstd. A
replay notifies nobody and writes to no table.
"""

import gzip
import hashlib
import io
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import zstandard

from tidegauge import venues
from tidegauge.core.alert import Alert, AlertState
from tidegauge.core.errors import FeedError, OperatorError
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.core.reading import Reading
from tidegauge.wire.effects import Effect
from tidegauge.wire.feed import Listing, Observer, VenueFeed
from tidegauge.wire.protocol import BOOK_LINK, Fetch, Response
from tidegauge.wire.tape import TapeKind, TapeLine, parse_line

from .monitor import Monitor, MonitorPlan, Record
from .recorded_instruments import recorded_instruments
from .tape_venues import VenueOfRecord

TICK = SECOND
LONGEST_HOLE: Nanos = 3_600 * SECOND
"""A tape that is silent for longer jumps; ticks nobody saw are not made up."""

OK = 200
CHUNK = 128 * 1024
UNREADABLE = (OSError, EOFError, ValueError, zlib.error, zstandard.ZstdError, FeedError)
"""What a file that is no tape raises; a ValueError is text that is not UTF-8."""


def read_tape(path: Path) -> Iterator[TapeLine]:
    """Iterate over the records of a tape.

    Raises `OperatorError` naming the file and line of what is not one.
    """
    number = 0
    try:
        with _text(path) as lines:
            for line in lines:
                if not line.endswith("\n"):
                    raise EOFError("it ends in the middle")
                yield parse_line(line)
                number += 1
    except FileNotFoundError:
        raise OperatorError(f"There is no tape {path}", fix="Check the path") from None
    except UNREADABLE as error:
        reason = getattr(error, "strerror", None) or error
        raise OperatorError(
            f"{path} is not a tape: line {number + 1}: {reason}",
            fix="A tape has four columns, separated by tabs: time in ns, kind, address, text",
        ) from None


def _text(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="\n")
    if path.suffix == ".zst":
        raw = io.BufferedReader(_Zstd(path.open("rb")), CHUNK)
        return io.TextIOWrapper(raw, encoding="utf-8", newline="\n")
    return path.open(encoding="utf-8", newline="\n")


class _Zstd(io.RawIOBase):
    """Decompressed bytes of one zstd frame after another. Raises `EOFError` for a torn one.

    The reader that comes with the library takes a torn file for a whole one.
    """

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self._file = file
        self._frame = zstandard.ZstdDecompressor().decompressobj()
        self._begun = False
        self._ready = b""

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            compressed = self._frame.unused_data or self._file.read(CHUNK)
            if not compressed:
                if self._begun and not self._frame.eof:
                    raise EOFError("it ends in the middle")
                return 0
            if self._frame.eof:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            self._begun = True
            self._ready = self._frame.decompress(compressed)
        taken, self._ready = self._ready[: len(buffer)], self._ready[len(buffer) :]
        buffer[: len(taken)] = taken
        return len(taken)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookOutcome:
    """How one book ended."""

    venue: str
    symbol: str
    trust: str
    updates: int
    level_changes: int
    sequence: int
    best_bid: Decimal | None
    best_ask: Decimal | None
    bid_levels: int
    ask_levels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOutcome:
    """What a replay found. `hash` is over every reading and alert, in order: equal hashes are
    equal readings, bit for bit."""

    tape: str
    frames: int
    first_at: Nanos
    last_at: Nanos
    gaps: int
    resyncs: int
    malformed: int
    readings: int
    alerts: tuple[Alert, ...]
    books: tuple[BookOutcome, ...]
    hash: str
    elapsed_s: float


@dataclass(slots=True)
class _Tally:
    readings: int = 0
    alerts: dict[str, Alert] = field(default_factory=dict)
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def take(self, record: Record) -> None:
        if not isinstance(record, Reading | Alert):
            return
        self.digest.update(msgspec.json.encode(record))
        if isinstance(record, Reading):
            self.readings += 1
        elif record.state in (AlertState.FIRING, AlertState.RESOLVED):
            self.alerts[record.id] = record


class TapePlayer:
    """Drives the feeds of every venue on a tape, and a monitor over them.

    A snapshot the protocol asks for is answered by the next one of that instrument on the tape;
    where the tape has no more, none comes, and the book stays as it is: not believed.
    """

    def __init__(
        self,
        plan: MonitorPlan,
        emit: Callable[[Record], None],
        *,
        observer: Observer | None = None,
    ) -> None:
        self.monitor = Monitor(plan, emit)
        self.feeds: dict[str, VenueFeed] = {}
        self.frames = 0
        self._observer = observer
        self._origin = VenueOfRecord(venues.load().values())
        self._asked: dict[str, list[Fetch]] = {}
        self._held: dict[str, list[TapeLine]] = {}
        self._open: set[str] = set()
        # A monitor that is told of time too seldom leaves samples out.
        self._beat = min(TICK, 10 * plan.sample_every)
        self._next_beat: Nanos | None = None

    def prepare(self, lines: Iterable[TapeLine]) -> None:
        """Read a tape once to learn which venues and instruments are on it."""
        for spec, instruments in recorded_instruments(venues.load().values(), lines):
            listings = [Listing(symbol=item.name, instrument=item) for item in instruments]
            feed = VenueFeed(spec, listings, observer=self._observer)
            self.feeds[spec.name] = feed
            self.monitor.watch(feed)
        if not self.feeds:
            raise OperatorError(
                "No venue we know is on this tape", fix="`tidegauge venues` lists those we know"
            )

    def play(self, line: TapeLine) -> None:
        """Take the next record."""
        feed = self._feed_of(line)
        if feed is None:
            return
        now = line.at
        self._advance(now)
        name = feed.spec.name
        if line.kind is TapeKind.HTTP:
            self._held.setdefault(name, []).append(line)
        elif line.kind in (TapeKind.OPEN, TapeKind.RECV):
            if name not in self._open:
                self._open.add(name)
                self._do(feed, feed.opened(BOOK_LINK, now), now)
            if line.kind is TapeKind.RECV:
                self.frames += 1
                self._do(feed, feed.received(BOOK_LINK, line.text, now), now)
        elif line.kind is TapeKind.CLOSE and name in self._open:
            self._open.remove(name)
            self._do(feed, feed.closed(BOOK_LINK, now, "as recorded"), now)
        self._answer(feed, now)

    def _advance(self, now: Nanos) -> None:
        """Live through the time since the last record, as a monitor that was running would have."""
        if self._next_beat is None:
            self._next_beat = now + self._beat
        elif now - self._next_beat > LONGEST_HOLE:
            self._next_beat = now
        while self._next_beat <= now:
            self.monitor.advance(self._next_beat)
            for feed in self.feeds.values():
                if feed.counts.connects:
                    self._do(feed, feed.tick(self._next_beat), self._next_beat)
            self._next_beat += self._beat
        self.monitor.advance(now)

    def _do(self, feed: VenueFeed, effects: list[Effect], now: Nanos) -> None:
        for effect in self.monitor.handle(effects, now):
            if isinstance(effect, Fetch):
                asked = self._asked.setdefault(feed.spec.name, [])
                # What is asked again, because the tape had no answer, takes the place of the first.
                asked[:] = [each for each in asked if each.instrument != effect.instrument]
                asked.append(effect)

    def _answer(self, feed: VenueFeed, now: Nanos) -> None:
        """Give each request its answer from the tape, once both were met."""
        asked, held = self._asked.get(feed.spec.name, []), self._held.get(feed.spec.name, [])
        for fetch in list(asked):
            line = next((line for line in held if _answers(line, fetch)), None)
            if line is None:
                continue
            asked.remove(fetch)
            held.remove(line)
            # What the recorder asked for may differ, such as in the number of levels.
            made = replace(fetch, params=tuple(parse_qsl(urlsplit(line.conn).query)))
            response = Response(status=OK, body=line.text.encode())
            self._do(feed, feed.fetched(made, response, now), now)

    def _feed_of(self, line: TapeLine) -> VenueFeed | None:
        spec = self._origin.of(line)
        return None if spec is None else self.feeds.get(spec.name)


def _answers(line: TapeLine, fetch: Fetch) -> bool:
    """Whether a recorded answer is one to such a request: same path, same instrument."""
    address = urlsplit(line.conn)
    values = [value for _, value in parse_qsl(address.query)]
    return address.path == fetch.path and (
        fetch.instrument is None or fetch.instrument in values or not values
    )


def replay(
    path: Path,
    plan: MonitorPlan,
    *,
    speed: float | None = None,
    progress: Callable[[int], None] | None = None,
    observer: Observer | None = None,
) -> ReplayOutcome:
    """Play a tape; `speed` None is as fast as it goes, 1 as it was recorded.

    `progress` is told how many records were played, now and then.
    """
    began = time.monotonic()
    tally = _Tally()
    every_reading = replace(plan, write_every=0)
    player = TapePlayer(every_reading, tally.take, observer=observer)
    player.prepare(read_tape(path))
    first_at: Nanos | None = None
    last_at: Nanos = 0
    for number, line in enumerate(read_tape(path)):
        first_at = line.at if first_at is None else first_at
        last_at = line.at
        if speed is not None:
            ahead = (line.at - first_at) / SECOND / speed - (time.monotonic() - began)
            if ahead > 0:
                time.sleep(ahead)
        player.play(line)
        if progress is not None and number % 1000 == 0:
            progress(number)
    return _outcome(path, player, tally, (first_at or 0, last_at), time.monotonic() - began)


def _outcome(
    path: Path, player: TapePlayer, tally: _Tally, span: tuple[Nanos, Nanos], elapsed: float
) -> ReplayOutcome:
    feeds = player.feeds.values()
    return ReplayOutcome(
        tape=path.name,
        frames=player.frames,
        first_at=span[0],
        last_at=span[1],
        gaps=sum(feed.counts.gaps for feed in feeds),
        resyncs=sum(feed.counts.resyncs for feed in feeds),
        malformed=sum(feed.counts.malformed for feed in feeds),
        readings=player.monitor.readings,
        alerts=tuple(tally.alerts.values()),
        books=tuple(_book_outcome(feed, name) for feed in feeds for name in feed.keepers),
        hash=tally.digest.hexdigest(),
        elapsed_s=elapsed,
    )


def _book_outcome(feed: VenueFeed, name: str) -> BookOutcome:
    keeper = feed.keepers[name]
    bid, ask = keeper.book.best_bid, keeper.book.best_ask
    return BookOutcome(
        venue=keeper.id.venue,
        symbol=keeper.id.symbol,
        trust=keeper.trust,
        updates=keeper.updates,
        level_changes=keeper.changes,
        sequence=keeper.sequence,
        best_bid=None if bid is None else Decimal(bid),
        best_ask=None if ask is None else Decimal(ask),
        bid_levels=len(keeper.book.bids),
        ask_levels=len(keeper.book.asks),
    )
