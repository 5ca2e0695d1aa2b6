"""Frames no market ever sent, over real sockets: told of, survived, and nobody else's trouble."""

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog
from tests.support.apps import Watched, settings_for, watching
from tests.support.database import until

from tidegauge.core.events import FeedEventKind
from tidegauge.core.instrument import Nanos, VenueName
from tidegauge.runtime.local_venues import LocalVenues
from tidegauge.runtime.settings import FeedSettings
from tidegauge.simulator.dialect import Answer, ConnectionId, Dialect, Reply, Request, Say
from tidegauge.venues import load

SIBLING = "bybit-spot"
MEGABYTE = 1024 * 1024

Damage = Callable[[str], str]


class Corrupting:
    """A dialect whose next book update is damaged, once or for as long as it is told."""

    def __init__(self, inner: Dialect) -> None:
        self.inner = inner
        self.damage: Damage | None = None
        self.times = 0
        self.damaged = 0

    def corrupt(self, damage: Damage, times: int = 1) -> None:
        self.damage, self.times = damage, times

    @property
    def eager(self) -> bool:
        return self.inner.eager

    @property
    def ping_seconds(self) -> float | None:
        return self.inner.ping_seconds

    def admit(self, path: str, now: Nanos) -> Answer | None:
        return self.inner.admit(path, now)

    def connected(
        self, connection: ConnectionId, path: str, query: Mapping[str, str], now: Nanos
    ) -> list[Reply]:
        return self._each(self.inner.connected(connection, path, query, now))

    def received(self, connection: ConnectionId, text: str, now: Nanos) -> list[Reply]:
        return self._each(self.inner.received(connection, text, now))

    def disconnected(self, connection: ConnectionId) -> None:
        self.inner.disconnected(connection)

    def rest(self, request: Request, now: Nanos) -> Answer:
        return self.inner.rest(request, now)

    def advance(self, now: Nanos) -> list[Reply]:
        return self._each(self.inner.advance(now))

    def _each(self, replies: list[Reply]) -> list[Reply]:
        return [self._one(reply) for reply in replies]

    def _one(self, reply: Reply) -> Reply:
        if not (isinstance(reply, Say) and reply.book and self.times and self.damage):
            return reply
        self.times -= 1
        self.damaged += 1
        return Say(connection=reply.connection, text=self.damage(reply.text), book=True)


def with_levels(size: Any = "1", price: Any = None) -> Damage:
    """Put one bid with this size (and price) in place of all bids."""

    def damage(text: str) -> str:
        tree = json.loads(text)
        data = tree.get("data", tree)
        data = data if "b" in data or "levels" not in data else {"b": data["levels"][0]}
        (first, *_) = data["b"] or [["1", "1"]]
        at = price if price is not None else (first["px"] if isinstance(first, dict) else first[0])
        bad = {"px": at, "sz": size, "n": 1} if isinstance(first, dict) else [at, size]
        data["b"][:] = [bad]
        return json.dumps(tree).replace('"@1e999@"', "1e999").replace('"@NaN@"', "NaN")

    return damage


def without(field: str) -> Damage:
    def damage(text: str) -> str:
        tree = json.loads(text)
        tree.get("data", tree).pop(field)
        return json.dumps(tree)

    return damage


