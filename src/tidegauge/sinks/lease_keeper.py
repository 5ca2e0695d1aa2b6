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

from .connect import Database, DatabaseAway, cause_of, close, is_passing
from .delivery import AWAY, shown
from .holder import Holder
from .leases import LEASE, Lease, LeaseRefused, acquire, release, renew, told

RENEW_EVERY_S = 5.0
RETRY_S = 1.0
DEADLINE_S = 3.0
"""For one step, connecting included: two renewals may hang, and a third still comes in time."""

RELEASE_S = 0.8
"""For the last step, when somebody waits for us to end."""

LOCK_SHARE, STATEMENT_SHARE = 0.8, 0.9
"""Of the deadline: the server gives up by itself, or a backend that waits for a lock outlives us."""

log = structlog.get_logger()


class LeaseKeeper:
    """`start` takes the leases of all symbols or none; `run` keeps them in a task of the caller's;
    `release` lets go. `lost` is set when another daemon took one; `lost_to` says who.

    What is *wanted* is what we were given and what was added and not dropped since; what is *held*
    follows it as the database allows.
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
        self._wanted = set(symbols)
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
    def missing(self) -> set[Symbol]:
        """What is wanted and not held: the database has been away since it was asked for."""
        return self._wanted - self._held.keys()

    @property
    def certain_s(self) -> float:
        """For how many seconds still nobody else can hold them, by our clock; negative: since when."""
        return self._certain_until - self._clock()

    async def start(self) -> None:
        """Take the leases of all symbols, or of none.

        Raises `LeaseRefused` when another daemon has one, `DatabaseAway` when the database is away
        (`run` then goes on trying), `OperatorError` when it lets us not.
        """
        await self._take(lambda: set(self._wanted))

    async def add(self, symbols: Collection[Symbol]) -> None:
        """Want more symbols: take the leases of all or none, or later if the database is away.

        Raises `LeaseRefused` and `OperatorError` as `start` does; then none of them is wanted.
        """
        more = set(symbols) - self._wanted
        if not more:
            return
        try:
            await self._take(lambda: more)
        except DatabaseAway as away:
            log.warning("leases_later", symbols=sorted(more), error=away.what)
            self._wanted |= more

    async def _take(self, asked: Callable[[], set[Symbol]]) -> None:
        """Take what `asked` says once it is our turn, and want it."""
        began = self._clock()
        try:
            async with self._connected() as connection:
                symbols = asked()
                taken = await acquire(connection, symbols, self.holder, lease=self._lease)
                if not self._held:
                    self._certain_until = began + self._lease.total_seconds()
                self._held |= taken
                self._wanted |= symbols
        except AWAY as error:
            kind = DatabaseAway if is_passing(error) else OperatorError
            raise kind(
                f"no lease can be had from {self._database.describe}: {shown(error)}",
                fix="`tidegauge db check` says what is wrong with it",
            ) from None
        log.debug("leases_taken", symbols=sorted(taken), run=self.holder.run)

    async def drop(self, symbols: Collection[Symbol]) -> None:
        """Want some symbols no more, and let go of their leases.

        Those of a database that is away end by themselves.
        """
        self._wanted -= set(symbols)
        await self._let_go(DEADLINE_S)

    async def run(self) -> None:
        """Renew and take until cancelled, or until a lease is lost: then `lost` is set, and it
        returns. It begins with nothing as well, and goes on trying.
        """
        failures = 0
        while not self.lost.is_set():
            await asyncio.sleep(RETRY_S if failures or self.missing else self._renew_every_s)
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
        """Renew once, and take what is missing. What somebody took is lost, or never was ours.

        Raises what asyncpg raises when the database is away.
        """
        async with self._connected() as connection:
            held = self.held
            gone = await renew(connection, held, lease=self._lease) if held else set()
            asked = (gone & self._wanted) | self.missing
            if not asked:
                return
            try:
                above = {name: held.get(name, 0) for name in asked}
                taken = await acquire(
                    connection, asked, self.holder, above=above, lease=self._lease
                )
            except LeaseRefused as refusal:
                self._lose(refusal.held)
                return
            self._held |= taken
        # Nobody had them: we were without the database, the table was emptied, or who took them
        # is gone already. What was dropped meanwhile goes.
        log.warning("leases_taken_again", symbols=sorted(taken))
        await self._let_go(DEADLINE_S)

    async def release(self) -> None:
        """Let go of everything, and of the connection, within `RELEASE_S`.

        Never raises for a database that is away.
        """
        self._wanted.clear()
        ends_at = self._clock() + RELEASE_S
        await self._let_go(RELEASE_S)
        connection, self._connection = self._connection, None
        if connection is not None:
            left_s = max(0.1, ends_at - self._clock())
            cut = asyncio.get_running_loop().call_later(left_s, connection.terminate)
            await close(connection)
            cut.cancel()

    async def _let_go(self, deadline_s: float) -> None:
        """Release what is held and not wanted; what cannot be released is left to expire."""
        if not (self._using.locked() or self._held.keys() - self._wanted):
            return
        going: dict[Symbol, int] = {}
        try:
            async with self._connected(deadline_s) as connection:
                going |= self._forget_unwanted()
                if going:
                    await release(connection, going)
        except AWAY as error:
            going |= self._forget_unwanted()
            log.warning("lease_left_to_expire", symbols=sorted(going), error=shown(error))

    def _forget_unwanted(self) -> dict[Symbol, int]:
        return {name: self._held.pop(name) for name in self.held if name not in self._wanted}

    def _lose(self, to: Sequence[Lease]) -> None:
        for each in to:
            self._held.pop(each.symbol, None)
            self._wanted.discard(each.symbol)
            log.error("lease_lost", symbol=each.symbol, to=told(each))
        self.lost_to = tuple(to)
        self.lost.set()

    @asynccontextmanager
    async def _connected(self, deadline_s: float | None = None) -> AsyncIterator[Any]:
        """Lend the connection, to one at a time. After any failure it is cut, never reused.

        The deadline cuts it too: a cancelled asyncpg call would ask a server that hangs to cancel.
        """
        given_s = DEADLINE_S if deadline_s is None else deadline_s
        async with self._using:
            ends_at = self._clock() + given_s
            fresh = self._connection is None or self._connection.is_closed()
            if fresh:
                self._connection = await self._database.connect(given_s)
            connection = self._connection
            left_s = max(0.1, ends_at - self._clock())
            cut = asyncio.get_running_loop().call_later(left_s, connection.terminate)
            whole = False
            try:
                if fresh:
                    await connection.execute(_patience())
                yield connection
                whole = True
            except OperatorError:
                whole = True
                raise
            except AWAY as error:
                if cut.when() <= asyncio.get_running_loop().time():
                    raise TimeoutError(f"no answer within {given_s:g} s") from None
                raise cause_of(error) from None
            finally:
                cut.cancel()
                if not whole:
                    self._connection = None
                    with suppress(*AWAY):
                        connection.terminate()


def _patience() -> str:
    """Return the statements that make the server give up before we do."""
    lock_ms, statement_ms = (
        int(1000 * DEADLINE_S * share) for share in (LOCK_SHARE, STATEMENT_SHARE)
    )
    return f"SET lock_timeout = {lock_ms}; SET statement_timeout = {statement_ms}"
