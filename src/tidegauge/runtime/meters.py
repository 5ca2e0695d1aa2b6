"""What a daemon counts of its own work, for those who watch the watcher."""

from collections import Counter
from collections.abc import Callable

from tidegauge.core.desk import Delivery

from .histogram import Histogram


class Meters:
    """Counted since the start.

    `feed_to_reading`: from the moment a frame was taken from its socket until the reading or glance
    that it gave was judged, by the monitor's clock; the wait in the venue's inbox is part of it. A
    frame whose reading was put off by a pace is not in it, but among the conflated. `loop_lag`: how
    much later than asked the event loop woke a task that slept.

    `batches` and `waiting` are asked when somebody looks.
    """

    def __init__(
        self, *, batches: Callable[[], int] = lambda: 0, waiting: Callable[[], int] = lambda: 0
    ) -> None:
        self.feed_to_reading = Histogram()
        self.loop_lag = Histogram()
        self._batches = batches
        self._waiting = waiting
        self._outcomes: Counter[str] = Counter()

    def delivered(self, delivery: Delivery) -> None:
        """Count what came of an attempt to tell a channel, or that a page was given up."""
        self._outcomes[f"{delivery.channel}/{delivery.arrival}"] += 1

    @property
    def notifications(self) -> dict[str, int]:
        """By `channel/outcome`: how often pages were sent, are tried again (retrying) or failed."""
        return dict(self._outcomes)

    @property
    def notifications_waiting(self) -> int:
        """How many pages wait for their channels, each channel's counted by itself."""
        return self._waiting()

    @property
    def batches(self) -> int:
        """How many batches of rows the database took."""
        return self._batches()
