"""The life of an alert, as a table without holes, and the holds that move it (docs/signals.md §5).

    INACTIVE --BREACH--> PENDING --HELD--> FIRING --CLEARED--> RESOLVED

Nothing but CLEARED or REBASED ends what fires: an unseen book or a quiet reading does not.
"""

from enum import StrEnum

from ..core.alert import AlertState
from ..core.instrument import Nanos


class Stimulus(StrEnum):
    """What one observation says about an alert.

    QUIET: nothing breaches. BREACH: something does, not yet for long enough. HELD: something has
    for its hold. CLEARED: all that breached has been harmless for long enough. UNSEEN: the book is
    not to be believed. REBASED: a person declared the new level to be the normal one.
    """

    QUIET = "quiet"
    BREACH = "breach"
    HELD = "held"
    CLEARED = "cleared"
    UNSEEN = "unseen"
    REBASED = "rebased"


_INACTIVE, _PENDING = AlertState.INACTIVE, AlertState.PENDING
_FIRING, _RESOLVED = AlertState.FIRING, AlertState.RESOLVED

TRANSITIONS: dict[tuple[AlertState, Stimulus], AlertState] = {
    (_INACTIVE, Stimulus.QUIET): _INACTIVE,
    (_INACTIVE, Stimulus.BREACH): _PENDING,
    (_INACTIVE, Stimulus.HELD): _FIRING,
    (_INACTIVE, Stimulus.CLEARED): _INACTIVE,
    (_INACTIVE, Stimulus.UNSEEN): _INACTIVE,
    (_INACTIVE, Stimulus.REBASED): _INACTIVE,
    (_PENDING, Stimulus.QUIET): _INACTIVE,
    (_PENDING, Stimulus.BREACH): _PENDING,
    (_PENDING, Stimulus.HELD): _FIRING,
    (_PENDING, Stimulus.CLEARED): _INACTIVE,
    # A hold stands still while the book is not seen; it is neither lost nor advanced.
    (_PENDING, Stimulus.UNSEEN): _PENDING,
    (_PENDING, Stimulus.REBASED): _INACTIVE,
    (_FIRING, Stimulus.QUIET): _FIRING,
    (_FIRING, Stimulus.BREACH): _FIRING,
    (_FIRING, Stimulus.HELD): _FIRING,
    (_FIRING, Stimulus.CLEARED): _RESOLVED,
    (_FIRING, Stimulus.UNSEEN): _FIRING,
    (_FIRING, Stimulus.REBASED): _RESOLVED,
    # A resolved alert is over: what follows is the next one.
    (_RESOLVED, Stimulus.QUIET): _INACTIVE,
    (_RESOLVED, Stimulus.BREACH): _PENDING,
    (_RESOLVED, Stimulus.HELD): _FIRING,
    (_RESOLVED, Stimulus.CLEARED): _INACTIVE,
    (_RESOLVED, Stimulus.UNSEEN): _RESOLVED,
    (_RESOLVED, Stimulus.REBASED): _INACTIVE,
}


class Hold:
    """How long a condition has been seen to last, without a break.

    Time counts only between two observations that both saw the condition; while it cannot be seen
    the hold stands still.
    """

    __slots__ = ("elapsed", "last", "since", "span")

    def __init__(self, span: Nanos) -> None:
        self.span = span
        self.since: Nanos | None = None
        self.last: Nanos | None = None
        self.elapsed: Nanos = 0

    def observe(self, condition: bool | None, at: Nanos) -> bool:
        """Take one observation, None when nothing could be seen. Return whether it has held."""
        if condition is None:
            self.last = None
            return self.held
        if not condition:
            self.reset()
            return False
        if self.since is None:
            self.since = at
        elif self.last is not None:
            # Clocks may step back; a hold does not.
            self.elapsed += max(0, at - self.last)
        self.last = at if self.last is None else max(self.last, at)
        return self.held

    @property
    def held(self) -> bool:
        """Whether the condition has lasted for the span."""
        return self.since is not None and self.elapsed >= self.span

    def pause(self) -> None:
        """Stand still: what passes until the next observation does not count."""
        self.last = None

    def reset(self) -> None:
        """Forget."""
        self.since = self.last = None
        self.elapsed = 0


class AlertLife:
    """The state of one alert key; at most one alert of it is open at a time."""

    __slots__ = ("since", "state")

    def __init__(self) -> None:
        self.state = AlertState.INACTIVE
        self.since: Nanos | None = None

    def feel(self, stimulus: Stimulus, at: Nanos) -> bool:
        """Move as the table says. Return whether the state changed; `since` is when it last did."""
        after = TRANSITIONS[self.state, stimulus]
        if after is self.state:
            return False
        self.state, self.since = after, at
        return True
