"""Giving an order: by whom, and what came of it."""

import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any, TypeVar

import asyncpg
import typer

from tidegauge.core.desk import Order, Outcome
from tidegauge.core.errors import OperatorError
from tidegauge.faces import running
from tidegauge.faces.figures import printable
from tidegauge.faces.sql import require_database, seen_symbol
from tidegauge.runtime.settings import Settings
from tidegauge.runtime.storage import open_settings_database
from tidegauge.sinks.connect import DatabaseAway, cause_of
from tidegauge.sinks.delivery import AWAY, shown
from tidegauge.sinks.orders import OrderStale, outcome_of, place

Answer = TypeVar("Answer")

PATIENCE_S = 5.0
TRIES = 5
"""How often an order is given again when the incident changed in a way that does not matter to it."""

WAITS = 3
"""The exit code of an order that was placed and that no daemon has answered yet."""

MOST_NAME, MOST_COMMENT = 100, 2_000

By = Annotated[
    str | None, typer.Option("--by", help="Who orders it; the user of this shell by default.")
]
Comment = Annotated[str, typer.Option("--comment", "-c", help="What you want to say of it.")]


def actor_of(by: str | None) -> str:
    """Return who orders it. Raises `OperatorError` where nobody can be told."""
    name = (by if by is not None else os.environ.get("USER", "")).strip()
    if not name:
        raise OperatorError("Nobody says who orders it", fix="Add --by NAME, or set USER")
    return whole("--by", name, MOST_NAME)


def whole(option: str, said: str, most: int = MOST_COMMENT) -> str:
    """Return words that can be stored as they are. Raises `OperatorError` for others."""
    if len(said) > most:
        raise OperatorError(f"{option} has {len(said):,} characters", fix=f"Write {most:,} at most")
    try:
        said.encode()
    except UnicodeEncodeError:
        raise OperatorError(f"{option} is no text in UTF-8", fix="Write it in UTF-8") from None
    return said.replace("\0", "")


def new_order(**what: Any) -> Order:
    """Return an order of now."""
    return Order(id=str(uuid.uuid4()), at=time.time_ns() // 1000 * 1000, **what)


def asked(question: Coroutine[Any, Any, Answer]) -> Answer:
    """Return the answer to a question of the database; a signal ends the waiting."""
    found: list[Answer] = []

    async def ask() -> None:
        found.append(await question)

    running.run_loop(ask())
    return found[0]


def listed(
    settings: Settings, find: Callable[[Any], Awaitable[list[Any]]], symbols: Sequence[str]
) -> list[Any]:
    """Return what `find` does. Raises `OperatorError` when that is nothing and a symbol was never seen."""

    async def ask() -> list[Any]:
        async with desk_session(settings) as connection:
            found = await find(connection)
            for name in () if found else symbols:
                await seen_symbol(connection, name)
            return found

    return asked(ask())


def give(
    settings: Settings, made: Callable[[Any], Awaitable[Order]], *, again: bool = True
) -> None:
    """Place what `made` decides on, and print what came of it; see `_give`."""
    running.run_loop(_give(settings, made, again=again))


async def _give(
    settings: Settings, made: Callable[[Any], Awaitable[Order]], *, again: bool
) -> None:
    """Place an order and wait for its outcome. What was decided on an incident that has changed
    meanwhile is decided `again`. Raises `OperatorError` when it is refused, `typer.Exit` when it waits.
    """
    try:
        async with desk_session(settings) as connection:
            for tries_left in reversed(range(TRIES if again else 1)):
                outcome = await _placed(connection, await made(connection), last=not tries_left)
                if outcome is not None:
                    break
    except DatabaseAway as away:
        raise OperatorError(f"nothing was ordered: {away.what}", fix=away.fix) from None
    assert outcome is not None
    if not outcome.done:
        raise OperatorError(printable(outcome.said))
    typer.echo(printable(outcome.said))


async def _placed(connection: Any, order: Order, *, last: bool) -> Outcome | None:
    """Return what came of an order; None when it is worth deciding on it again."""
    try:
        placed = await place(connection, order)
    except OrderStale:
        if last:
            raise
        return None
    if placed.waits is not None:
        typer.echo(f"ordered, but {placed.waits}")
        raise typer.Exit(WAITS)
    with running.stages_of("ordered") as told:
        told("waiting for the daemon")
        outcome = await outcome_of(connection, order.id, PATIENCE_S)
    if outcome is None:
        typer.echo(
            f"ordered, but the daemon has not answered within {PATIENCE_S:.0f} s: it will do so"
        )
        raise typer.Exit(WAITS)
    if outcome.done or last or order.version is None:
        return outcome
    version = await connection.fetchval(
        "SELECT version FROM tidegauge.incidents WHERE id = $1", order.incident_id
    )
    return outcome if version == order.version else None


@asynccontextmanager
async def desk_session(settings: Settings) -> AsyncIterator[Any]:
    """Lend a connection to a database that has a desk. Raises `OperatorError`."""
    require_database(settings)
    async with open_settings_database(settings) as database:
        with desk_errors():
            async with database.session() as connection:
                yield connection


@contextmanager
def desk_errors() -> Iterator[None]:
    """Raise what the database refuses of the desk as `OperatorError`."""
    try:
        yield
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
        raise OperatorError(
            "the schema of this database is too old for the desk",
            fix="`tidegauge db up --once` brings it up to date",
        ) from None
    except asyncpg.InsufficientPrivilegeError as error:
        raise OperatorError(
            f"the database user may not do that: {error}", fix="Ask as the daemon's"
        ) from None
    except AWAY as error:
        raise OperatorError(
            f"the database went away, or refused: {shown(cause_of(error))}",
            fix="`tidegauge db check` says what is wrong with it",
        ) from None
