"""Days of raw rows that are too old: which there are. `upkeep.prune` drops them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class OldDay:
    """A partition that would go. `rows_estimate` is PostgreSQL's own."""

    partition: str
    first: datetime
    until: datetime
    rows_estimate: int
    bytes: int


async def old_days(connection: Any, keep_days: int) -> list[OldDay]:
    """Return what lies wholly before the last `keep_days` days. Raises what asyncpg raises."""
    rows = await connection.fetch(
        "SELECT partition, first, until, rows_estimate, bytes FROM tidegauge.partitions"
        " WHERE until <= now() - make_interval(days => $1) ORDER BY first, table_name",
        keep_days,
    )
    return [OldDay(**row) for row in rows]
