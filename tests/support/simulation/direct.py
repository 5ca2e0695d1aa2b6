"""A venue's feed wired to its reference venue by hand: no network, no time, every frame in view."""

from collections import deque
from decimal import Decimal

from tidegauge.core.events import FeedEvent
from tidegauge.core.instrument import Instrument
from tidegauge.core.trust import Trust
from tidegauge.wire.effects import Effect
from tidegauge.wire.feed import Listing, VenueFeed
from tidegauge.wire.protocol import Fetch, Send

from .market import STEP, TICK
from .venues import VENUES
from .witness import Witness


class Pipe:
    """The venue's end of one link: what is said waits to be handed on."""

    def __init__(self) -> None:
        self.said: deque[str] = deque()

    def say(self, text: str) -> None:
        self.said.append(text)

    def cut(self) -> None:
        raise AssertionError("this venue does not restart")


class Direct:
    """One venue with `symbols`; frames are handed on by the test, in whatever order it likes."""

    def __init__(self, venue: str, symbols: tuple[str, ...], seed: object) -> None:
        self.server = VENUES[venue](venue, symbols, seed)
        spec = self.server.spec
        instruments = [
            Instrument(
                venue=venue,
                name=name,
                kind=spec.kind,
                base=name,
                quote="USDT",
                tick=Decimal(TICK),
                step=Decimal(STEP),
            )
            for name in self.server.books
        ]
        self.witness = Witness({venue: self.server})
        self.feed = VenueFeed(
            spec,
            [Listing(symbol=each.name, instrument=each) for each in instruments],
            observer=self.witness.updated,
        )
        self.pipes = {link: Pipe() for link in spec.links(instruments)}
        self.events: list[FeedEvent] = []
        for link, path in spec.links(instruments).items():
            self.server.connected(self.pipes[link], path)
            self.act(self.feed.opened(link, self.server.now))
        self.hand_on()

    def act(self, effects: list[Effect]) -> None:
        """Do as the feed asks, at once."""
        for effect in effects:
            if isinstance(effect, Send):
                self.server.received(self.pipes[effect.link], effect.text)
            elif isinstance(effect, Fetch):
                response = self.server.answer(effect, lag=0)
                self.act(self.feed.fetched(effect, response, self.server.now))
            elif isinstance(effect, FeedEvent):
                self.events.append(effect)

    def hear(self, link: str, text: str) -> None:
        """Hand one frame on."""
        self.act(self.feed.received(link, text, self.server.now))

    def hand_on(self) -> None:
        """Hand on all that was said, in order."""
        while any(pipe.said for pipe in self.pipes.values()):
            for link, pipe in self.pipes.items():
                if pipe.said:
                    self.hear(link, pipe.said.popleft())

    @property
    def behind(self) -> list[str]:
        """The books that are not believed, or not their venue's."""
        return [
            name
            for name, keeper in self.feed.keepers.items()
            if keeper.trust is not Trust.LIVE or keeper.sequence != self.server.books[name].last
        ]
