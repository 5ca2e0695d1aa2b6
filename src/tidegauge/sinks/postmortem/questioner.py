"""Puts the statements of a postmortem to the database, and keeps what was put."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .records import Grain, Query
from .statement import statement

Told = Callable[[str], None]


def tell_nobody(_what: str) -> None:
    """Nobody looks."""


@dataclass(slots=True, kw_only=True)
class Questioner:
    """One connection, the values every statement shares, and the queries so far."""

    connection: Any
    given: dict[str, Any]
    told: Told = tell_nobody
    grain: Grain = Grain.READINGS
    queries: list[Query] = field(default_factory=list)

    async def put_by_grain(self, name: str, answers: str, **more: Any) -> list[Mapping[str, Any]]:
        """Return the rows of a statement there is one of for each grain; the query keeps its short name."""
        if self.grain is Grain.READINGS:
            return await self.put(name, answers, **more)
        return await self.put(f"{name}_{self.grain}", answers, called=name, **more)

    async def put(
        self, name: str, answers: str, called: str | None = None, **more: Any
    ) -> list[Mapping[str, Any]]:
        """Return the rows of `sql/<name>.sql`. `answers` says what they are for."""
        self.told(answers)
        asked = statement(name)
        given = {**self.given, **more}
        rows: list[Mapping[str, Any]] = await self.connection.fetch(
            asked.numbered, *asked.values(given)
        )
        written = asked.written_out(given)
        self.queries.append(
            Query(name=called or name, answers=answers, sql=written, rows=len(rows))
        )
        return rows
