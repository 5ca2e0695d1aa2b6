"""The real monitor over real sockets, with recorded files behind the servers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import Nanos, VenueName
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.reading import Reading
from tidegauge.runtime.app import App, Assignment
from tidegauge.runtime.local_venues import LocalVenues
from tidegauge.runtime.settings import Endpoint, ReadingSettings, Settings, SymbolSettings
from tidegauge.runtime.view import MonitorView
from tidegauge.simulator.recorded import RecordedVenue
from tidegauge.wire.feed import Observer

FEW_READINGS = ReadingSettings(
    bands_bps=(10,),
    notionals=(Decimal(100_000),),
    max_size_bps=(),
    imbalance_levels=5,
    conflate_after_s=86_400.0,  # a recording that is served at once is always behind
)
"""Readings are taken of every update; few figures each, where they are not what is tested."""

AT_ONCE_S = 1e-9
"""A cadence at which every reading is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a monitor saw of recorded venues, up to their last frame."""

    view: MonitorView
    keepers: Mapping[str, BookKeeper]
    events: list[FeedEvent]
    readings: list[Reading]

    def told(self, *kinds: FeedEventKind) -> list[FeedEvent]:
        """Return the events of these kinds, in order."""
        return [event for event in self.events if event.kind in kinds]


async def watch_recordings(
    dialects: Mapping[VenueName, RecordedVenue[Any]],
    *,
    observer: Observer | None = None,
    every_reading: bool = False,
    within_s: float = 240.0,
) -> Watched:
    """Serve recordings as fast as they are taken, and monitor them until each reached its end.

    Every instrument is monitored as a symbol of its own name; of its readings the monitor tells one
    a second, or with `every_reading` all. Raises `TimeoutError` when a book
    does not reach its last frame in time.
    """
    plan = FEW_READINGS
    if every_reading:
        plan = plan.model_copy(update={"write_every_s": AT_ONCE_S})
    seen = _Seen(dialects, observer)
    async with LocalVenues(venues=(), hosted=dialects) as local:
        names = {name for dialect in dialects.values() for name in dialect.reels}
        settings = Settings(
            venues=tuple(dialects),
            endpoints={
                venue: Endpoint(ws_url=at.ws_url, rest_url=at.rest_url)
                for venue, at in local.endpoints.items()
            },
            symbols={
                name: SymbolSettings(instruments=dict.fromkeys(dialects, name)) for name in names
            },
            readings=plan,
        )
        assignment = Assignment(
            symbols=tuple(sorted(names)), venues=tuple(dialects), store=False, command="test"
        )
        app = App(settings, assignment, observer=seen.observe, listener=seen.listen)
        async with app.opened(), asyncio.TaskGroup() as tasks:
            running = tasks.create_task(app.run())
            try:
                async with asyncio.timeout(within_s):
                    await seen.all_arrived.wait()
            finally:
                view = app.view()
                app.stop.set()
            await running
        assert app.crashes == 0
    return Watched(view=view, keepers=seen.keepers, events=seen.events, readings=seen.readings)


class _Seen:
    """Notes what a monitor tells, and when each recording has come to its end."""

    def __init__(
        self, dialects: Mapping[VenueName, RecordedVenue[Any]], observer: Observer | None
    ) -> None:
        self.keepers: dict[str, BookKeeper] = {}
        self.events: list[FeedEvent] = []
        self.readings: list[Reading] = []
        self.all_arrived = asyncio.Event()
        self._observer = observer
        self._ends = {
            (venue, name): reel.updates[-1].update
            for venue, dialect in dialects.items()
            for name, reel in dialect.reels.items()
        }

    def observe(self, keeper: BookKeeper, now: Nanos) -> None:
        key = (keeper.instrument.venue, keeper.instrument.name)
        self.keepers["/".join(key)] = keeper
        if self._observer is not None:
            self._observer(keeper, now)
        if self._ends.get(key) == keeper.sequence:
            del self._ends[key]
            if not self._ends:
                self.all_arrived.set()

    def listen(self, record: object) -> None:
        if isinstance(record, FeedEvent):
            self.events.append(record)
        elif isinstance(record, Reading):
            self.readings.append(record)
