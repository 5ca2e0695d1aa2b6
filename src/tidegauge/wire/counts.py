"""What happened to a feed since it started; counted here, exported at the edge."""

from collections import Counter
from dataclasses import dataclass, field

from tidegauge.core.errors import FeedError

MOST_KINDS = 50
"""Kinds of malformed frames that are told apart."""


@dataclass(slots=True)
class FeedCounts:
    """Counts since the start. `malformed_kinds` are bounded, whatever a venue sends."""

    frames: int = 0
    updates: int = 0
    begun: int = 0
    connects: int = 0
    gaps: int = 0
    resyncs: int = 0
    refreshes: int = 0
    malformed: int = 0
    clock_faults: int = 0
    audits: int = 0
    audit_levels: int = 0
    audit_differences: int = 0
    malformed_kinds: Counter[str] = field(default_factory=Counter)

    def audited(self, levels: int, different: int) -> None:
        """Count one comparison of a book with REST."""
        self.audits += 1
        self.audit_levels += levels
        self.audit_differences += different

    def bad_frame(self, error: FeedError) -> str | None:
        """Count a bad frame. Returns what to tell of the 1st, 10th, 100th … of its kind."""
        self.malformed += 1
        # What follows is a piece of the frame: as many kinds as there are frames.
        kind = str(error).partition(":")[0].partition(" in ")[0]
        if kind not in self.malformed_kinds and len(self.malformed_kinds) >= MOST_KINDS:
            kind = "other"
        self.malformed_kinds[kind] += 1
        times = self.malformed_kinds[kind]
        if times != 10 ** (len(str(times)) - 1):
            return None
        return f"{error} ({times} of this kind so far)"
