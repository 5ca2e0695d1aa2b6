"""Keeps the leases of this daemon's symbols, however often the database goes away."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import structlog

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import Symbol

from .connect import Database, close
from .delivery import AWAY, shown
from .holder import Holder
from .leases import LEASE, Lease, LeaseRefused, acquire, leases, release, renew, told

RENEW_EVERY_S = 5.0
RETRY_S = 1.0
DEADLINE_S = 3.0
"""For one step, connecting included: two renewals may hang, and a third still comes in time."""

log = structlog.get_logger()


class LeaseKeeper:
    """`start` takes the leases of all symbols or none; `run` renews them in a task of the caller's;
    `release` lets go. `lost` is set when another daemon took one; `lost_to` says who.
    """

    def __init__(
        self,
        database: Database,
        symbols: Collection[Symbol],
        holder: Holder,
        *,
        lease: timedelta = LEASE,
        renew_every_s: float = RENEW_EVERY_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.holder = holder
        self.lost = asyncio.Event()
        self.lost_to: tuple[Lease, ...] = ()
        self._database = database
        self._first = tuple(symbols)
        self._lease = lease
        self._renew_every_s = renew_every_s
        self._clock = clock
        self._held: dict[Symbol, int] = {}
        self._certain_until = clock()
        self._connection: Any = None
        self._using = asyncio.Lock()

    @property
    def held(self) -> dict[Symbol, int]:
        """The fence of each lease that was ours when the database last said so."""
        return dict(self._held)

    @property
    def certain_s(self) -> float:
        """For how many seconds still nobody else can hold them, by our clock; negative: since when."""
        return self._certain_until - self._clock()

    async def start(self) -> None:
        """Take the leases of all symbols, or of none.

        Raises `LeaseRefused` when another daemon has one, `OperatorError` when the database is away.
        """
        await self.add(self._first)

    async def add(self, symbols: Collection[Symbol]) -> None:
        """Take more leases, all or none. Raises as `start` does."""
        began = self._clock()
        try:
            async with self._connected() as connection:
                taken = await acquire(connection, symbols, self.holder, lease=self._lease)
        except AWAY as error:
            raise OperatorError(
                f"no lease can be had from {self._database.describe}: {shown(error)}",
                fix="`tidegauge db check` says what is wrong with it",
            ) from None
        if not self._held:
            self._certain_until = began + self._lease.total_seconds()
        self._held |= taken
        log.debug("leases_taken", symbols=sorted(taken), run=self.holder.run)

    async def drop(self, symbols: Collection[Symbol]) -> None:
        """Let go of some leases; those of a database that is away end by themselves."""
        going = {name: self._held.pop(name) for name in symbols if name in self._held}
        if not going:
            return
        try:
            async with self._connected() as connection:
                await release(connection, going)
        except AWAY as error:
            log.warning("lease_left_to_expire", symbols=sorted(going), error=shown(error))

    async def run(self) -> None:
        """Renew until cancelled, or until a lease is lost: then `lost` is set, and it returns."""
        failures = 0
        while not self.lost.is_set():
            await asyncio.sleep(RETRY_S if failures else self._renew_every_s)
            began = self._clock()
            try:
                await self.renew()
            except AWAY as error:
                failures += 1
                if failures == 1:
                    log.warning("lease_not_renewed", error=shown(error))
                continue
            if failures:
                log.warning("lease_renewed_again", attempts=failures + 1)
            failures = 0
            self._certain_until = began + self._lease.total_seconds()

    async def renew(self) -> None:
        """Renew once. What somebody deleted is taken again, what somebody took is lost.

        Raises what asyncpg raises when the database is away.
        """
        async with self._connected() as connection:
            held = self.held
            gone = await renew(connection, held, lease=self._lease)
            if not gone:
                return
            try:
                above = {name: held[name] for name in gone}
                again = await acquire(connection, gone, self.holder, above=above, lease=self._lease)
            except LeaseRefused as refusal:
                self._lose(refusal.held)
                return
            taken = await leases(connection, gone)
        # Nobody has them: the table was emptied, or who took them is gone already.
        self._held |= {name: fence for name, fence in again.items() if name in self._held}
        log.warning("leases_taken_again", symbols=[each.symbol for each in taken])

    async def release(self) -> None:
        """Let go of everything, and of the connection. Never raises for a database that is away."""
        await self.drop(list(self._held))
        connection, self._connection = self._connection, None
        if connection is not None:
            await close(connection)

    def _lose(self, to: Sequence[Lease]) -> None:
        for each in to:
            self._held.pop(each.symbol, None)
            log.error("lease_lost", symbol=each.symbol, to=told(each))
        self.lost_to = tuple(to)
        self.lost.set()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Any]:
        """Lend the connection, to one at a time. After any failure it is cut, never reused.

        The deadline cuts it too: a cancelled asyncpg call would ask a server that hangs to cancel.
        """
        async with self._using:
            began = self._clock()
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._database.connect(DEADLINE_S)
            connection = self._connection
            left_s = max(0.1, DEADLINE_S - (self._clock() - began))
            cut = asyncio.get_running_loop().call_later(left_s, connection.terminate)
            whole = False
            try:
                yield connection
                whole = True
            except OperatorError:
                whole = True
                raise
            finally:
                cut.cancel()
                if not whole:
                    self._connection = None
                    with suppress(*AWAY):
                        connection.terminate()
