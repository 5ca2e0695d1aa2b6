"""How much one channel is told: a few pages at once, then one digest each so often."""

from collections.abc import Iterable
from dataclasses import dataclass

from ...core.alert import Severity
from ...core.desk import PageKind
from ...core.instrument import Nanos, Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A page that waits for a digest: `key` and `title` are what it would have had."""

    incident_id: str
    key: str
    kind: PageKind
    at: Nanos
    severity: Severity
    symbol: Symbol
    title: str


class Channel:
    """What one channel was told lately, and what waits for its next digest.

    `burst` pages leave in `every`, counted from the first; the next ones wait. A digest of these
    takes up the span after it as well, so that a storm is a burst and then one digest each span.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.began: Nanos | None = None
        self.sent = 0
        self.due: Nanos | None = None
        self.crowded = False
        self.waiting: dict[str, Entry] = {}

    def takes(self, now: Nanos, *, burst: int, every: Nanos) -> bool:
        """Whether one more page may leave now; it is counted."""
        if not self._running(now, every):
            if self.crowded and self.waiting:
                return False  # its digest is due, and comes first
            self.began, self.sent = now, 0
        if self.sent >= burst:
            self.crowded = True
            return False
        self.sent += 1
        return True

    def wait(self, entry: Entry, now: Nanos, *, every: Nanos) -> None:
        """Keep an entry for the next digest; of one incident only the last one counts."""
        self.waiting.pop(entry.incident_id, None)
        self.waiting[entry.incident_id] = entry
        if self.due is None:
            began = self.began
            self.due = (began if began is not None and self._running(now, every) else now) + every

    def digest(self, now: Nanos, *, burst: int, every: Nanos) -> tuple[Entry, ...]:
        """Return what waited, the worst first, if it is time; then nothing waits.

        It is also time where the clock stepped back: nothing waits much longer than `every`.
        """
        if self.due is None or now < self.due <= now + 2 * every:
            return ()
        entries = sorted(self.waiting.values(), key=lambda entry: (-entry.severity, entry.at))
        if entries:
            self.began, self.sent = now, burst if self.crowded else 1
        self.waiting, self.due, self.crowded = {}, None, False
        return tuple(entries)

    def _running(self, now: Nanos, every: Nanos) -> bool:
        """Whether the span of the first page still lasts. What comes a little late, with a time
        before it, belongs to it as well; a clock that stepped back further begins another."""
        return self.began is not None and abs(now - self.began) < every

    def restore(self, *, began: Nanos | None, sent: int, due: Nanos | None, crowded: bool) -> None:
        """Go on as before a restart."""
        self.began, self.sent, self.due, self.crowded = began, sent, due, crowded

    def expect(self, entries: Iterable[Entry]) -> None:
        """Go on waiting with what waited before a restart."""
        self.waiting = {entry.incident_id: entry for entry in entries}
