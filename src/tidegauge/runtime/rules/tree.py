"""The tree of rules: every name, its default, its range, and one line on what it means.

All of it is frozen, and refuses names it does not know. Times end in `_s` and are in seconds,
distances in `_bps`, sizes in `_quote`. `load.py` loads it; `example.py` writes it out.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from tidegauge.runtime.settings_types import FREEZE, SymbolKey, VenueKey

from .crunch import CrunchRules
from .desk import (
    HeartbeatRules,
    IncidentRules,
    InhibitionRules,
    MaintenanceRules,
    MatchRules,
    PagingRules,
    RouteRules,
)
from .kinds import ActionName, Label, Name, RuleSection, Severity
from .signals import (
    CompositeRules,
    DivergenceRules,
    ExposureRules,
    HealthRules,
    StressRules,
    WindowRules,
)


class VenueRules(RuleSection):
    """What is different for one symbol on one venue."""

    crunch: CrunchRules | None = Field(default=None, description="in place of the symbol's")


class SymbolRules(RuleSection):
    """What is different for one symbol: only the names that differ."""

    windows: WindowRules | None = Field(default=None, description="in place of the general windows")
    crunch: CrunchRules | None = Field(default=None, description="in place of the general crunch")
    divergence: DivergenceRules | None = Field(
        default=None, description="in place of the general divergence"
    )
    stress: StressRules | None = Field(default=None, description="in place of the general stress")
    venues: Annotated[Mapping[VenueKey, VenueRules], *FREEZE] = Field(
        default_factory=dict, description="what is different on one venue"
    )


def _usual_inhibitions() -> dict[str, InhibitionRules]:
    down, dark = MatchRules(signals=("venue_down",)), MatchRules(signals=("symbol_dark",))
    market = ("liquidity_crunch", "divergence", "executable_divergence")
    return {
        "market-of-a-venue-down": InhibitionRules(
            source=down, target=MatchRules(signals=market), equal=("venue",)
        ),
        "degraded-when-down": InhibitionRules(
            source=down, target=MatchRules(signals=("venue_degraded",)), equal=("venue",)
        ),
        "blind-when-dark": InhibitionRules(
            source=dark, target=MatchRules(signals=("divergence_blind",))
        ),
    }


class RuleTree(RuleSection):
    """All of the rules, as they stand in the file. By itself it holds the built-in defaults."""

    windows: WindowRules = Field(default_factory=WindowRules)
    crunch: CrunchRules = Field(default_factory=CrunchRules)
    divergence: DivergenceRules = Field(default_factory=DivergenceRules)
    stress: StressRules = Field(default_factory=StressRules)
    health: HealthRules = Field(default_factory=HealthRules)
    composite: CompositeRules = Field(default_factory=CompositeRules)
    exposure: ExposureRules = Field(default_factory=ExposureRules)
    incidents: IncidentRules = Field(default_factory=IncidentRules)
    paging: PagingRules = Field(default_factory=PagingRules)
    heartbeat: HeartbeatRules = Field(default_factory=HeartbeatRules)
    actions: Annotated[
        Mapping[Name, Annotated[Mapping[Severity, ActionName], *FREEZE]], *FREEZE
    ] = Field(
        default_factory=dict,
        description="actions to recommend in place of the usual, by signal and severity",
    )
    inhibitions: Annotated[Mapping[Label, InhibitionRules], *FREEZE] = Field(
        default_factory=_usual_inhibitions, description="which alerts make others needless"
    )
    maintenance: Annotated[Mapping[Label, MaintenanceRules], *FREEZE] = Field(
        default_factory=dict, description="silences that are planned"
    )
    routes: Annotated[Mapping[Label, RouteRules], *FREEZE] = Field(
        default_factory=dict, description="whom to tell of what; the first that matches is taken"
    )
    symbols: Annotated[Mapping[SymbolKey, SymbolRules], *FREEZE] = Field(
        default_factory=dict, description="what is different for one symbol, or one of its books"
    )
