"""A daemon's desk in miniature: enough of one to carry orders out, and to store what comes of them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from tests.support.database import PATIENCE_S

from tidegauge.core.desk import Order, OrderKind, Outcome
from tidegauge.core.incident import (
    Incident,
    IncidentChange,
    IncidentEvent,
    IncidentState,
    Transition,
)
from tidegauge.sinks.batch import WriterLimits
from tidegauge.sinks.connect import Database
from tidegauge.sinks.holder import Holder
from tidegauge.sinks.incident_thread import IncidentLogThread
from tidegauge.sinks.leases import acquire, release
from tidegauge.sinks.orders import Orders
from tidegauge.sinks.rows import Record
from tidegauge.sinks.writer import PostgresWriter

KINDS = {
    OrderKind.ACKNOWLEDGE: (IncidentChange.ACKNOWLEDGED, IncidentState.ACKNOWLEDGED),
    OrderKind.COMMENT: (IncidentChange.COMMENTED, None),
    OrderKind.RESOLVE: (IncidentChange.RESOLVED, IncidentState.RESOLVED),
}


@dataclass
class Clerk:
    """Carries orders out as the desk does, by version, and keeps a list of what it was given."""

    folder: Path
    writer: PostgresWriter
    stores: bool = True
    incidents: dict[str, Incident] = field(default_factory=dict)
    given: list[Order] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.log = IncidentLogThread(self.folder, self.tell)

    def tell(self, record: Record) -> None:
        """Store a record; without `stores`, it is killed before it can."""
        if self.stores:
            self.writer.submit(record)

    def happen(self, transition: Transition) -> None:
        """Let something happen to an incident."""
        self.incidents[transition.incident.id] = transition.incident
        self.log.append(transition)

    async def handle(self, order: Order) -> Outcome:
        """Carry an order out, and answer once it is in the trail."""
        self.given.append(order)
        now = time.time_ns()
        if order.kind is OrderKind.SILENCE and order.silence is not None:
            self.tell(order.silence)
            return Outcome(order_id=order.id, at=now, done=True, said="silenced")
        if order.incident_id is None:
            return Outcome(order_id=order.id, at=now, done=True, said=f"{order.kind} done")
        incident = self.incidents.get(order.incident_id)
        if incident is None:
            return Outcome(order_id=order.id, at=now, done=False, said="there is no such incident")
        if order.version not in (None, incident.version):
            said = f"it has changed since: version {incident.version}"
            return Outcome(order_id=order.id, at=now, done=False, said=said)
        kind, state = KINDS[order.kind]
        after = replace(incident, version=incident.version + 1, updated_at=now)
        if state is not None:
            after = replace(after, state=state)
        if state is IncidentState.ACKNOWLEDGED:
            after = replace(
                after,
                acknowledged_at=now,
                acknowledged_by=order.actor,
                acknowledged_until=order.until,
            )
        if state is IncidentState.RESOLVED:
            after = replace(after, resolved_at=now, resolved_by=order.actor)
        event = IncidentEvent(
            incident_id=incident.id,
            number=after.version,
            at=now,
            kind=kind,
            actor=order.actor,
            comment=order.comment,
            from_state=incident.state,
            to_state=after.state,
            detail={"order": order.id},
        )
        self.happen(Transition(incident=after, event=event))
        await self.log.settled()
        return Outcome(order_id=order.id, at=now, done=True, said=f"{kind}", version=after.version)


@asynccontextmanager
async def at_work(
    database: Database, folder: Path, *symbols: str, run: str = "run-desk", poll_s: float = 1.0
) -> AsyncIterator[Clerk]:
    """Lend a clerk who holds the leases of some symbols and carries orders out meanwhile."""
    watched = symbols or ("BTCUSDT",)
    writer = PostgresWriter(database, WriterLimits(age_s=0.02, backoff_s=0.02), run)
    clerk = Clerk(folder, writer)
    restored = await clerk.log.open(time.time_ns(), watched)
    clerk.incidents = {each.id: each for each in restored}
    orders = Orders(
        database,
        symbols=lambda: watched,
        knows=clerk.incidents.__contains__,
        handle=clerk.handle,
        told=clerk.tell,
        now=time.time_ns,
        poll_s=poll_s,
    )
    async with database.session() as connection:
        holder = Holder.of_this_process(run)
        fences = await acquire(connection, watched, holder, lease=timedelta(hours=1))
    tasks = [asyncio.create_task(each) for each in (clerk.log.run(), writer.run(), orders.run())]
    try:
        yield clerk
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await clerk.log.close()
        await writer.drain(PATIENCE_S)
        async with database.session() as connection:
            await release(connection, fences)
