"""How the tables of the schema are made: columns, keys, days. Read from the database, not known by heart.

A table that a later migration adds is moved with the others, without a word here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from graphlib import TopologicalSorter
from typing import Any

from .rows import TABLES

LEFT_BEHIND = ("schema_migrations", "leases")
"""What belongs to a database, not to what is known of the market."""

NEWEST = {
    **{table.name: table.newest for table in TABLES},
    "minutes": "readings",
    "hours": "readings",
}
"""Of two rows with one key, the one with more of this is the newer. Others never change."""

NEEDED_FIRST = {
    "readings": ("series",),
    "alert_changes": ("alerts",),
    "incident_events": ("incidents",),
    "order_outcomes": ("desk_orders",),
}
"""What rows are told with, where no foreign key says so."""

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A table. `by`: the column of its days, None where it has no partitions.

    `numbered`: the column in which the database counts the rows as they come, if it does.
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    by: str | None
    newest: str | None
    numbered: str | None = None

    @property
    def compared(self) -> tuple[str, ...]:
        """The columns in which a row says something: its number says only when it came here."""
        return tuple(column for column in self.columns if column != self.numbered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What goes over in one transaction: a table, or a day of one."""

    shape: Shape
    first: datetime | None = None
    until: datetime | None = None

    @property
    def where(self) -> str:
        """The condition of its rows. Times are ours, so they may be written into a statement."""
        if self.first is None or self.until is None:
            return "true"
        by = quoted(self.shape.by or "")
        return f"t.{by} >= '{self.first.isoformat()}' AND t.{by} < '{self.until.isoformat()}'"

    def __str__(self) -> str:
        day = f" of {self.first.astimezone(UTC):%Y-%m-%d}" if self.first is not None else ""
        return f"{self.shape.name}{day}"


def quoted(name: str) -> str:
    """Return a name as an identifier."""
    return '"' + name.replace('"', '""') + '"'


async def shapes(connection: Any) -> list[Shape]:
    """Return the tables to move, those that others need before them."""
    found = {
        row["name"]: Shape(
            name=row["name"],
            columns=tuple(row["columns"]),
            key=tuple(row["key"]),
            by=row["by"],
            numbered=row["numbered"],
            newest=NEWEST.get(row["name"]),
        )
        for row in await connection.fetch(SHAPES, list(LEFT_BEHIND))
    }
    needs: dict[str, set[str]] = {name: set() for name in sorted(found)}
    for name, others in NEEDED_FIRST.items():
        needs.setdefault(name, set()).update(others)
    for row in await connection.fetch(REFERENCES):
        needs.setdefault(row["from"], set()).add(row["to"])
    return [found[name] for name in TopologicalSorter(needs).static_order() if name in found]


async def pieces(connection: Any, shape: Shape) -> list[Piece]:
    """Return the parts of a table, oldest first; days without a row are none."""
    if shape.by is None:
        return [Piece(shape=shape)]
    days: list[datetime] = []
    for row in await connection.fetch(PARTITIONS, shape.name):
        if row["until"] - row["first"] <= DAY:
            days.append(row["first"])
        else:  # of before there was a partition a day
            days += [
                each["day"] for each in await connection.fetch(days_of(shape, row["partition"]))
            ]
    return [Piece(shape=shape, first=day, until=day + DAY) for day in sorted(days)]


def days_of(shape: Shape, partition: str) -> str:
    """Return the statement that finds the days of one large partition."""
    by = quoted(shape.by or "")
    return (
        f"SELECT DISTINCT date_trunc('day', {by}, 'UTC') AS day "  # noqa: S608 - quoted names
        f"FROM tidegauge.{quoted(partition)} ORDER BY 1"
    )


def listed(columns: Sequence[str], prefix: str = "") -> str:
    """Return columns as a list of identifiers."""
    return ", ".join(f"{prefix}{quoted(column)}" for column in columns)


SHAPES = """
SELECT c.relname AS name,
       (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute AS a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns,
       (SELECT array_agg(a.attname::text ORDER BY k.place)
          FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
          JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = k.attnum) AS key,
       (SELECT a.attname::text FROM pg_attribute AS a
         WHERE a.attrelid = c.oid AND a.attidentity <> '') AS numbered,
       (SELECT a.attname::text FROM pg_partitioned_table AS p
          JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = p.partattrs[0]
         WHERE p.partrelid = c.oid) AS by
  FROM pg_class AS c JOIN pg_index AS x ON x.indrelid = c.oid AND x.indisprimary
 WHERE c.relnamespace = 'tidegauge'::regnamespace AND c.relkind IN ('r', 'p')
   AND NOT c.relispartition AND c.relname <> ALL ($1)
"""

REFERENCES = """
SELECT DISTINCT c.relname AS "from", f.relname AS "to"
  FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid JOIN pg_class AS f ON f.oid = k.confrelid
 WHERE k.contype = 'f' AND k.connamespace = 'tidegauge'::regnamespace AND c.oid <> f.oid
   AND NOT c.relispartition AND NOT f.relispartition
"""

PARTITIONS = """
SELECT partition, first, until FROM tidegauge.partitions WHERE table_name = $1 ORDER BY first
"""
