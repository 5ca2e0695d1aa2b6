"""One daemon a symbol and database: the table `leases`, and what may be done to it.

A lease is held by one process for some seconds and renewed before they are over. All times are the
database's own, so that no host's clock counts. Whoever takes it gets a number greater than that of
everybody before (`fence`); whoever renews or lets go names the number, so that a daemon that slept
through the end of its lease cannot touch its successor's. Rows are locked in the order of their
symbols, so that two daemons never wait for each other in a circle.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import Symbol

from .holder import Holder

LEASE = timedelta(seconds=15)
"""How long a lease lives without being renewed."""

Fences = Mapping[Symbol, int]
"""The number of each lease that is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A row of `tidegauge.leases`. `left_s`: seconds until it expires, negative when it has."""

    symbol: Symbol
    holder: Holder
    acquired_at: datetime
    renewed_at: datetime
    expires_at: datetime
    fence: int
    left_s: float

    @property
    def released(self) -> bool:
        """Whether its holder let go of it in order."""
        return self.expires_at <= self.renewed_at

    @property
    def alive(self) -> bool:
        """Whether it still keeps others out, as far as the database can know."""
        return self.left_s > 0

    @property
    def free(self) -> bool:
        """Whether anybody may take it: let go, expired, or held by a process that is dead."""
        return not self.alive or self.holder.is_dead


class LeaseRefused(OperatorError):
    """Another daemon holds some of the symbols. `held`: their leases, as they stood."""

    def __init__(self, held: Sequence[Lease]) -> None:
        self.held = tuple(held)
        what = f"another daemon of this database watches {named(held)} already: {told(held[0])}"
        super().__init__(what, fix=_way_out(held))


async def acquire(
    connection: Any,
    symbols: Collection[Symbol],
    holder: Holder,
    *,
    above: Fences | None = None,
    now: datetime | None = None,
    lease: timedelta = LEASE,
) -> dict[Symbol, int]:
    """Take the leases of all of `symbols`, or of none. Returns the fence of each.

    Free are those that nobody has, that expired, that are `holder`'s already, and those of a process
    of this host that is dead. `above`: fences to exceed. `now`: the time, for tests.
    Raises `LeaseRefused`.
    """
    wanted = sorted(set(symbols))
    known = above or {}
    floors = [known.get(symbol, 0) for symbol in wanted]
    async with connection.transaction(isolation="read_committed"):

        async def take(dead: Sequence[Lease]) -> dict[Symbol, int]:
            rows = await connection.fetch(
                TAKE,
                *(wanted, floors, holder.run, holder.host, holder.pid),
                *(holder.process_started_ns, now, lease),
                *([each.symbol for each in dead], [each.fence for each in dead]),
            )
            return {row["symbol"]: row["fence"] for row in rows}

        taken = await take(())
        if len(taken) < len(wanted):
            # They are locked by now, and stay as they are read.
            rest = [symbol for symbol in wanted if symbol not in taken]
            held = await leases(connection, rest, now=now)
            refusing = [each for each in held if not each.free]
            if refusing:
                raise LeaseRefused(refusing)
            taken |= await take(held)
        if len(taken) < len(wanted):
            raise AssertionError
        return taken


async def renew(
    connection: Any,
    held: Fences,
    *,
    now: datetime | None = None,
    lease: timedelta = LEASE,
) -> set[Symbol]:
    """Prolong what is held. Returns the symbols whose lease is no longer ours.

    One that expired and that nobody took is prolonged all the same.
    """
    rows = await connection.fetch(RENEW, list(held), list(held.values()), now, lease)
    return set(held) - {row["symbol"] for row in rows}


async def release(connection: Any, held: Fences, *, now: datetime | None = None) -> None:
    """Let go. The rows stay, so that fences never begin anew."""
    await connection.execute(RELEASE, list(held), list(held.values()), now)


async def leases(
    connection: Any,
    symbols: Collection[Symbol] | None = None,
    *,
    now: datetime | None = None,
) -> list[Lease]:
    """Return the leases of some symbols, or all there are, by symbol."""
    rows = await connection.fetch(READ, None if symbols is None else list(symbols), now)
    return [
        Lease(
            symbol=row["symbol"],
            holder=Holder(
                run=row["holder"],
                host=row["host"],
                pid=row["pid"],
                process_started_ns=row["process_started_ns"],
            ),
            acquired_at=row["acquired_at"],
            renewed_at=row["renewed_at"],
            expires_at=row["expires_at"],
            fence=row["fence"],
            left_s=row["left_s"],
        )
        for row in rows
    ]


def told(lease: Lease) -> str:
    """Return who holds a lease, and for how long still, as part of a sentence."""
    since = f"{lease.acquired_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    who = lease.holder
    return (
        f"process {who.pid} on {who.name}, run {who.run}, since {since}; "
        f"its lease lives for {max(lease.left_s, 0):.0f} s more unless renewed"
    )


def named(held: Sequence[Lease]) -> str:
    """Return the symbols of some leases, the first three by name."""
    shown = ", ".join(each.symbol for each in held[:3])
    return shown if len(held) <= 3 else f"{shown} and {len(held) - 3} more"  # noqa: PLR2004


def _way_out(held: Sequence[Lease]) -> str:
    wait_s = ceil(max(each.left_s for each in held))
    return (
        "Stop that daemon first, or choose other symbols or another database. Of one that is gone, "
        f"with its machine or its container, the lease ends by itself: try again in {wait_s} s"
    )


NOW = "coalesce($%d::timestamptz, clock_timestamp())"

SAME = (
    "(old.holder, old.host, old.pid, old.process_started_ns) = "
    "(EXCLUDED.holder, EXCLUDED.host, EXCLUDED.pid, EXCLUDED.process_started_ns)"
)
GOES_ON = f"{SAME} AND old.expires_at > {NOW % 7} AND old.fence >= EXCLUDED.fence"

TAKE = f"""
INSERT INTO tidegauge.leases AS old
       (symbol, holder, host, pid, process_started_ns, acquired_at, renewed_at, expires_at, fence)
