"""Orders of people: placed in the database by whoever runs a command, carried out by a daemon.

`place` is one transaction that holds the incident's row: what was decided on an incident that has
changed since, or that somebody else is about to change, is refused. `Orders` is the daemon's side: it
is woken by the database, looks once a second besides, and hands each order on once. What came of it
goes the way of all records, through the spool, behind the transition that it caused; so whoever sees
the outcome sees the incident as it is after it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import structlog

from tidegauge.core.alert import ALL
from tidegauge.core.desk import Order, OrderKind, Outcome, Silence
from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import Nanos, Symbol

from .connect import Database, cause_of, close
from .delivery import AWAY, patience, shown
from .leases import leases
from .table import instant, instant_or_none, nanos

CHANNEL = "tidegauge_orders"
POLL_S = 1.0
RETRY_S = 1.0
DEADLINE_S = 3.0
LOOK_EVERY_S = 0.05

ON_INCIDENTS = frozenset({OrderKind.ACKNOWLEDGE, OrderKind.RESOLVE, OrderKind.REBASE})
"""What changes an incident, and cannot be done to one that is over."""

log = structlog.get_logger()


class OrderRefused(OperatorError):
    """An order that was not placed."""


class OrderStale(OrderRefused):
    """It was decided on a version of the incident that is not the newest any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """An order that was placed. `waits`: why nobody carries it out now, for people; None: somebody may."""

    id: str
    waits: str | None = None


async def place(connection: Any, order: Order) -> Placed:
    """Place an order, all of it or nothing. Raises `OrderRefused`, and what asyncpg raises."""
    async with connection.transaction(isolation="read_committed"):
        symbol, until = None, order.until
        if order.incident_id is not None:
            symbol = await _compare(connection, order)
        elif order.silence_id is not None:
            until = await _end_of(connection, order.silence_id)
        elif order.silence is not None:
            until = order.silence.ends_at
        await connection.execute(INSERT, *_row(order, symbol, until))
        await connection.execute(f"NOTIFY {CHANNEL}")
    return Placed(id=order.id, waits=await _nobody_for(connection, symbol))


