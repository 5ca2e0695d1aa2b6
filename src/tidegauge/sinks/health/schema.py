"""Checks of the schema: its version, and whether all of it is there as the migrations left it."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from ..migrate import migrations
from .finding import Finding, fail, ok, warn
from .overview import days_of_partitions

EXPECTED = "expected.json"
"""What the migrations leave, by the part it belongs to; `scripts/expected_schema.py` writes it."""

DAYS_AHEAD = 2
"""Fewer partitions ahead are worth a look: daemons make seven."""

MOST_NAMED = 5

Contents = Mapping[str, Sequence[str]]
"""What belongs to the schema: of `table readings` its columns, of `functions` their arguments, ..."""


async def version(connection: Any) -> Finding:
    """Whether the schema is the one this program knows, made of the same migrations."""
    known = {each.version: each for each in migrations()}
    if await connection.fetchval("SELECT to_regclass('tidegauge.schema_migrations')") is None:
        return fail("schema", "there is no schema yet", "`tidegauge db up --once` makes it")
    rows = await connection.fetch(
        "SELECT version, name, checksum FROM tidegauge.schema_migrations ORDER BY version"
    )
    newest = max((row["version"] for row in rows), default=0)
    if newest > len(known):
        return fail(
            "schema",
            f"the database has schema version {newest}, and this Tidegauge knows {len(known)}",
            "Update Tidegauge on this machine",
        )
    edited = [row for row in rows if known[row["version"]].checksum != row["checksum"]]
    if edited:
        name = f"{edited[0]['version']:04}_{edited[0]['name']}"
        return fail(
            "schema",
            f"migration {name} of the database is not the one of this Tidegauge",
            "Install the version that made it, or restore the file",
        )
    missing = sorted(set(known) - {row["version"] for row in rows})
    if missing:
        return fail(
            "schema",
            f"the database has schema version {newest}, and this Tidegauge needs {len(known)}",
            "`tidegauge db up --once` brings it up to date, and so does every start of a daemon",
        )
    return ok("schema", f"version {newest}, each migration as it is here")


async def contents_as_expected(connection: Any) -> Finding:
    """Whether every table, column, view, index and function is there."""
    missing, different = compare(expected(), await contents(connection))
    wrong = [*(f"{name} is missing" for name in missing), *different]
    if wrong:
        more = f", and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
        return fail(
            "contents",
            f"the schema is not as the migrations left it: {', '.join(wrong[:MOST_NAMED])}{more}",
            "Restore what was dropped or altered by hand, from a backup or from sinks/migrations",
        )
    return ok("contents", "every table, column, view, index and function is there")


async def indexes(connection: Any) -> Finding:
    """Whether an index was left half made, or lacks its part on a partition."""
    broken = await connection.fetch(
        "SELECT indexrelid::regclass::text AS name FROM pg_index JOIN pg_class ON oid = indrelid"
        " WHERE relnamespace = to_regnamespace('tidegauge') AND NOT (indisvalid AND indisready)"
    )
    if broken:
        names = ", ".join(row["name"] for row in broken[:MOST_NAMED])
        return fail(
            "indexes",
            f"{len(broken)} indexes are not valid: {names}",
            f"REINDEX INDEX {broken[0]['name']};",
        )
    return ok("indexes", "all are valid")


async def partitions(connection: Any) -> Finding:
    """Whether today's rows, and tomorrow's, have a place."""
    days = await days_of_partitions(connection)
    fix = "`tidegauge db up --once` makes them, and so does every running daemon"
    if not days:
        return fail("partitions", "there are none: no reading can be written", fix)
    least = min(days, key=lambda each: each.ahead)
    said = f"{least.table} has {least.count} days, to {least.newest}"
    if least.ahead < 0:
        return fail("partitions", f"{said}: today's rows have no place", fix)
    if least.ahead < DAYS_AHEAD:
        return warn("partitions", f"{said}: {least.ahead} days ahead", fix)
    return ok("partitions", f"{said}: {least.ahead} days ahead")


def expected() -> Contents:
    """Return what the migrations of this version leave."""
    text = files(__package__).joinpath(EXPECTED).read_text(encoding="utf-8")
    found: Contents = json.loads(text)
    return found


async def contents(connection: Any) -> Contents:
    """Return what the schema holds. Daily partitions and their indexes come and go: not told."""
    rows = await connection.fetch(CONTENTS)
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row["part"], []).append(row["item"])
    return {part: sorted(items) for part, items in sorted(found.items())}


def compare(wanted: Contents, found: Contents) -> tuple[list[str], list[str]]:
    """Return the parts that are missing whole, and what differs in the others.

    What somebody added is theirs.
    """
    missing = [part for part in wanted if part not in found]
    different = [
        f"{item} of {part} is missing or altered"
        for part, items in wanted.items()
        if part in found
        for item in sorted(set(items) - set(found[part]))
    ]
    return missing, different


CONTENTS = """
SELECT CASE WHEN c.relkind = 'v' THEN 'view ' ELSE 'table ' END || c.relname AS part,
       a.attname || ' ' || format_type(a.atttypid, a.atttypmod) AS item
  FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid
 WHERE c.relnamespace = to_regnamespace('tidegauge') AND c.relkind IN ('r', 'p', 'v')
   AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
UNION ALL
SELECT 'indexes', i.relname FROM pg_class AS i
  JOIN pg_index AS x ON x.indexrelid = i.oid JOIN pg_class AS t ON t.oid = x.indrelid
 WHERE i.relnamespace = to_regnamespace('tidegauge') AND NOT t.relispartition
UNION ALL
SELECT 'functions', p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')'
  FROM pg_proc AS p WHERE p.pronamespace = to_regnamespace('tidegauge')
"""