DAMAGES: dict[str, Damage] = {
    "not JSON": lambda text: text[: len(text) // 2],
    "another JSON": lambda _text: "[1, 2, 3]",
    "an empty frame": lambda _text: "",
    "a size of NaN": with_levels("NaN"),
    "a naked NaN": with_levels("@NaN@"),
    "a size of 1e999": with_levels("1e999"),
    "a naked 1e999": with_levels("@1e999@"),
    "a negative size": with_levels("-1"),
    "a negative price": with_levels("1", "-1"),
    "a huge size": with_levels("9" * 60),
    "a huge price": with_levels("1", "9" * 60),
    "a price of many digits": with_levels("1", "0." + "0" * 60 + "1"),
    "a missing field": without("b"),
    "nested twenty thousand deep": lambda _text: "[" * 20_000,
}


class Bench:
    """A venue that can be corrupted and one that is left alone, both watched."""

    def __init__(self, venue: VenueName, venues: LocalVenues, watched: Watched) -> None:
        self.venue = venue
        self.venues = venues
        self.watched = watched
        corrupting = Corrupting(venues.dialects[venue].inner)
        venues.dialects[venue].inner = corrupting
        self.corrupting = corrupting
        self.sibling = watched.feed(SIBLING)
        self.updates = self.sibling.counts.updates

    async def recovers(self) -> None:
        """The venue's book is LIVE and goes on; the sibling never noticed."""
        keeper = next(iter(self.watched.feed(self.venue).keepers.values()))
        updates = keeper.updates
        await until(lambda: self.watched.live(self.venue) and keeper.updates > updates + 3)
        keeper.book.check()
        await until(lambda: self.sibling.counts.updates > self.updates + 3)
        counts = self.sibling.counts
        assert (counts.gaps, counts.resyncs, counts.malformed, counts.connects) == (0, 0, 0, 1)
        assert self.watched.live(SIBLING)
        assert self.watched.app.crashes == 0


SOME = ("not JSON", "a negative size", "a naked 1e999")


@pytest.mark.parametrize(
    ("venue", "name"),
    [
        *(("binance", name) for name in DAMAGES),
        *(("bybit-linear", name) for name in SOME),
        ("hyperliquid", "not JSON"),
    ],
)
async def test_a_bad_frame_is_counted_told_of_and_survived(
    venue: str, name: str, tmp_path: Path
) -> None:
    """Counted and told of once; LIVE again over the same socket; the sibling goes on."""
    async with LocalVenues(venues=(venue, SIBLING), speed=2) as venues:
        settings = settings_for(venues.endpoints, tmp_path)
        async with watching(settings, (venue, SIBLING)) as watched:
            bench = Bench(venue, venues, watched)
            bench.corrupting.corrupt(DAMAGES[name])
            await until(lambda: watched.feed(venue).counts.malformed == 1)
            await bench.recovers()
            (event,) = watched.told(FeedEventKind.MALFORMED, venue)
            assert len(event.detail) <= 500
            connects = len(load()[venue].links([]))
            assert watched.feed(venue).counts.connects == connects, "it kept the connection"


async def test_a_flood_of_bad_frames_is_told_of_now_and_then(tmp_path: Path) -> None:
    """Each is counted; the 1st, 10th and 100th of a kind are logged and stored."""
    async with LocalVenues(venues=("binance", SIBLING), speed=10) as venues:
        settings = settings_for(venues.endpoints, tmp_path)
        async with watching(settings, ("binance", SIBLING)) as watched:
            bench = Bench("binance", venues, watched)
            with structlog.testing.capture_logs() as logged:
                bench.corrupting.corrupt(lambda text: f"{len(text)}{text}", times=120)
                await until(lambda: watched.feed("binance").counts.malformed >= 120)
            assert len(watched.told(FeedEventKind.MALFORMED, "binance")) == 3
            assert sum(line["event"] == "feed_malformed" for line in logged) == 3
            await bench.recovers()


@pytest.mark.parametrize("claimed", [True, False], ids=["claimed", "sent"])
async def test_a_frame_of_100_mb_costs_that_connection_only(claimed: bool, tmp_path: Path) -> None:
    """It is refused from its header on: never held in memory, counted, and connected again."""
    feed = FeedSettings(
        reconnect_base_s=0.05, reconnect_cap_s=0.2, close_timeout_s=0.2, max_frame_mb=4
    )
    async with LocalVenues(venues=("binance", SIBLING), speed=2) as venues:
        settings = settings_for(venues.endpoints, tmp_path, feed=feed)
        async with watching(settings, ("binance", SIBLING)) as watched:
            bench = Bench("binance", venues, watched)
            server = venues.servers["binance"]
            (connection,) = server._connections.values()
            # A final text frame of 100 MiB: the header alone, or with all that follows.
            assert isinstance(connection.transport, asyncio.Transport)
            connection.transport.write(b"\x81\x7f" + (100 * MEGABYTE).to_bytes(8, "big"))
            if not claimed:
                for _ in range(100):
                    connection.transport.write(b" " * MEGABYTE)
            await until(lambda: bool(watched.told(FeedEventKind.DISCONNECTED, "binance")))
            (event,) = watched.told(FeedEventKind.DISCONNECTED, "binance")
            assert "message too big" in event.detail
            await bench.recovers()
            assert watched.seen("binance").connects == 2


@pytest.mark.parametrize(
    ("name", "frame"),
    [
        ("text that is not UTF-8", b"\x81\x04\xff\xfe{}"),
        ("binary", b"\x82\x04\x00\x01\x02\x03"),
    ],
)
async def test_frames_that_are_no_text_are_malformed(
    name: str, frame: bytes, tmp_path: Path
) -> None:
    """The book is kept: what it missed, if anything, would show as a gap."""
    async with LocalVenues(venues=("binance", SIBLING), speed=2) as venues:
        settings = settings_for(venues.endpoints, tmp_path)
        async with watching(settings, ("binance", SIBLING)) as watched:
            bench = Bench("binance", venues, watched)
            (connection,) = venues.servers["binance"]._connections.values()
            assert isinstance(connection.transport, asyncio.Transport)
            connection.transport.write(frame)
            await until(lambda: watched.feed("binance").counts.malformed == 1)
            await bench.recovers()
            assert watched.feed("binance").counts.resyncs == 0, name
            assert watched.seen("binance").connects == 1


async def test_rest_answers_that_make_no_sense_are_asked_for_again(tmp_path: Path) -> None:
    """A snapshot that is none: the book waits, is not believed, and gets the next one."""

    class Nonsense(Corrupting):
        left = 3

        def rest(self, request: Request, now: Nanos) -> Answer:
            if "depth" in request.path and self.left:
                self.left -= 1
                bodies = (b"\xff\xfe", b'{"lastUpdateId": 1e999}', b"<html>")
                return Answer(status=200, body=bodies[self.left])
            return self.inner.rest(request, now)

    async with LocalVenues(venues=("binance", SIBLING), speed=2) as venues:
        nonsense = Nonsense(venues.dialects["binance"].inner)
        venues.dialects["binance"].inner = nonsense
        settings = settings_for(venues.endpoints, tmp_path)
        async with watching(settings, ("binance", SIBLING), all_live=False) as watched:
            await until(lambda: nonsense.left == 0)
            await until(lambda: watched.live("binance", SIBLING))
            assert watched.feed("binance").counts.malformed == 3
            assert watched.app.crashes == 0
