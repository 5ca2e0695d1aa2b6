"""What a single rule may be: the types, with their ranges, that the tree of rules is made of."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Annotated, ClassVar, Literal, TypeAlias

from annotated_types import Ge, Gt, Le, Lt
from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.runtime.settings_types import TIME, Section, listed, lowered, symbol_key, venue_key

DAY: Nanos = 86_400 * SECOND
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Rising: TypeAlias = tuple[tuple[str, ...], ...]

MISFIT = "misfit"
"""pydantic's kind of error for values that are sound each by itself, but not together."""


def misfit(said: str, *fields: str) -> PydanticCustomError:
    """Refuse what does not fit together; `fields` are the names it is about."""
    # The text goes through `str.format`, and may quote what an operator wrote.
    return PydanticCustomError(MISFIT, "{said}", {"said": said, "fields": fields})


class RuleSection(Section):
    """A group of rules. `rising` names rules that must not fall, from the first to the last."""

    rising: ClassVar[Rising] = ()

    @model_validator(mode="after")
    def _in_order(self) -> "RuleSection":
        for names in self.rising:
            for lower, upper in pairwise(names):
                low, high = getattr(self, lower), getattr(self, upper)
                if low > high:
                    said = f"{lower} ({low:g}) must not exceed {upper} ({high:g})"
                    raise misfit(said, lower, upper)
        return self


def nanos(seconds: float) -> Nanos:
    """Return a span of the file in nanoseconds."""
    return round(seconds * SECOND)


def instant(text: str) -> Nanos:
    """Return a point of time in UTC, as `2026-12-01T02:00`. Raises `ValueError` for what is none."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or len(text) <= len("2026-12-01"):
        raise ValueError("must be a time in UTC such as 2026-12-01T02:00") from None
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return (at - EPOCH) // timedelta(microseconds=1) * 1_000


def time_of_day(text: str) -> Nanos:
    """Return a time of the day, as `09:30`. Raises `ValueError` for what is none."""
    if not re.fullmatch(TIME, text, re.ASCII):
        raise ValueError("must be a time of the day such as 09:30")
    hour, minute = text.split(":")
    return (int(hour) * 3_600 + int(minute) * 60) * SECOND


def day_hours(text: str) -> tuple[Nanos, Nanos]:
    """Return when hours such as `23:00-04:30` begin, and how long they last; past midnight too."""
    begin, end = (time_of_day(part) for part in text.split("-"))
    return begin, (end - begin) % DAY


def _instant(text: str) -> str:
    instant(text)
    return text


def _time(text: str) -> str:
    time_of_day(text)
    return text


def _label(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", text, re.ASCII):
        raise ValueError("must be of letters, digits, - and _, 64 at most")
    return text


def _once(values: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((each for each in values if values.count(each) > 1), None)
    if twice is not None:
        raise ValueError(f"must name {twice!r} only once")
    return values


Hold = Annotated[float, Ge(0), Le(86_400), Field(allow_inf_nan=False)]
"""How long something must last, in seconds; 0: at once."""

Share = Annotated[float, Ge(0), Le(1), Field(allow_inf_nan=False)]
InnerShare = Annotated[float, Gt(0), Lt(1), Field(allow_inf_nan=False)]
Noises = Annotated[float, Ge(0), Le(100), Field(allow_inf_nan=False)]
Samples = Annotated[int, Ge(1), Le(100_000)]
BpsLimit = Annotated[float, Ge(0), Le(10_000), Field(allow_inf_nan=False)]
Count = Annotated[int, Ge(1), Le(10_000)]

SeverityName: TypeAlias = Literal["info", "warning", "high", "critical"]
ActionName: TypeAlias = Literal[
    "monitor", "widen_spread", "pause_asset", "hedge", "reduce", "liquidate"
]
ToldOf: TypeAlias = Literal["opened", "escalated", "reopened", "acknowledged", "resolved"]
"""Changes of an incident that need not be told; others are told whenever they happen."""

Once = AfterValidator(_once)
Lowered = BeforeValidator(lowered)
Listed = BeforeValidator(listed)

Name = Annotated[str, Field(min_length=1, max_length=64)]
Label = Annotated[str, AfterValidator(_label)]
Names = Annotated[tuple[Name, ...], Listed, Once]
SymbolGlobs = Annotated[tuple[Annotated[Name, BeforeValidator(symbol_key)], ...], Listed, Once]
ChannelNames = Annotated[tuple[Annotated[Name, BeforeValidator(venue_key)], ...], Listed, Once]
VenueGlobs = Annotated[tuple[Annotated[Name, BeforeValidator(venue_key)], ...], Listed, Once]
Severity = Annotated[SeverityName, Lowered]
Severities = Annotated[tuple[Severity, ...], Listed, Once]
Days = Annotated[
    tuple[Annotated[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], Lowered], ...],
    Listed,
    Once,
]
Instant = Annotated[str, AfterValidator(_instant)]
TimeOfDay = Annotated[str, AfterValidator(_time)]
