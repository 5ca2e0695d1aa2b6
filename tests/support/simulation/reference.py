"""Reference venues: small servers that speak the venues' protocols and own the true books."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from tidegauge import venues as known_venues
from tidegauge.core.instrument import MILLISECOND, SECOND, Nanos, VenueName
from tidegauge.wire.protocol import Fetch, Purpose, Response

from .loop import simulated_loop
from .market import Change, ReferenceBook
from .network import EPOCH, Peer


@dataclass(slots=True)
class Client:
    """One socket as its venue knows it: what it asked for, and what it is not told any more."""

    path: str
    wants: dict[str, None] = field(default_factory=dict)
    deaf: bool = False
    deaf_to: set[str] = field(default_factory=set)


class ReferenceVenue:
    """What all venues have: books by name, clients, a clock of their own, restarts and bans."""

    step = (1, 1)
    weight_a_minute: int | None = None
    handshakes: tuple[int, float] | None = None
    """How many handshakes in how many seconds it bears before it refuses an address."""

    def __init__(self, name: VenueName, symbols: Iterable[str], seed: object, **more: Any) -> None:
        self.name = name
        self.spec = known_venues.load()[name]
        self.chance = random.Random(f"{seed}/{name}/market")
        names = [self.spec.default_name(symbol) for symbol in symbols]
        self.books = {
            each: ReferenceBook(each, self.chance, step=self.step, **more) for each in names
        }
        self.clients: dict[Peer, Client] = {}
        self.unlisted: set[str] = set()
        self.clock_offset: Nanos = 0
        self.away_until = 0.0
        self.bans = 0
        self.lifetime: float | None = None
        """Seconds after which a connection is ended, whoever is on it."""
        self._loop = simulated_loop()
        self._weights: list[tuple[float, int]] = []
        self._connects: list[float] = []

    # -- time ------------------------------------------------------------------------------------

    @property
    def now(self) -> Nanos:
        """True time, by which the book's history is kept."""
        return EPOCH + round(self._loop.time() * SECOND)

    @property
    def millis(self) -> int:
        """What this venue believes the time to be."""
        return (self.now + self.clock_offset) // MILLISECOND

    # -- the market ------------------------------------------------------------------------------

    def move(self, name: str | None = None) -> None:
        """Change one book, and tell whoever listens."""
        book = self.books[self.chance.choice(sorted(self.books)) if name is None else name]
        change = book.move(self.now)
        for socket, client in [*self.clients.items()]:
            if not client.deaf and book.name not in client.deaf_to:
                self.tell(socket, client, book, change)

    def tell(self, socket: Peer, client: Client, book: ReferenceBook, change: Change) -> None:
        """Tell a client of a change, if it asked for this book."""
        raise NotImplementedError

    def beat(self) -> None:
        """Say what is said whether the market moves or not."""

    def restart(self, seconds: float) -> None:
        """Go away for a while; nobody is connected after, and ids go on from elsewhere."""
        self.away_until = self._loop.time() + seconds
        for socket in [*self.clients]:
            socket.cut()
        for book in self.books.values():
            book.renumber(book.last + self.chance.randrange(10**6, 10**7), self.now)

    # -- the network's side ----------------------------------------------------------------------

    def admit(self) -> Response | None:
        now = self._loop.time()
        if now < self.away_until:
            return Response(status=503, body=b"")
        if self.handshakes is not None:
            most, seconds = self.handshakes
            self._connects = [at for at in self._connects if at > now - seconds] + [now]
            if len(self._connects) > most:
                self.bans += 1
                return Response(status=429, body=b"", retry_after=seconds)
        return None

    def connected(self, socket: Peer, path: str) -> None:
        if self.lifetime is not None:
            self._loop.call_later(self.lifetime, socket.cut)
        self.clients[socket] = Client(path)
        self.opened(socket, self.clients[socket], dict(parse_qsl(urlsplit(path).query)))

    def disconnected(self, socket: Peer) -> None:
        self.clients.pop(socket, None)

    def received(self, socket: Peer, text: str) -> None:
        client = self.clients.get(socket)
        if client is not None:
            self.heard(socket, client, text if text == "ping" else msgspec.json.decode(text))

    def answer(self, fetch: Fetch, *, lag: Nanos) -> Response:
        now = self._loop.time()
        if now < self.away_until:
            return Response(status=503, body=b"")
        self._weights = [each for each in self._weights if each[0] > now - 60]
        self._weights.append((now, fetch.weight))
        used = sum(weight for _, weight in self._weights)
        if self.weight_a_minute is not None and used > self.weight_a_minute:
            self.bans += 1
            return Response(status=418, body=b'{"code":-1003}', retry_after=120)
        if fetch.purpose is Purpose.CATALOGUE:
            return json_response(self.catalogue(fetch))
        return self.rest(fetch, lag)

    # -- what differs from venue to venue --------------------------------------------------------

    def opened(self, socket: Peer, client: Client, query: Mapping[str, str]) -> None: ...

    def heard(self, socket: Peer, client: Client, said: Any) -> None: ...

    def catalogue(self, fetch: Fetch) -> object:
        raise NotImplementedError

    def rest(self, fetch: Fetch, lag: Nanos) -> Response:
        return Response(status=404, body=b"")


def json_response(body: object, status: int = 200) -> Response:
    """Answer in JSON."""
    return Response(status=status, body=msgspec.json.encode(body))


def text_of(message: object) -> str:
    """Write a frame."""
    return msgspec.json.encode(message).decode()
