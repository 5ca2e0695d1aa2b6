"""A Prometheus collector that keeps nothing: it reads a picture whenever it is asked."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from tidegauge.runtime.window.picture import Picture

from . import daemons, feeds, judged
from .families import gauge, put
from .seen import Seen
from .text import text_of

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

PARTS = (
    daemons.daemons,
    daemons.latencies,
    daemons.storage,
    daemons.notifications,
    feeds.venues,
    feeds.books,
    feeds.readings,
    judged.symbols,
    judged.stress,
    judged.desk,
)


class PictureCollector(Collector):
    """Tells what `picture` shows at `now`."""

    def __init__(
        self,
        picture: Callable[[], Picture],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._picture = picture
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yield every family that has something to tell."""
        seen = Seen.of(self._picture(), self._now())
        alive = gauge("daemons", "Daemons that have shown themselves in the last 15 seconds.")
        put(alive, (), len(seen.names))
        age = gauge("picture_age_seconds", "How old is what the API has put together of daemons.")
        put(age, (), seen.age_s(seen.picture.at))
        yield from (alive, age)
        for part in PARTS:
            yield from (family for family in part(seen) if family.samples)


def exposition(picture: Picture, now: datetime) -> bytes:
    """Return what a picture shows at `now`, in Prometheus's text format."""
    return text_of(PictureCollector(lambda: picture, lambda: now).collect())
