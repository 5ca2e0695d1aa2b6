"""How bad it is for a symbol as a whole: one number from 0 to 100, never without its parts
(docs/signals.md §9).

Each part is clipped, so that none can be worth less than nothing or more than its weight.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from math import fsum, isnan

from msgspec import Struct

from ..core.instrument import Nanos
from .signal_settings import CompositeSettings, Part

WHOLE = 100.0


class Weather(IntEnum):
    """What a score comes to."""

    CALM = 0
    WATCH = 1
    STRESSED = 2
    CRITICAL = 3

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class PartScore:
    """One part: what was measured, in its own unit, its points (0 to 100), its weight, and how much
    of the score it makes up. `missing_since`: the value is of then, and unknown now. A part that was
    never seen has no value, and no say."""

    name: str
    value: float | None
    points: float | None
    weight: float
    share: float
    missing_since: Nanos | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """`value` from 0 to 100, None while no part was ever seen; the parts sum up to it by `share`."""

    value: float | None
    weather: Weather | None
    parts: tuple[PartScore, ...]

    @property
    def incomplete(self) -> bool:
        """Whether a part is missing, or was never seen."""
        return any(part.value is None or part.missing_since is not None for part in self.parts)


class Seen(Struct, frozen=True, kw_only=True):
    """The last value of a part, and since when it is not known any more."""

    value: float
    missing_since: Nanos | None = None


class CompositeState(Struct, frozen=True, kw_only=True, tag="composite-1"):
    """What must outlive a restart. The tag is the version: another one is refused when decoded."""

    seen: dict[str, Seen]


class Composite:
    """The score of one symbol. A part that goes missing keeps its last value, marked; one that was
    never seen drops its weight."""

    def __init__(self, settings: CompositeSettings) -> None:
        self._settings = settings
        self._seen: dict[str, Seen] = {}
        self._score = self._sum_up()

    def observe(self, values: Mapping[str, float | None], at: Nanos) -> Score:
        """Take what is measured now, by the name of the part; None, NaN or no entry: not known."""
        for name in self._settings.parts:
            value, before = values.get(name), self._seen.get(name)
            if value is not None and not isnan(value):
                self._seen[name] = Seen(value=value)
            elif before is not None and before.missing_since is None:
                self._seen[name] = Seen(value=before.value, missing_since=at)
        self._score = self._sum_up()
        return self._score

    def _sum_up(self) -> Score:
        parts = self._settings.parts
        scored = {
            name: (points_of(part, self._seen[name].value), part.weight)
            for name, part in parts.items()
            if name in self._seen
        }
        whole = fsum(weight for _, weight in scored.values())
        value = None
        if whole > 0:
            # `fsum` rounds once: no part that rises can lower the sum.
            summed = fsum(points * weight for points, weight in scored.values()) / whole
            value = min(WHOLE, max(0.0, summed))
        return Score(
            value=value,
            weather=None if value is None else self._weather(value),
            parts=tuple(self._part(name, part, whole) for name, part in parts.items()),
        )

    def _part(self, name: str, part: Part, whole: float) -> PartScore:
        seen = self._seen.get(name)
        points = None if seen is None else points_of(part, seen.value)
        return PartScore(
            name=name,
            value=None if seen is None else seen.value,
            points=points,
            weight=part.weight,
            share=0.0 if points is None or not whole else points * part.weight / whole,
            missing_since=None if seen is None else seen.missing_since,
        )

    def _weather(self, value: float) -> Weather:
        return Weather(sum(value >= level for level in self._settings.levels))

    def adopt(self, settings: CompositeSettings) -> None:
        """Score by other settings from now on; what was seen is kept."""
        self._settings = settings
        self._score = self._sum_up()

    def snapshot(self) -> CompositeState:
        return CompositeState(seen=dict(self._seen))

    def restore(self, state: CompositeState, at: Nanos) -> None:
        """Go on with what was seen before a restart, which is known no more until it is seen again."""
        self._seen = {
            name: Seen(value=seen.value, missing_since=at) if seen.missing_since is None else seen
            for name, seen in state.seen.items()
        }
        self._score = self._sum_up()

    def status(self) -> Score:
        """Return the score as it was last made."""
        return self._score


def points_of(part: Part, value: float) -> float:
    """Return 100 · (x - at_0) / (at_100 - at_0), from 0 to 100."""
    return WHOLE * min(1.0, max(0.0, (value - part.at_0) / (part.at_100 - part.at_0)))


def worst(weathers: Mapping[str, Weather | None]) -> Weather | None:
    """Return the worst that is known of several, None where none is."""
    return max((each for each in weathers.values() if each is not None), default=None)
