"""A venue's protocol and its local venue in one process: frames and answers pass without a wire."""

from collections.abc import Iterable, Sequence
from urllib.parse import parse_qsl, urlsplit

from tests.support.conversation import Conversation

from tidegauge.core.instrument import MILLISECOND, SECOND, Instrument, Nanos, Symbol
from tidegauge.simulator.dialect import Answer, Reply, Request, Say
from tidegauge.simulator.exchange import Stage
from tidegauge.simulator.venues import simulate
from tidegauge.wire.protocol import Drop, Fetch, Output, Send, VenueSpec

START: Nanos = 1_790_000_000 * SECOND
BEAT = 50 * MILLISECOND


class Rehearsal:
    """Drives both sides in beats of 50 ms. `conversation.said` is all that came of it."""

    def __init__(self, spec: VenueSpec, symbols: Sequence[Symbol] = ("BTCUSDT",)) -> None:
        self.spec = spec
        self.now = START
        stage = Stage(origin=START)
        self.venue, self.exchange = simulate(spec.name, symbols, stage=stage, seed=1)
        listed = {each.name: each for each in self.catalogue()}
        watched = [listed[name] for name in self.exchange.books]
        self.conversation = Conversation(spec, watched)
        self._links = [*self.conversation.links]
        self._ticked = self.now
        for number, (link, address) in enumerate(self.conversation.links.items()):
            parts = urlsplit(address)
            assert self.venue.admit(parts.path, self.now) is None
            query = dict(parse_qsl(parts.query))
            said = self.venue.connected(number, parts.path, query, self.now)
            self._do(self.conversation.open(link, self.now))
            self._hear(said)

    def catalogue(self) -> list[Instrument]:
        """What the venue lists, read as the program reads it."""
        found: list[Instrument] = []
        for fetch in self.spec.catalogue:
            answer = self.ask(fetch)
            assert answer.status == 200, answer
            found += self.spec.parse_catalogue(answer.body)
        return found

    def ask(self, fetch: Fetch) -> Answer:
        """Make a request."""
        return self.venue.rest(
            Request(
                method="GET" if fetch.body is None else "POST",
                path=fetch.path,
                query=dict(fetch.params),
                body=fetch.body or "",
            ),
            self.now,
        )

    def run(self, seconds: float) -> None:
        """Let time pass."""
        for _ in range(round(seconds * SECOND / BEAT)):
            self.now += BEAT
            self._hear(self.venue.advance(self.now))
            if self.now - self._ticked >= SECOND:
                self._ticked = self.now
                self._do(self.conversation.tick(self.now))

    def _hear(self, replies: Iterable[Reply]) -> None:
        for reply in replies:
            assert isinstance(reply, Say), f"{self.spec.name} hung up"
            link = self._links[reply.connection]
            self._do(self.conversation.receive(link, reply.text, self.now))

    def _do(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            assert not isinstance(output, Drop), output
            if isinstance(output, Send):
                number = self._links.index(output.link)
                self._hear(self.venue.received(number, output.text, self.now))
        waiting = [*self.conversation.fetches, *self.conversation.others]
        self.conversation.fetches.clear()
        self.conversation.others.clear()
        for fetch in waiting:
            answer = self.ask(fetch)
            told = self.conversation.answer_to(fetch, answer.body, self.now, status=answer.status)
            self._do(told)
