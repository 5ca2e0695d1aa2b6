"""What a desk shows of itself."""

from collections.abc import Mapping
from dataclasses import dataclass

from ...core.alert import Alert
from ...core.desk import Mute, Silence
from ...core.incident import Incident
from ...core.instrument import Nanos


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskView:
    """The desk at `at`. `incidents` are open, `over` were resolved lately, the latest last; `alerts`
    fire, whether anybody is told or not. `silences` hold or are to come. `mutes` are the latest, the
    last of them last. `waiting`: how many incidents each channel's next digest will tell of.
    `unheard`: of an incident, the alerts of which nothing was heard since a restart."""

    at: Nanos
    incidents: tuple[Incident, ...]
    over: tuple[Incident, ...]
    alerts: tuple[Alert, ...]
    silences: tuple[Silence, ...]
    mutes: tuple[Mute, ...]
    waiting: Mapping[str, int]
    unheard: Mapping[str, tuple[str, ...]]
