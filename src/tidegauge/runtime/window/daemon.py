"""The daemon as a whole, as its window shows it."""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Protocol

from tidegauge import __version__
from tidegauge.core.instrument import Nanos, Symbol
from tidegauge.runtime.meters import Meters
from tidegauge.runtime.monitor import Monitor
from tidegauge.runtime.view import StorageView, VenueView
from tidegauge.runtime.watched_symbol import WatchedSymbol

from .across import ShownDaemon, ShownStorage
from .instants import instant, seconds
from .show_across import show_storage, show_symbol, show_venue
from .show_desk import show_alerts, show_desk, show_exposure
from .wire import Alerts, Round, Symbols, Terms

ALERTS = 50
"""Of a line: in a storm there are thousands, and a line is made at once."""


class Daemon(Protocol):
    """What the window looks at."""

    run_id: str
    started_at: Nanos
    crashes: int
    monitor: Monitor
    meters: Meters

    @property
    def watching(self) -> Collection[Symbol]: ...
    def now(self) -> Nanos: ...
    def clock_behind(self) -> Nanos: ...
    def venue_views(self) -> Sequence[VenueView]: ...
    def storage_view(self, now: Nanos) -> StorageView | None: ...


def round_of(daemon: Daemon, name: str) -> Round:
    """Return all that is shown beside the books, symbols and alerts."""
    now, monitor = daemon.now(), daemon.monitor
    crossing = monitor.crossing
    health = {each.name: each for each in crossing.health()}
    return Round(
        daemon=_daemon(daemon, name, now),
        venues=tuple(show_venue(each, health, name) for each in daemon.venue_views()),
        desk=show_desk(monitor.desk.view(now)),
        exposures=tuple(show_exposure(each) for each in crossing.caps.status(now)),
    )


def symbol_of(watched: WatchedSymbol, name: str) -> Symbols:
    """Return what is shown of one symbol."""
    stress, fees = watched.terms()
    terms = Terms(rates=dict(stress.rates), fees=dict(fees))
    return Symbols(symbols=(show_symbol(watched, name),), terms={watched.symbol: terms})


def alerts_of(daemon: Daemon) -> Iterator[Alerts]:
    """Yield what is shown of alerts, a line's worth at a time."""
    monitor = daemon.monitor
    shown = show_alerts(monitor.desk.view(daemon.now()), [*monitor.alerts.values()])
    while some := tuple(islice(shown, ALERTS)):
        yield Alerts(alerts=some)


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
        feed_to_reading=meters.feed_to_reading.snapshot(),
        loop_lag=meters.loop_lag.snapshot(),
    )


def _storage(daemon: Daemon, now: Nanos) -> ShownStorage | None:
    view = daemon.storage_view(now)
    return None if view is None else show_storage(view, daemon.meters.batches)
