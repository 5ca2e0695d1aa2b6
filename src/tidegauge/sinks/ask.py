"""Asking a question of the database: by name, with values as text, answered in typed columns.

    async with database.session() as connection:
        answer = await ask(connection, "around-alert", {"symbol": "BTCUSDT", "from": ..., "to": ...})

Values travel beside the statement, never inside it. The transaction is read-only, in UTC, and ends
at a deadline.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from difflib import SequenceMatcher
from typing import Any

import asyncpg

from tidegauge.core.errors import OperatorError

from .question import Question, question

DEADLINE_S = 60.0
GRACE_S = 5.0
"""How long the server may take, beyond the deadline, to say that it gave up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of an answer. `type` is PostgreSQL's name: timestamptz, numeric, float8, text, ..."""

    name: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was asked, and the rows: `None` is unknown, numeric is `Decimal`, times are in UTC."""

    question: Question
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]

    def records(self) -> list[dict[str, Any]]:
        """Return the rows with the names of their columns."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """From when to when there is something of a symbol; None: there is nothing."""

    first: datetime | None
    last: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What is asked of a symbol's books: notionals in quote, and bands in basis points, ascending."""

    sizes: tuple[Decimal, ...]
    bands: tuple[Decimal, ...]


async def ask(
    connection: Any,
    asked: Question | str,
    given: Mapping[str, str],
    deadline_s: float = DEADLINE_S,
) -> Answer:
    """Answer a question. Times in `given` are texts that PostgreSQL reads, UTC without a zone.

    Raises `OperatorError` for what a person can put right: an unknown question or parameter, a value
    that is none of its type, a schema that is too old, a deadline that passed.
    """
    what = question(asked) if isinstance(asked, str) else asked
    values = what.values(given)
    try:
        async with connection.transaction(readonly=True):
            await settle(connection, deadline_s)
            prepared = await connection.prepare(what.statement, timeout=deadline_s + GRACE_S)
            rows = await prepared.fetch(*values, timeout=deadline_s + GRACE_S)
    except (TimeoutError, UnicodeError, asyncpg.PostgresError) as error:
        raise refusal(what.name, error, deadline_s) from None
    columns = tuple(Column(name=at.name, type=at.type.name) for at in prepared.get_attributes())
    return Answer(question=what, columns=columns, rows=tuple(tuple(row) for row in rows))


async def settle(connection: Any, deadline_s: float) -> None:
    """Set this transaction's names, zone and deadline."""
    await connection.execute(
        "SET LOCAL search_path = tidegauge, public; SET LOCAL timezone = 'UTC'; SET LOCAL jit = off;"
        f"SET LOCAL statement_timeout = {max(1, int(deadline_s * 1000))}"
    )


def refusal(name: str, error: Exception, deadline_s: float) -> OperatorError:
    """Return what an error of the database means for who asked."""
    said = " ".join(str(error).split())
    match error.__cause__ if isinstance(error.__cause__, UnicodeError) else error:
        case TimeoutError() | asyncpg.QueryCanceledError():
            return OperatorError(
                f"{name} took longer than {deadline_s:g} s", fix="Ask about a shorter span"
            )
        case asyncpg.UndefinedTableError() | asyncpg.UndefinedColumnError():
            return OperatorError(
                f"the schema of this database is too old for {name}: {said}",
                fix="`tidegauge db up --once` brings it up to date",
            )
        case UnicodeError() | asyncpg.CharacterNotInRepertoireError():
            return OperatorError(
                f"{name}: a value holds a character that no text of the database can",
                fix="Write it in UTF-8",
            )
        case asyncpg.DataError():
            return OperatorError(
                f"{name}: {said}", fix=f"`tidegauge sql {name} --show` says what each value is"
            )
        case _:
            return OperatorError(f"{name}: the database refused: {type(error).__name__}: {said}")


async def known_symbols(connection: Any, like: str = "") -> list[str]:
    """Return every symbol there is a row of, those most like `like` first."""
    rows = await connection.fetch(
        "SELECT symbol FROM tidegauge.series UNION SELECT symbol FROM tidegauge.alerts ORDER BY 1"
    )
    found = [str(row["symbol"]) for row in rows]
    wanted = like.upper()
    return sorted(found, key=lambda each: -SequenceMatcher(None, wanted, each).ratio())


async def held(connection: Any, symbol: str, *, rolled: bool = False) -> Held:
    """Return from when to when there are readings of a symbol, or minutes that they are rolled up to."""
    row = await connection.fetchrow(MINUTES_HELD if rolled else READINGS_HELD, symbol)
    return Held(first=row["first"], last=row["last"])


READINGS_HELD = """
SELECT min(edge.first) AS first, max(edge.last) AS last
  FROM tidegauge.series AS s
 CROSS JOIN LATERAL (
       SELECT (SELECT min(at) FROM tidegauge.readings WHERE series = s.id) AS first,
              (SELECT max(at) FROM tidegauge.readings WHERE series = s.id) AS last) AS edge
 WHERE s.symbol = $1
"""

MINUTES_HELD = """
SELECT min(edge.first) AS first, max(edge.last) AS last
  FROM (SELECT DISTINCT symbol, venue FROM tidegauge.series WHERE symbol = $1) AS s
 CROSS JOIN LATERAL (
       SELECT (SELECT min(at) FROM tidegauge.minutes AS m
                WHERE m.symbol = s.symbol AND m.venue = s.venue) AS first,
              (SELECT max(at) FROM tidegauge.minutes AS m
                WHERE m.symbol = s.symbol AND m.venue = s.venue) AS last) AS edge
"""
"""Each edge is one look into an index."""


async def measured(connection: Any, symbol: str) -> Measured:
    """Return the sizes and bands that a symbol was ever measured at."""
    row = await connection.fetchrow(
        """
        SELECT ARRAY(SELECT DISTINCT unnest(fill_notional)
                       FROM tidegauge.series WHERE symbol = $1 ORDER BY 1) AS sizes,
               ARRAY(SELECT DISTINCT unnest(band_bps)::numeric
                       FROM tidegauge.series WHERE symbol = $1 ORDER BY 1) AS bands
        """,
        symbol,
    )
    return Measured(sizes=tuple(row["sizes"]), bands=tuple(row["bands"]))
