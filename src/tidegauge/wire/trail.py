"""Names what is told: numbers epochs and frames, so that everything can be traced to its frame."""

from collections.abc import Iterator, Mapping
from itertools import count

from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import Nanos, VenueName
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.reading import Origin
from tidegauge.core.trust import Trust, TrustReason

from .protocol import BOOK_LINK

LONGEST_DETAIL = 500


class Trail:
    """The epochs and frames of one feed. `numbers` are those of its link openings.

    Frames and REST answers are counted within the newest epoch of a link; venue/epoch/frame is the
    trace id of everything a frame causes.
    """

    def __init__(
        self, venue: VenueName, keepers: Mapping[str, BookKeeper], numbers: Iterator[int] | None
    ) -> None:
        self._venue = venue
        self._keepers = keepers
        self._numbers = count(1) if numbers is None else numbers
        self._epochs: dict[str, int] = {}
        self._frames: dict[str, int] = {}
        self._causes: dict[str, tuple[int, int]] = {}

    def opened(self, link: str) -> int:
        """Begin the next epoch of `link`; return its number."""
        self._epochs[link], self._frames[link] = next(self._numbers), 0
        return self._epochs[link]

    def came(self, link: str) -> None:
        """Count a frame of `link`."""
        self._frames[link] = self._frames.get(link, 0) + 1

    def changed(self, name: str, link: str) -> None:
        """The newest frame of `link` changed the book of `name`."""
        self._causes[name] = (self._epochs.get(link, 0), self._frames.get(link, 0))

    def trace(self, link: str = BOOK_LINK) -> str:
        """Return the trace id of the newest frame of `link`."""
        return f"{self._venue}/{self._epochs.get(link, 0)}/{self._frames.get(link, 0)}"

    def origin(self, keeper: BookKeeper, now: Nanos, latency: Nanos | None) -> Origin:
        """Describe a reading taken now; it is traced to the frame that last changed the book."""
        epoch, frame = self._causes.get(keeper.instrument.name, (0, 0))
        return Origin(
            venue=keeper.id.venue,
            symbol=keeper.id.symbol,
            instrument=keeper.instrument.name,
            epoch=epoch,
            frame=frame,
            sequence=keeper.sequence,
            received_at=now,
            venue_time=keeper.venue_time,
            feed_age=0 if keeper.updated_at is None else max(0, now - keeper.updated_at),
            latency=latency,
        )

    def event(
        self,
        kind: FeedEventKind,
        link: str,
        now: Nanos,
        name: str | None = None,
        *,
        trust: Trust | None = None,
        reason: TrustReason | None = None,
        detail: str = "",
    ) -> FeedEvent:
        """Record that something happened, caused by the newest frame of `link`."""
        keeper = self._keepers.get(name) if name is not None else None
        return FeedEvent(
            kind=kind,
            venue=self._venue,
            at=now,
            trace=self.trace(link),
            instrument=name,
            symbol=keeper.id.symbol if keeper is not None else None,
            trust=trust,
            reason=reason,
            detail=detail[:LONGEST_DETAIL],
        )