async def outcome_of(connection: Any, order_id: str, patience_s: float) -> Outcome | None:
    """Wait for what comes of an order. None: nothing has within `patience_s`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(patience_s):
            while True:
                row = await connection.fetchrow(OUTCOME, UUID(order_id))
                if row is not None:
                    return Outcome(
                        order_id=order_id,
                        at=nanos(row["at"]),
                        done=row["done"],
                        said=row["said"],
                        version=row["version"],
                    )
                await asyncio.sleep(LOOK_EVERY_S)
    return None


class Orders:
    """The orders for one daemon: `run` in a task of the caller's.

    `symbols` are those it watches now, `knows` says of an incident whether it has it. `handle` carries
    an order out; `told` is given the outcome, for the database. `begin` is called once, as soon as the
    database is there.
    """

    def __init__(
        self,
        database: Database,
        symbols: Callable[[], Collection[Symbol]],
        knows: Callable[[str], bool],
        handle: Callable[[Order], Awaitable[Outcome]],
        told: Callable[[Outcome], None],
        *,
        begin: Callable[[Any], Awaitable[None]] | None = None,
        now: Callable[[], Nanos],
        poll_s: float = POLL_S,
    ) -> None:
        self.away = False
        self._database = database
        self._symbols = symbols
        self._knows = knows
        self._handle = handle
        self._told = told
        self._begin = begin
        self._now = now
        self._poll_s = poll_s
        self._handled: set[UUID] = set()
        self._stirred = asyncio.Event()

    async def run(self) -> None:
        """Carry orders out until cancelled, however often the database goes away."""
        while True:
            try:
                await self._attend()
            except (*AWAY, OperatorError) as error:
                if not self.away:
                    log.warning("orders_not_read", error=shown(error))
                self.away = True
            await asyncio.sleep(RETRY_S)

    async def _attend(self) -> None:
        """Listen on one connection until it breaks. Raises one of `AWAY`."""
        connection = await self._database.connect(DEADLINE_S)
        try:
            async with _within(connection):
                await connection.execute(patience(DEADLINE_S))
                await connection.add_listener(CHANNEL, lambda *_said: self._stirred.set())
            if self._begin is not None:
                await self._begin(connection)
                self._begin = None
            while True:
                self._stirred.clear()
                await self._look(connection)
                if self.away:
                    log.warning("orders_read_again")
                    self.away = False
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_s):
                        await self._stirred.wait()
        except asyncio.CancelledError:
            connection.terminate()  # it is the end: a server that hangs would cost it a second
            raise
        finally:
            await close(connection)

    async def _look(self, connection: Any) -> None:
        async with _within(connection):
            rows = await connection.fetch(WAITING, list(self._symbols()), instant(self._now()))
        # Those that are not told of any more have their outcome in the database, or are over.
        self._handled &= {row["id"] for row in rows}
        for row in rows:
            if row["id"] in self._handled:
                continue
            if row["symbol"] == ALL and not self._knows(row["incident_id"]):
                continue
            self._handled.add(row["id"])
            self._told(await self._carry_out(row))

    async def _carry_out(self, row: Any) -> Outcome:
        name = str(row["id"])
        try:
            order = order_of(row)
        except (ValueError, msgspec.DecodeError) as error:
            log.error("order_not_known", order=name, kind=row["kind"], error=str(error))  # noqa: TRY400
            said = f"the daemon does not know how to {row['kind']}: it is of another version"
            return Outcome(order_id=name, at=self._now(), done=False, said=said)
        try:
            outcome = await self._handle(order)
        except Exception as crash:
            log.exception("order_crashed", order=name, kind=row["kind"], exc_info=crash)
            said = "the daemon failed at it, which is a bug in Tidegauge: its log says where"
            return Outcome(order_id=name, at=self._now(), done=False, said=said)
        log.info(
            "order_carried_out" if outcome.done else "order_refused",
            order=name,
            kind=str(order.kind),
            actor=order.actor,
            said=outcome.said,
        )
        return outcome


def order_of(row: Any) -> Order:
    """Return the order of a row. Raises `ValueError`, `msgspec.DecodeError` for one of another version."""
    silence = row["silence"]
    return Order(
        id=str(row["id"]),
        kind=OrderKind(row["kind"]),
        at=nanos(row["at"]),
        actor=row["actor"],
        comment=row["comment"],
        incident_id=row["incident_id"],
        version=row["version"],
        until=None if row["until"] is None else nanos(row["until"]),
        silence=None if silence is None else msgspec.json.decode(silence, type=Silence),
        silence_id=row["silence_id"],
        asset=row["asset"],
        amount=None if row["amount"] is None else f"{row['amount']:f}",
    )


def _row(order: Order, symbol: Symbol | None, until: Nanos | None) -> Sequence[Any]:
    silence = order.silence
    return (
        *(UUID(order.id), order.kind, instant(order.at), order.actor, order.comment, symbol),
        *(order.incident_id, order.version, instant_or_none(until)),
        None if silence is None else msgspec.json.encode(silence).decode(),
        *(order.silence_id, order.asset),
        None if order.amount is None else Decimal(order.amount),
    )


async def _compare(connection: Any, order: Order) -> Symbol:
    """Lock the incident of an order and return its symbol. Raises `OrderRefused`."""
    name = order.incident_id
    row = await connection.fetchrow(INCIDENT, name)
    if row is None:
        raise OrderRefused(
            f"there is no incident {name}", fix="`tidegauge incidents list` says which there are"
        )
    if order.kind in ON_INCIDENTS and row["state"] == "resolved":
        raise OrderRefused(
            f"{name} is over: {row['resolved_by'] or 'somebody'} resolved it at"
            f" {_told(row['resolved_at'])}",
            fix="`tidegauge incidents list --open` says which are not",
        )
    if order.version is not None and order.version != row["version"]:
        raise OrderStale(
            f"{name} has changed since: it has version {row['version']}, not {order.version};"
            f" {standing(row)}",
            fix=f"Look at it again: `tidegauge incidents show {name}`",
        )
    if order.kind in ON_INCIDENTS:
        rival = await connection.fetchrow(RIVAL, name, [str(kind) for kind in ON_INCIDENTS])
        if rival is not None:
            raise OrderRefused(
                f"{rival['actor']} was quicker: their order to {rival['kind']} {name}"
                f" (at {_told(rival['at'])}) is not carried out yet",
                fix=f"See what comes of it: `tidegauge incidents show {name}`",
            )
    symbol: Symbol = row["symbol"]
    return symbol


def standing(row: Any) -> str:
    """Say how an incident stands, from a row of it."""
    if row["state"] == "resolved":
        return f"{row['resolved_by'] or 'somebody'} resolved it at {_told(row['resolved_at'])}"
    if row["state"] == "acknowledged" and row["acknowledged_by"] is not None:
        until = row["acknowledged_until"]
        return f"{row['acknowledged_by']} has it" + (f" until {_told(until)}" if until else "")
    return f"it is {row['state']}"


async def _end_of(connection: Any, silence_id: str) -> Nanos:
    """Return when a silence ends by itself. Raises `OrderRefused` for one that is not in force."""
    row = await connection.fetchrow(SILENCE, silence_id)
    if row is None:
        raise OrderRefused(
            f"there is no silence {silence_id}", fix="`tidegauge silence list` says which there are"
        )
    if row["over"]:
        raise OrderRefused(
            f"silence {silence_id} is over since {_told(row['ends_at'])}",
            fix="`tidegauge silence list` says which are not",
        )
    return nanos(row["ends_at"])


async def _nobody_for(connection: Any, symbol: Symbol | None) -> str | None:
    """Say that no daemon is there to carry an order out; None: one is."""
    everybody = symbol is None or symbol == ALL
    found = await leases(connection, None if everybody else [str(symbol)])
    if any(not each.free for each in found):
        return None
    if everybody:
        return "no daemon runs on this database now: it waits until one does"
    return f"no daemon watches {symbol} now: it waits until one does"


def _told(at: datetime | None) -> str:
    return "an unknown time" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


@asynccontextmanager
async def _within(connection: Any) -> AsyncIterator[None]:
    """Cut the connection when the block takes too long: a server that hangs hears no goodbye."""
    cut = asyncio.get_running_loop().call_later(DEADLINE_S, connection.terminate)
    try:
        yield
    except AWAY as error:
        if cut.when() <= asyncio.get_running_loop().time():
            raise TimeoutError(f"no answer within {DEADLINE_S:g} s") from None
        raise cause_of(error) from None
    finally:
        cut.cancel()


INSERT = """
INSERT INTO tidegauge.desk_orders
       (id, kind, at, actor, comment, symbol, incident_id, version, until, silence, silence_id, asset, amount)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""

INCIDENT = """
SELECT symbol, state, version, acknowledged_by, acknowledged_until, resolved_at, resolved_by
  FROM tidegauge.incidents WHERE id = $1 FOR UPDATE
"""

RIVAL = """
SELECT actor, kind, at FROM tidegauge.v_orders
 WHERE incident_id = $1 AND kind = ANY ($2) AND outcome = 'waiting' ORDER BY at LIMIT 1
"""

SILENCE = """
SELECT ends_at, ends_at <= now() AS over FROM tidegauge.silences WHERE id = $1
UNION ALL
SELECT until, until <= now() FROM tidegauge.v_orders
 WHERE id::text = $1 AND kind = 'silence' AND outcome <> 'refused'
 LIMIT 1
"""

OUTCOME = "SELECT at, done, said, version FROM tidegauge.order_outcomes WHERE order_id = $1"

WAITING = """
SELECT o.* FROM tidegauge.desk_orders AS o
 WHERE (o.symbol IS NULL AND o.until > $2)
    OR ((o.symbol = ANY ($1) OR o.symbol = '*')
        AND NOT EXISTS (SELECT FROM tidegauge.order_outcomes AS c WHERE c.order_id = o.id))
 ORDER BY o.at, o.id
"""
