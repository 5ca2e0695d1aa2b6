"""What passes between the operations desk and those who sit at it: silences, orders, pages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .alert import Severity
from .instrument import Nanos, Symbol


@dataclass(frozen=True, slots=True, kw_only=True)
class Matcher:
    """What an alert must be for something to apply to it; an empty field asks nothing.

    Each holds names of which one must fit, `*` and `?` standing for any text and any character. Of
    the venues of a pair, one that fits is enough. `severities` at least one of, if any.
    """

    signals: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    severities: tuple[Severity, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Nobody is paged of what matches from `starts_at` until `ends_at`; incidents open all the same.

    Ended early, `ends_at` is when. `id` is that of the order that made it.
    """

    id: str
    matcher: Matcher
    starts_at: Nanos
    ends_at: Nanos
    author: str
    comment: str
    ended_by: str | None = None


class OrderKind(StrEnum):
    """What a person may order."""

    ACKNOWLEDGE = "acknowledge"
    COMMENT = "comment"
    RESOLVE = "resolve"
    REBASE = "rebase"
    """Take the level an alert of the incident fell to for the new normal."""
    SILENCE = "silence"
    EXPIRE_SILENCE = "expire_silence"
    EXPOSE = "expose"
    """Say how much of an asset is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a person wants done. `id` makes it itself: carried out once, however often it comes.

    `version` is that of the incident it was decided on; None: whatever it is. `until`: of an
    acknowledgement or an exposure. `silence` is the one to make, `silence_id` the one to end.
    `asset` and `amount` (a decimal, in quote) are those of an exposure.
    """

    id: str
    kind: OrderKind
    at: Nanos
    actor: str
    comment: str = ""
    incident_id: str | None = None
    version: int | None = None
    until: Nanos | None = None
    silence: Silence | None = None
    silence_id: str | None = None
    asset: str | None = None
    amount: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an order: done, or refused with the reason, which is for people."""

    order_id: str
    at: Nanos
    done: bool
    said: str
    version: int | None = None


class PageKind(StrEnum):
    """Why somebody is told. The first ones are of an incident."""

    OPENED = "opened"
    ESCALATED = "escalated"
    REOPENED = "reopened"
    REMINDED = "reminded"
    """Nobody acknowledged it in time."""
    ACKNOWLEDGEMENT_EXPIRED = "acknowledgement_expired"
    FLAPPING = "flapping"
    UNSILENCED = "unsilenced"
    """It is still open, and what silenced it is over."""
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    DIGEST = "digest"
    """Several of the above in one, as there were too many."""
    HEARTBEAT = "heartbeat"
    """Once a day: all is well with the monitor itself."""
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is to be told, and where. `key` and a channel make a notification itself: told once.

    `title` is one line, `text` a few; `labels` are for machines (Alertmanager). `opens`: the page
    says that something is wrong; else that it is over, or nothing of the kind. `of` are the
    incidents it speaks of.
    """

    key: str
    kind: PageKind
    at: Nanos
    severity: Severity
    title: str
    text: str
    channels: tuple[str, ...]
    of: tuple[str, ...] = ()
    symbol: Symbol = ""
    starts_at: Nanos | None = None
    ends_at: Nanos | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """Whether it says that something ended."""
        return self.kind is PageKind.RESOLVED


class Muted(StrEnum):
    """Why an alert or a page went no further."""

    INHIBITED = "inhibited"
    SILENCED = "silenced"
    MAINTENANCE = "maintenance"
    NOTHING_OPEN = "nothing_open"
    """Too mild to open an incident, and there is none to join."""
    GROUPED = "grouped"
    RATE = "rate"
    UNROUTED = "unrouted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mute:
    """An alert or page that went no further at `at`, by which stage, and why, for people."""

    at: Nanos
    stage: Muted
    reason: str
    alert_id: str | None = None
    incident_id: str | None = None


class Arrival(StrEnum):
    """What became of a page on one channel."""

    SENT = "sent"
    RETRYING = "retrying"
    FAILED = "failed"
    """Given up: nobody took it for as long as it was kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How a page fares on one channel, as of `at`; each change is a new record.

    `attempts` counts those that were made, the first of them at `first_at`; None: none was. `said` is
    why the last one failed, for people, with no secret in it.
    """

    page_key: str
    channel: str
    kind: PageKind
    severity: Severity
    title: str
    incidents: tuple[str, ...]
    attempts: int
    first_at: Nanos | None
    sent_at: Nanos | None
    at: Nanos
    arrival: Arrival
    said: str = ""
