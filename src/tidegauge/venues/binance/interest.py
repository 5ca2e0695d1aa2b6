"""Open interest, which Binance tells by REST only."""

from collections.abc import Callable, Iterable

import msgspec

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.events import Marks
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.wire.decode import FrameDecoder, Millis, nanos
from tidegauge.wire.protocol import Fetch, Note, Output, Response

EVERY = 30 * SECOND
LIMITED_FOR = 60.0
"""Seconds to ask for nothing after a 429 or 418 that does not say how long."""


class Interest(msgspec.Struct, rename="camel"):
    symbol: str
    open_interest: str
    time: Millis


_interest = FrameDecoder(Interest)


class InterestPoll:
    """Asks for one instrument after another, each once in `EVERY`."""

    def __init__(self, names: Iterable[str], request: Callable[[str], Fetch]) -> None:
        self._names = [*names]
        self._request = request
        self._next_at: Nanos = 0

    def begin(self, now: Nanos) -> None:
        """The books are watched again: not all of them at once."""
        self._next_at = max(self._next_at, now + self._pause())

    def strike(self, name: str) -> None:
        """The venue does not know this instrument."""
        if name in self._names:
            self._names.remove(name)

    def due(self, now: Nanos) -> list[Output]:
        """Return the requests to make now."""
        requests: list[Output] = []
        for name in self._names[:]:
            if now < self._next_at:
                break
            requests.append(self._request(name))
            self._names.append(self._names.pop(0))
            self._next_at += self._pause()
        # What was missed while nobody asked is not made up for.
        self._next_at = max(self._next_at, now)
        return requests

    def answered(self, name: str, response: Response, now: Nanos) -> list[Output]:
        """Read the answer, in the venue's size unit."""
        if response.status in (429, 418):
            told = response.retry_after
            span = int((LIMITED_FOR if told is None else told) * SECOND)
            self._next_at = max(self._next_at, now + span)
        if response.status != 200:  # noqa: PLR2004
            detail = f"HTTP {response.status}"
            return [Note(kind="open_interest_failed", instrument=name, detail=detail)]
        try:
            told_now = _interest(response.body)
        except MalformedFrame as error:
            return [error]
        interest = told_now.open_interest
        return [Marks(instrument=name, open_interest=interest, venue_time=nanos(told_now.time))]

    def _pause(self) -> Nanos:
        return EVERY // max(1, len(self._names))
