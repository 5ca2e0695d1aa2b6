"""Books whose subscription began with an update: their snapshots are had by REST.

OKX announced in February 2026 that the snapshot would go, and took it back in May (venues.md 7.6).
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from tidegauge.core.events import BookDelta, BookSnapshot
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.wire.backoff import Backoff
from tidegauge.wire.protocol import Fetch

MOST_HELD = 3_000
PATIENCE: Nanos = 60 * SECOND
"""How long a book may take to be joined; a book that says nothing is kept alive every minute."""

ANSWER_WITHIN: Nanos = 10 * SECOND


@dataclass(slots=True)
class _Held:
    """The updates of one book since it was subscribed to, an unbroken chain of (previous, update)."""

    ask_at: Nanos
    updates: list[tuple[int, BookDelta]] = field(default_factory=list)
    snapshot: BookSnapshot | None = None
    retry: Backoff = field(default_factory=lambda: Backoff(SECOND, 30 * SECOND))


class SnapshotFallback:
    """Holds updates until a snapshot was asked for, told, and bridged by one of them.

    The snapshot's id need not be one of the stream's: it is bridged by an update whose ids span it.
    """

    def __init__(self, request: Callable[[str], Fetch]) -> None:
        self._request = request
        self._held: dict[str, _Held] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._held

    def hold(self, previous: int, delta: BookDelta, now: Nanos) -> None:
        """Keep an update of a book that has no snapshot. Only an unbroken chain is of use."""
        held = self._held.setdefault(delta.instrument, _Held(ask_at=now))
        broken = held.updates and held.updates[-1][1].sequence != previous
        if broken or len(held.updates) >= MOST_HELD:
            held.updates.clear()
        held.updates.append((previous, delta))

    def ask(self, now: Nanos) -> list[Fetch]:
        """Ask for the snapshots that are due, and again later if no answer comes."""
        due = [
            name for name, held in self._held.items() if not held.snapshot and now >= held.ask_at
        ]
        for name in due:
            self._held[name].ask_at = now + ANSWER_WITHIN
        return [self._request(name) for name in due]

    def told(self, snapshot: BookSnapshot) -> None:
        """A snapshot was answered."""
        if held := self._held.get(snapshot.instrument):
            held.snapshot = snapshot

    def failed(self, name: str, now: Nanos, retry_after: float | None) -> None:
        """No snapshot was had: ask again later, and not before the venue allows it."""
        if held := self._held.get(name):
            wait = held.retry.wait(now, chance=1.0)
            held.ask_at = now + max(wait, int((retry_after or 0) * SECOND))

    def joined(self, name: str, now: Nanos) -> tuple[BookSnapshot, list[BookDelta]] | None:
        """Return the snapshot and what follows it, None as long as nothing bridges them."""
        held = self._held.get(name)
        if held is None or held.snapshot is None:
            return None
        last = held.snapshot.sequence
        for index, (previous, delta) in enumerate(held.updates):
            if previous <= last <= delta.sequence:
                del self._held[name]
                return held.snapshot, [each for _, each in held.updates[index:]]
        if last < held.updates[0][0]:
            # Older than everything held: only a newer one can be bridged.
            held.snapshot = None
            self.failed(name, now, None)
        return None

    def forget(self, name: str) -> None:
        """The book was had or lost otherwise."""
        self._held.pop(name, None)

    def clear(self) -> None:
        """The link is gone."""
        self._held.clear()
