"""The daemon as a whole, as its window shows it."""

from collections.abc import Collection, Sequence
from typing import Protocol

from tidegauge import __version__
from tidegauge.core.instrument import Nanos, Symbol
from tidegauge.runtime.monitor import Monitor
from tidegauge.runtime.view import StorageView, VenueView
from tidegauge.runtime.watched_symbol import WatchedSymbol

from .across import ShownDaemon, ShownHistogram, ShownStorage
from .instants import instant, seconds
from .show_across import show_storage, show_symbol, show_venue
from .show_desk import show_desk, show_exposure
from .wire import Round, Terms


class Metered(Protocol):
    """What a daemon counts of its own work."""

    @property
    def feed_to_reading(self) -> ShownHistogram: ...
    @property
    def loop_lag(self) -> ShownHistogram: ...
    @property
    def notifications(self) -> dict[str, int]: ...
    @property
    def notifications_waiting(self) -> int: ...
    @property
    def batches(self) -> int: ...


class Unmetered:
    def __init__(self) -> None:
        self.feed_to_reading = ShownHistogram(bounds=(), counts=(), count=0, sum=0.0)
        self.loop_lag = self.feed_to_reading
        self.notifications: dict[str, int] = {}
        self.notifications_waiting = self.batches = 0


class Daemon(Protocol):
    """What the window looks at."""

    run_id: str
    started_at: Nanos
    crashes: int
    monitor: Monitor

    @property
    def watching(self) -> Collection[Symbol]: ...
    @property
    def meters(self) -> Metered: ...
    def now(self) -> Nanos: ...
    def clock_behind(self) -> Nanos: ...
    def venue_views(self) -> Sequence[VenueView]: ...
    def storage_view(self, now: Nanos) -> StorageView | None: ...


def round_of(daemon: Daemon, name: str) -> Round:
    """Return all that is shown beside the books."""
    now, monitor = daemon.now(), daemon.monitor
    crossing = monitor.crossing
    across = crossing.view(now)
    health = {each.name: each for each in across.venues}
    return Round(
        daemon=_daemon(daemon, name, now),
        symbols=tuple(show_symbol(each, name) for each in crossing.symbols.values()),
        venues=tuple(show_venue(each, health, name) for each in daemon.venue_views()),
        desk=show_desk(monitor.desk.view(now), monitor.alerts.values()),
        exposures=tuple(show_exposure(each) for each in across.exposures),
        terms={name: _terms(each) for name, each in crossing.symbols.items()},
    )


def _terms(watched: WatchedSymbol) -> Terms:
    stress, fees = watched.terms()
    return Terms(rates=dict(stress.rates), fees=dict(fees))


def _daemon(daemon: Daemon, name: str, now: Nanos) -> ShownDaemon:
    monitor, meters = daemon.monitor, daemon.meters
    return ShownDaemon(
        id=name,
        run=daemon.run_id,
        version=__version__,
        at=instant(now),
        started_at=instant(daemon.started_at),
        symbols=tuple(daemon.watching),
        readings=monitor.readings,
        conflated=monitor.conflated,
        crashes=daemon.crashes,
        clock_behind_s=seconds(daemon.clock_behind()),
        storage=_storage(daemon, now),
        notifications=meters.notifications,
        notifications_waiting=meters.notifications_waiting,
        feed_to_reading=meters.feed_to_reading,
        loop_lag=meters.loop_lag,
    )


def _storage(daemon: Daemon, now: Nanos) -> ShownStorage | None:
    view = daemon.storage_view(now)
    return None if view is None else show_storage(view, daemon.meters.batches)