SELECT w.symbol, $3, $4, $5, $6, {NOW % 7}, {NOW % 7}, {NOW % 7} + $8::interval, w.floor + 1
  FROM unnest($1::text[], $2::bigint[]) AS w (symbol, floor)
 ORDER BY w.symbol COLLATE "C"
    ON CONFLICT (symbol) DO UPDATE
   SET holder = EXCLUDED.holder, host = EXCLUDED.host, pid = EXCLUDED.pid,
       process_started_ns = EXCLUDED.process_started_ns,
       acquired_at = CASE WHEN {GOES_ON} THEN old.acquired_at ELSE EXCLUDED.acquired_at END,
       renewed_at = EXCLUDED.renewed_at, expires_at = EXCLUDED.expires_at,
       fence = CASE WHEN {GOES_ON} THEN old.fence ELSE greatest(old.fence + 1, EXCLUDED.fence) END
 WHERE old.expires_at <= {NOW % 7}
    OR {SAME}
    OR (old.symbol, old.fence) IN (SELECT * FROM unnest($9::text[], $10::bigint[]))
RETURNING symbol, fence
"""  # noqa: S608 - our own words

RENEW = f"""
WITH ours AS (
     SELECT l.symbol FROM tidegauge.leases AS l
       JOIN unnest($1::text[], $2::bigint[]) AS h (symbol, fence) USING (symbol, fence)
      ORDER BY l.symbol COLLATE "C" FOR UPDATE OF l)
UPDATE tidegauge.leases AS l
   SET renewed_at = {NOW % 3}, expires_at = greatest(l.expires_at, {NOW % 3} + $4::interval)
  FROM ours WHERE l.symbol = ours.symbol
RETURNING l.symbol
"""  # noqa: S608 - our own words

RELEASE = f"""
WITH ours AS (
     SELECT l.symbol FROM tidegauge.leases AS l
       JOIN unnest($1::text[], $2::bigint[]) AS h (symbol, fence) USING (symbol, fence)
      ORDER BY l.symbol COLLATE "C" FOR UPDATE OF l)
UPDATE tidegauge.leases AS l
   SET renewed_at = least(l.expires_at, t.at), expires_at = least(l.expires_at, t.at)
  FROM ours, (SELECT {NOW % 3} AS at OFFSET 0) AS t WHERE l.symbol = ours.symbol
"""  # noqa: S608 - our own words

READ = f"""
SELECT *, extract(epoch FROM expires_at - {NOW % 2})::float8 AS left_s
  FROM tidegauge.leases WHERE $1::text[] IS NULL OR symbol = ANY ($1)
 ORDER BY symbol COLLATE "C"
"""  # noqa: S608 - our own words
