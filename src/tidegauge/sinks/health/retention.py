"""Days of raw rows that are too old: which there are, and dropping them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

LOCK_PATIENCE_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """A partition that goes, or went. `rows_estimate` is PostgreSQL's own."""

    partition: str
    first: datetime
    until: datetime
    rows_estimate: int
    bytes: int


async def old_partitions(connection: Any, keep_days: int) -> list[Dropped]:
    """Return what lies wholly before the last `keep_days` days. Raises what asyncpg raises."""
    rows = await connection.fetch(
        "SELECT partition, first, until, rows_estimate, bytes FROM tidegauge.partitions"
        " WHERE until <= now() - make_interval(days => $1) ORDER BY first, table_name",
        keep_days,
    )
    return [Dropped(**row) for row in rows]


async def prune(connection: Any, keep_days: int) -> list[Dropped]:
    """Roll up what was not, drop what is too old, and return it. Raises what asyncpg raises."""
    old = {each.partition: each for each in await old_partitions(connection, keep_days)}
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_PATIENCE_S}s'")
        rows = await connection.fetch("SELECT * FROM tidegauge.prune($1)", keep_days)
    return [old[row["partition"]] for row in rows if row["partition"] in old]
