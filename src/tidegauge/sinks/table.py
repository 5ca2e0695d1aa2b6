"""What rows are made of: tables, texts and times as PostgreSQL holds them, and ids that say the same
twice for the same thing. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, TypeAlias
from uuid import UUID

from tidegauge.core.instrument import Nanos

Row: TypeAlias = tuple[Any, ...]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONGEST_TEXT = 4000
"""Characters of a venue's words that are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Where rows of one shape go. `key` is what makes a row itself.

    With `newest`, a row replaces the one with its key unless that one's is greater; without it, the
    row that came first stays. `numbered`: the column in which the database counts them as they come.
    """

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...] = ("id",)
    newest: str | None = None
    numbered: str | None = None


def deterministic_id(*parts: object) -> UUID:
    """Return the id of what `parts` name."""
    text = "|".join("" if part is None else str(part) for part in parts)
    return UUID(bytes=blake2b(text.encode("utf-8", "replace"), digest_size=16).digest())


def instant(nanos: Nanos) -> datetime:
    """Return the time to the microsecond below, without going through a float."""
    return EPOCH + timedelta(microseconds=nanos // 1000)


def instant_or_none(nanos: Nanos | None) -> datetime | None:
    """Return the time as `instant` does; unknown stays unknown."""
    return None if nanos is None else instant(nanos)


def nanos(at: datetime) -> Nanos:
    """Return a time of the database as nanoseconds, without going through a float."""
    return (at - EPOCH) // timedelta(microseconds=1) * 1000


def text(said: str) -> str:
    """Return a venue's words as PostgreSQL can hold them: no NUL, no half character, not endless."""
    kept = said[:LONGEST_TEXT]
    if kept.isascii() and "\0" not in kept:
        return kept
    return kept.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
