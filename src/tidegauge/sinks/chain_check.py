"""Whether an audit trail is whole: the lines of its file, and what PostgreSQL knows of them.

The hashes tell of a line that was changed, removed, put elsewhere or put in. Only PostgreSQL tells of
the end: of lines taken off it, or written by who knows how the hashes are made.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog

from .chain import BadLine, Chain, ChainedTransition
from .incident_log import read, scan
from .table import text

MOST_TOLD = 5
"""Complaints of one kind, of one trail."""

RESEND_S = 10.0

log = structlog.get_logger()

HASHES = "SELECT hash FROM tidegauge.incident_events WHERE chain = $1"
KEPT = """
SELECT sequence, previous_hash, hash, incident_id, number, at_ns, kind, actor, comment, from_state, to_state
  FROM tidegauge.incident_events WHERE chain = $1 ORDER BY sequence
"""
HEADS = (
    "SELECT id, host, path, sequence, hash, at FROM tidegauge.incident_chains ORDER BY began_at, id"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The head of a trail as PostgreSQL has it."""

    id: str
    host: str
    path: str
    sequence: int
    hash: str


@dataclass(slots=True, kw_only=True)
class Verdict:
    """What was found of one file. `wrong`: what is not as it was written, for people.

    `lacking`: lines that are whole and that PostgreSQL does not have. `lines`: those of transitions;
    `known`: those of them that PostgreSQL has, None where it was not asked.
    """

    path: Path
    chain: Chain | None = None
    lines: int = 0
    torn: int = 0
    head: str = ""
    known: int | None = None
    wrong: list[str] = field(default_factory=list)
    lacking: list[ChainedTransition] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong with it, and PostgreSQL has all of it, as far as it was asked."""
        return not self.wrong and not self.lacking


def verify(path: Path) -> Verdict:
    """Judge the lines of a file by themselves. Raises `OSError`."""
    found = scan(path)
    verdict = Verdict(
        path=path,
        chain=found.chain,
        lines=max(0, found.last.sequence),
        torn=found.torn,
        head=found.last.hash,
    )
    if not found.lines:
        verdict.wrong.append("it is empty: not even its first line is there")
    verdict.wrong += [f"line {number}: {why}" for number, why in found.bad[:MOST_TOLD]]
    if len(found.bad) > MOST_TOLD:
        verdict.wrong.append(f"and {len(found.bad) - MOST_TOLD} more lines")
    return verdict


async def heads(connection: Any) -> list[Head]:
    """Return the head of every trail there is. Raises what asyncpg raises."""
    return [
        Head(
            id=str(row["id"]),
            host=row["host"],
            path=row["path"],
            sequence=row["sequence"],
            hash=row["hash"],
        )
        for row in await connection.fetch(HEADS)
    ]


async def compare(connection: Any, verdict: Verdict) -> None:
    """Add to a verdict what PostgreSQL knows of that trail. Raises what asyncpg raises, `OSError`."""
    if verdict.chain is None:
        return
    rows = {row["sequence"]: row for row in await connection.fetch(KEPT, UUID(verdict.chain.id))}
    ours = [head for head in await heads(connection) if head.id == verdict.chain.id]
    verdict.known = 0
    news: list[str] = []
    seen: set[int] = set()
    for line in read(verdict.path):
        seen.add(line.sequence)
        row = rows.get(line.sequence)
        if row is None:
            verdict.lacking.append(line)
            continue
        verdict.known += 1
        difference = _difference(line, row)
        if difference is not None:
            news.append(f"line {line.sequence + 1}: {difference}")
    gone = sorted(set(rows) - seen)
    if gone:
        spans, it = _spans([sequence + 1 for sequence in gone]), "it" if len(gone) == 1 else "them"
        news.append(f"only PostgreSQL has {_counted(len(gone))} {spans}: the file lost {it}")
    if ours and ours[0].sequence in seen | set(rows):
        head = ours[0]
        stored = max(rows, default=0)
        if head.sequence != stored or rows[stored]["hash"] != head.hash:
            news.append(
                f"PostgreSQL itself is at odds: its head is number {head.sequence}, and its newest"
                f" event is number {stored}"
            )
    elif ours and ours[0].sequence:
        news.append(f"PostgreSQL's head is number {ours[0].sequence}, of which there is no line")
    verdict.wrong += news[:MOST_TOLD]
    if len(news) > MOST_TOLD:
        verdict.wrong.append(f"and {len(news) - MOST_TOLD} more differences from PostgreSQL")


def lacking_told(verdict: Verdict) -> str:
    """Say which lines PostgreSQL does not have."""
    numbers = [line.sequence + 1 for line in verdict.lacking]
    return f"only the file has {_counted(len(numbers))} {_spans(numbers)}"


async def resend(connection: Any, path: Path, submit: Callable[[ChainedTransition], None]) -> int:
    """Submit what is in the file and not in PostgreSQL: a crash may have come between the two.

    Returns how many; of a file that cannot be read, none. What waits in the spool is sent twice, and
    stored once. Raises what asyncpg raises.
    """
    try:
        chain = (await asyncio.to_thread(scan, path)).chain
        if chain is None:
            return 0
        rows = await connection.fetch(HASHES, UUID(chain.id), timeout=RESEND_S)
        known = frozenset(row["hash"] for row in rows)
        missing = await asyncio.to_thread(lambda: list(read(path, known)))
    except (FileNotFoundError, PermissionError, BadLine) as error:
        # Told of by whoever writes it, too: nothing that an attempt later would put right.
        log.error("incident_log_not_read", file=path.name, why=str(error))  # noqa: TRY400
        return 0
    for line in missing:
        submit(line)
    return len(missing)


def _difference(line: ChainedTransition, row: Any) -> str | None:
    """Say how a line differs from the row that PostgreSQL has of it."""
    if row["hash"] != line.hash or row["previous_hash"] != line.previous_hash:
        return "PostgreSQL has another line in its place: one of the two is not what happened"
    event = line.transition.event
    told = (
        *(event.incident_id, event.number, event.at, str(event.kind), text(event.actor)),
        *(text(event.comment), event.from_state, event.to_state),
    )
    kept = (
        *(row["incident_id"], row["number"], row["at_ns"], row["kind"], row["actor"]),
        *(row["comment"], row["from_state"], row["to_state"]),
    )
    if told != kept:
        return "what PostgreSQL says of it was changed there"
    return None


def _counted(count: int) -> str:
    return "line" if count == 1 else f"{count:,} lines:"


def _spans(numbers: Sequence[int]) -> str:
    """Write numbers in order, those that follow each other as from-to."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    told = [str(first) if first == last else f"{first} to {last}" for first, last in spans]
    more = f" and {len(told) - MOST_TOLD} more places" if len(told) > MOST_TOLD else ""
    return ", ".join(told[:MOST_TOLD]) + more
