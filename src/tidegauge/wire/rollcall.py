"""Which subscriptions have been heard from, and when to ask again for those that have not."""

from collections.abc import Iterable
from dataclasses import dataclass

from tidegauge.core.instrument import SECOND, Nanos

PROMPT_CALLS = 3


@dataclass(slots=True)
class _Entry:
    due: Nanos | None = None
    calls: int = 0


class RollCall:
    """Reconciles what is wanted with what is heard.

    An acknowledgement proves little (venues acknowledge streams that do not exist), so only data
    counts. What stays silent is called again, promptly at first and then slowly, but for ever.
    """

    def __init__(self, names: Iterable[str], *, patience: Nanos, slow: Nanos = 60 * SECOND) -> None:
        self._entries = {name: _Entry() for name in names}
        self._patience = patience
        self._slow = slow

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    @property
    def names(self) -> list[str]:
        return [*self._entries]

    @property
    def awaiting(self) -> bool:
        """Whether something is still called promptly: it may well be on its way."""
        return any(
            entry.due is not None and entry.calls < PROMPT_CALLS for entry in self._entries.values()
        )

    def expect_all(self, now: Nanos) -> None:
        """Everything was just subscribed to."""
        for name in self._entries:
            self.expect(name, now)

    def expect(self, name: str, now: Nanos, *, within: Nanos | None = None) -> None:
        """Something should be heard of `name` in a while; else it is overdue."""
        entry = self._entries[name]
        entry.due = now + (self._patience if within is None else within)
        entry.calls = 0

    def heard(self, name: str) -> bool:
        """`name` spoke. Returns whether it had been waited for."""
        entry = self._entries[name]
        awaited = entry.due is not None
        entry.due = None
        return awaited

    def overdue(self, now: Nanos) -> list[str]:
        """Return whom to call again now; each is then given time to answer."""
        late = []
        for name, entry in self._entries.items():
            if entry.due is not None and now >= entry.due:
                late.append(name)
                entry.calls += 1
                prompt = entry.calls < PROMPT_CALLS
                entry.due = now + (self._patience if prompt else max(self._slow, self._patience))
        return late

    def given_up(self, name: str) -> bool:
        """Whether `name` has just been called in vain so often that it is called slowly now."""
        return self._entries[name].calls == PROMPT_CALLS

    def strike(self, name: str) -> None:
        """Expect nothing of `name` any more."""
        self._entries.pop(name, None)
