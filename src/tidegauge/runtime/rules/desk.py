"""Rules of the operations desk: incidents, paging, inhibitions, maintenance, routes."""

from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Le
from pydantic import Field, model_validator

from tidegauge.runtime.settings_types import DayHours

from .kinds import (
    ChannelNames,
    Count,
    Days,
    Hold,
    Instant,
    Listed,
    Names,
    Once,
    Rising,
    RuleSection,
    Severities,
    Severity,
    SymbolGlobs,
    TimeOfDay,
    ToldOf,
    VenueGlobs,
    instant,
    misfit,
)

Week = Annotated[float, Ge(0), Le(604_800), Field(allow_inf_nan=False)]


class MatchRules(RuleSection):
    """What an alert must be; a name left out asks nothing. `*` and `?` stand for any text."""

    signals: Names = Field(default=(), description="signals, such as liquidity_crunch or venue_*")
    symbols: SymbolGlobs = Field(default=(), description="symbols, such as BTC*")
    venues: VenueGlobs = Field(default=(), description="venues, or a family of them")
    severities: Severities = Field(default=(), description="severities")


class IncidentRules(RuleSection):
    """Which incidents open, and how they live."""

    rising: ClassVar[Rising] = (("settle_for_s", "reopen_within_s"),)

    opens_from: Severity = Field(
        default="high", description="severity that opens one; an alert below it only joins"
    )
    settle_for_s: Hold = Field(
        default=60.0,
        description="over when nothing fires for this long; doubled each time it came back",
    )
    reopen_within_s: Hold = Field(
        default=600.0, description="what comes back within this reopens it, and is no new one"
    )
    flapping_from: Count = Field(
        default=3, description="so many recurrences are told of once, as flapping"
    )
    acknowledged_for_s: Week = Field(
        default=3_600.0, description="how long an acknowledgement lasts"
    )


class PagingRules(RuleSection):
    """What people are told, and how often."""

    told_of: Annotated[tuple[ToldOf, ...], Listed, Once] = Field(
        default=("opened", "escalated", "reopened", "resolved"),
        description="which of opened, escalated, reopened, acknowledged, resolved are told",
    )
    remind_after_s: Week | None = Field(
        default=900.0, description="told again when nobody acknowledged it; none: never"
    )
    burst: Count = Field(default=5, description="pages that a channel is told at once")
    group_every_s: Hold = Field(default=30.0, description="and one digest each, after that")


class HeartbeatRules(RuleSection):
    """A page each day that says the monitor itself is well."""

    at_utc: TimeOfDay | None = Field(
        default=None, description="time of the day, such as 09:00; none: no heartbeat"
    )
    channels: ChannelNames = Field(default=(), description="whom it is told")

    @model_validator(mode="after")
    def _fit(self) -> "HeartbeatRules":
        if (self.at_utc is None) != (not self.channels):
            raise misfit("at_utc and channels belong together", "at_utc", "channels")
        return self


class InhibitionRules(RuleSection):
    """While an alert that matches `source` fires, one that matches `target` goes no further."""

    source: MatchRules = Field(description="the alert that makes others needless")
    target: MatchRules = Field(description="the alerts that go no further")
    equal: Annotated[tuple[Literal["symbol", "venue"], ...], Listed, Once] = Field(
        default=("symbol",), description="what must be the same of both"
    )


class MaintenanceRules(RuleSection):
    """A silence that was planned: once (`from_utc`, `until_utc`), or each day or week (`hours_utc`)."""

    match: MatchRules = Field(description="what nobody is paged of")
    from_utc: Instant | None = Field(default=None, description="once, from: 2026-12-01T02:00")
    until_utc: Instant | None = Field(default=None, description="once, until: 2026-12-01T04:00")
    hours_utc: DayHours | None = Field(
        default=None, description="each day, or on days: 23:00-01:30"
    )
    days: Days = Field(default=(), description="days on which these hours begin; none: every day")

    @model_validator(mode="after")
    def _fit(self) -> "MaintenanceRules":
        if self.hours_utc is not None:
            for name in ("from_utc", "until_utc"):
                if getattr(self, name) is not None:
                    raise misfit(f"{name} and hours_utc exclude each other", name, "hours_utc")
            return self
        if self.days:
            raise misfit("days need hours_utc", "days")
        if self.from_utc is None or self.until_utc is None:
            said = "must have from_utc and until_utc, or hours_utc"
            raise misfit(said, "from_utc", "until_utc", "hours_utc")
        if instant(self.until_utc) <= instant(self.from_utc):
            raise misfit("until_utc must be after from_utc", "until_utc")
        return self


class RouteRules(RuleSection):
    """Whom to tell of what matches. The first that matches is taken."""

    match: MatchRules = Field(default_factory=MatchRules, description="what it is for")
    channels: ChannelNames = Field(description="channels of the settings; []: nobody, on purpose")
    goes_on: bool = Field(default=False, description="whether later routes are looked at too")
