"""What a channel is to the notifier, and what it answers."""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from tidegauge.core.desk import Page
from tidegauge.core.instrument import Nanos


class Verdict(Enum):
    """What became of one attempt."""

    TAKEN = "taken"
    LATER = "later"
    """The channel does not work now; this page and those behind it are tried again."""
    REFUSED = "refused"
    """The channel works, and does not take this page; those behind it need not wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a channel answered. `said` is for people, with no secret in it; `wait`: it asked not to be
    tried again for so long."""

    verdict: Verdict
    said: str = ""
    wait: Nanos | None = None


TAKEN = Answer(verdict=Verdict.TAKEN)


class Channel(Protocol):
    """One way to tell somebody."""

    @property
    def reminded_every_s(self) -> float | None:
        """How often it is to be told again of what lasts; None: once is enough."""

    async def send(self, page: Page, before: Page | None) -> Answer:
        """Tell it, however long that takes; the notifier holds the clock. Never raises but for a bug.

        `before`: what a channel that is reminded was told last of the incident, while that lasts.
        """

    async def remind(self, pages: list[Page]) -> Answer:
        """Tell it again of what lasts."""

    async def close(self) -> None:
        """Close its connections."""
