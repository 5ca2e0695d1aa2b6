"""What a desk must know after a restart beside the incidents themselves, which are in their log.

Every field has a default, so that what an older version kept is read by a newer one.
"""

from decimal import Decimal

import msgspec

from ...core.alert import Alert, AlertKey, Severity
from ...core.desk import Mute, Outcome, PageKind, Silence
from ...core.incident import IncidentEvent
from ...core.instrument import Nanos
from .channel import Entry
from .heartbeat import Counts


class KeptAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that fired, and what it costs."""

    alert: Alert
    impact: Decimal | None = None


class KeptCase(msgspec.Struct, frozen=True, kw_only=True):
    """What the desk had in mind of an incident, as of a version of it."""

    incident_id: str
    version: int
    opened_by: AlertKey
    recurred: int = 0
    open_since: Nanos = 0
    channels: dict[str, bool] = {}
    owed: tuple[PageKind, int] | None = None
    reminded: bool = False
    flapping: bool = False
    history: tuple[IncidentEvent, ...] = ()


class KeptChannel(msgspec.Struct, frozen=True, kw_only=True):
    """What a channel was told lately, and what waits."""

    name: str
    began: Nanos | None = None
    sent: int = 0
    due: Nanos | None = None
    crowded: bool = False
    waiting: tuple[Entry, ...] = ()


class DeskState(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    alerts: tuple[KeptAlert, ...] = ()
    dismissed: dict[str, Severity] = {}
    cases: tuple[KeptCase, ...] = ()
    silences: tuple[Silence, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    channels: tuple[KeptChannel, ...] = ()
    mutes: tuple[Mute, ...] = ()
    heartbeat_next: Nanos | None = None
    counts: Counts = Counts()
    counts_told: Counts = Counts()
