"""The room around the desk of one run: its audit trail, its outbox, the orders that people place, and
what is kept for the next start. The desk itself is in the monitor, and pure.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import structlog

from tidegauge.core.alert import Alert
from tidegauge.core.desk import Delivery, Matcher, Order, Outcome, Page, Silence
from tidegauge.core.errors import OperatorError
from tidegauge.core.incident import Incident, IncidentEvent, Transition
from tidegauge.core.instrument import Nanos, Symbol
from tidegauge.risk.ruleset import Route, RuleSet
from tidegauge.sinks.chain_check import resend
from tidegauge.sinks.incident_log import read
from tidegauge.sinks.incident_thread import IncidentLogThread
from tidegauge.sinks.notify.notifier import Notifier
from tidegauge.sinks.orders import Orders
from tidegauge.sinks.state_store import StateStore

from .kept_state import FILE, KeptState
from .monitor import Monitor
from .notifying import notifying
from .settings import Settings
from .storage import Storage

KEEP_EVERY_S = 1.0

log = structlog.get_logger(__name__)


class DeskRoom:
    """`opened` before the monitor sees anything, `working` while it does."""

    def __init__(
        self,
        settings: Settings,
        monitor: Monitor,
        storage: Storage,
        kept: KeptState,
        *,
        run_id: str,
        now: Callable[[], Nanos],
        symbols: Callable[[], Collection[Symbol]],
        carry_out: Callable[[Order], Outcome],
        healthy: Callable[[], bool],
        told: Collection[Callable[[Delivery], None]],
    ) -> None:
        self._settings = settings
        self._monitor = monitor
        self._storage = storage
        self._kept = kept
        self._run_id = run_id
        self._now = now
        self._symbols = symbols
        self._carry_out = carry_out
        self._healthy = healthy
        self._told_of = told
        self._trail = IncidentLogThread(settings.data_dir, storage.submit)
        self._notifier: Notifier | None = None
        self._early: list[Page] = []
        """Pages of before the notifier works: what the last run was about to tell."""

    def take(self, record: object) -> None:
        """Take whatever the monitor tells; never blocks, never raises."""
        match record:
            case Alert():
                self._kept.changed(record)
            case Transition():
                self._trail.append(record)
                self._kept.stirred()
            case Page() if record.channels:
                if self._notifier is None:
                    self._early.append(record)
                else:
                    self._notifier.submit(record)
            case Silence():
                self._storage.submit(record)
                self._kept.stirred()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Go on where the last run of these symbols stopped."""
        async with AsyncExitStack() as stack:
            store = await asyncio.to_thread(StateStore, self._settings.data_dir / FILE)
            stack.push_async_callback(asyncio.to_thread, store.close)
            self._kept.open(store)
            incidents, events = await self._open_trail()
            stack.push_async_callback(self._trail.close)
            now = self._now()
            self._monitor.desk.restore(self._kept.desk(), incidents, now, events)
            self._monitor.crossing.resume()
            self._kept.used = self._kept.used or bool(incidents)
            yield
            self._kept.keep_all(self._monitor, self._now())

    async def _open_trail(self) -> tuple[list[Incident], list[IncidentEvent]]:
        """Open the audit trail and return what goes on. Raises `OperatorError`."""
        now = self._now()
        since = now - self._monitor.desk.rules.reopen_within
        try:
            incidents = await self._trail.open(now, self._symbols(), since)
            path = self._trail.path
            assert path is not None
            going_on = {incident.id for incident in incidents}

            def events() -> list[IncidentEvent]:
                told = (line.transition.event for line in read(path)) if going_on else ()
                return [event for event in told if event.incident_id in going_on]

            return incidents, await asyncio.to_thread(events)
        except OSError as error:
            folder = self._settings.data_dir
            raise OperatorError(
                f"The audit trail of incidents in {folder} cannot be opened: {error}",
                fix="Give this user the folder, or name another with --data-dir",
            ) from None

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Write the trail, tell people, carry out orders and keep what is learned meanwhile.

        At the end the trail is whole, and all that is to be stored of it was accepted.
        """
        orders = Orders(
            self._storage.database,
            self._symbols,
            self._knows,
            self._obey,
            self._storage.submit,
            begin=self._catch_up,
            now=self._now,
        )
        notifier = notifying(self._settings, self._run_id, healthy=self._healthy, told=self._told)
        async with notifier as self._notifier, asyncio.TaskGroup() as tasks:
            for page in self._early:
                self._notifier.submit(page)
            self._early.clear()
            work = [
                tasks.create_task(self._trail.run(), name="incidents"),
                tasks.create_task(orders.run(), name="orders"),
                tasks.create_task(self._keep(), name="keeping"),
            ]
            try:
                yield
            finally:
                for task in work:
                    task.cancel()
                await asyncio.gather(*work, return_exceptions=True)
                await self._trail.close()

    async def _catch_up(self, connection: Any) -> None:
        """Store what a crash left in the trail alone, and all of it in a database that is new to it."""
        path = self._trail.path
        if path is not None and (sent := await resend(connection, path, self._storage.submit)):
            log.info("incident_log_sent_again", lines=sent)

    def _told(self, delivery: Delivery) -> None:
        for tell in self._told_of:
            tell(delivery)
        self._storage.submit(delivery)

    @property
    def pages_waiting(self) -> int:
        """How many pages are still to be told, each channel's counted by itself."""
        return len(self._early) + (0 if self._notifier is None else self._notifier.waiting)

    def _knows(self, incident_id: str) -> bool:
        return incident_id in self._monitor.desk.incidents.by_id

    async def _obey(self, order: Order) -> Outcome:
        """Carry an order out; its transition is on the disk before anybody hears what came of it."""
        outcome = self._carry_out(order)
        await self._trail.settled()
        return outcome

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(KEEP_EVERY_S)
            self._kept.keep(self._monitor, self._now())


def routed(rules: RuleSet, settings: Settings) -> RuleSet:
    """Return the rules with a route for everybody where they name none: all channels there are."""
    channels = tuple(settings.notify.channels)
    if rules.desk.routes or not channels:
        return rules
    usual = Route(matcher=Matcher(), channels=channels)
    return replace(rules, desk=replace(rules.desk, routes=(usual,)))
