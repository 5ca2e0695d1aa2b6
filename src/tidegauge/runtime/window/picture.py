"""All that is shown at one instant, by one daemon or by several."""

from dataclasses import dataclass, field
from datetime import datetime

from .across import ShownDaemon, ShownSymbol, ShownVenue
from .books import ShownBook
from .desk import ShownAlert, ShownExposure, ShownIncident, ShownMute, ShownSilence


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Everything by its id, so that two pictures can be compared part by part.

    Keys: daemons by id; symbols by name; venues and books by `venue@daemon` and `venue/symbol`;
    alerts, incidents and silences by id; exposures by asset. `alerts` are those that are pending or
    fire, and the latest that were resolved; `incidents` those that are open, and the latest that
    were resolved.
    """

    at: datetime
    daemons: dict[str, ShownDaemon] = field(default_factory=dict)
    symbols: dict[str, ShownSymbol] = field(default_factory=dict)
    venues: dict[str, ShownVenue] = field(default_factory=dict)
    books: dict[str, ShownBook] = field(default_factory=dict)
    alerts: dict[str, ShownAlert] = field(default_factory=dict)
    incidents: dict[str, ShownIncident] = field(default_factory=dict)
    silences: dict[str, ShownSilence] = field(default_factory=dict)
    exposures: dict[str, ShownExposure] = field(default_factory=dict)
    mutes: tuple[ShownMute, ...] = ()
