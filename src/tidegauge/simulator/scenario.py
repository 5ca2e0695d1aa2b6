"""What befalls a market, and when: data over time.

Times are market time since the scenario began. A scenario never touches a book: it says which
conditions hold at an instant, and the books follow.
"""

from dataclasses import dataclass

from tidegauge.core.instrument import SECOND, Nanos, VenueName
from tidegauge.core.side import Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Wall:
    """One resting order of `multiple` times the depth within 10 bps, `distance_bps` away."""

    side: Side
    distance_bps: float
    multiple: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What holds at one instant: size multipliers, the least spread, how far the price has slid."""

    bid_factor: float = 1.0
    ask_factor: float = 1.0
    spread_bps: float = 0.0
    slide_bps: float = 0.0
    activity: float = 1.0
    wall: Wall | None = None


NORMAL = Conditions()


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A spell of other conditions: they come on, last, and wear off.

    `venues` limits it to some venues; None means all of them.
    """

    begins_at: Nanos
    lasts: Nanos
    bid_floor: float = 1.0
    ask_floor: float = 1.0
    spread_bps: float = 0.0
    slide_bps: float = 0.0
    activity: float = 1.0
    wall: Wall | None = None
    onset: Nanos = 600_000_000
    recovery: Nanos = 3 * SECOND
    venues: frozenset[VenueName] | None = None

    def share(self, elapsed: Nanos) -> float:
        """Return how much of the episode holds, from 0 (not yet, no longer) to 1 (wholly)."""
        since = elapsed - self.begins_at
        if since <= 0:
            return 0.0
        if since <= self.lasts:
            return min(1.0, since / self.onset)
        return max(0.0, 1.0 - (since - self.lasts) / self.recovery)

    def conditions(self, elapsed: Nanos) -> Conditions:
        """Return what this episode alone makes of the market."""
        share = self.share(elapsed)
        if not share:
            return NORMAL
        since = elapsed - self.begins_at
        slid = since / self.lasts if since < self.lasts else share
        return Conditions(
            bid_factor=self.bid_floor**share,
            ask_factor=self.ask_floor**share,
            spread_bps=self.spread_bps * share,
            slide_bps=self.slide_bps * slid,
            activity=1.0 + (self.activity - 1.0) * share,
            wall=self.wall if since <= self.lasts else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A named list of episodes. `every` makes it start again after that long."""

    name: str
    episodes: tuple[Episode, ...] = ()
    every: Nanos | None = None

    def conditions(self, venue: VenueName, elapsed: Nanos | None) -> Conditions:
        """Return what holds on `venue`, `elapsed` after the start; None is before it."""
        if elapsed is None or not self.episodes:
            return NORMAL
        if self.every is not None:
            elapsed %= self.every
        combined = NORMAL
        for episode in self.episodes:
            if episode.venues is None or venue in episode.venues:
                combined = _both(combined, episode.conditions(elapsed))
        return combined


def _both(one: Conditions, other: Conditions) -> Conditions:
    if other is NORMAL:
        return one
    return Conditions(
        bid_factor=one.bid_factor * other.bid_factor,
        ask_factor=one.ask_factor * other.ask_factor,
        spread_bps=max(one.spread_bps, other.spread_bps),
        slide_bps=one.slide_bps + other.slide_bps,
        activity=max(one.activity, other.activity),
        wall=other.wall or one.wall,
    )


CALM = Scenario(name="calm")


def crunch(
    *,
    at: Nanos = 20 * SECOND,
    lasts: Nanos = 12 * SECOND,
    floor: float = 0.25,
    venues: frozenset[VenueName] | None = None,
    every: Nanos | None = None,
) -> Scenario:
    """Both sides withdraw to `floor` of their size, the spread opens, the price slides."""
    episode = Episode(
        begins_at=at,
        lasts=lasts,
        bid_floor=floor,
        ask_floor=floor,
        spread_bps=1.5,
        slide_bps=-10.0,
        activity=2.2,
        venues=venues,
    )
    return Scenario(name="crunch", episodes=(episode,), every=every)


def one_sided(
    *,
    at: Nanos = 20 * SECOND,
    lasts: Nanos = 30 * SECOND,
    taken: Side = Side.ASK,
    floor: float = 0.18,
    venues: frozenset[VenueName] | None = None,
) -> Scenario:
    """One side is eaten while the other grows: a run (NEXOUSDT, 2024-07-24)."""
    episode = Episode(
        begins_at=at,
        lasts=lasts,
        bid_floor=floor if taken is Side.BID else 1.4,
        ask_floor=floor if taken is Side.ASK else 1.4,
        spread_bps=0.5,
        slide_bps=25.0 if taken is Side.ASK else -25.0,
        activity=2.2,
        venues=venues,
    )
    return Scenario(name="one_sided", episodes=(episode,))


def wall(
    *,
    at: Nanos = 20 * SECOND,
    lasts: Nanos = 60 * SECOND,
    side: Side = Side.ASK,
    multiple: float = 3.0,
    venues: frozenset[VenueName] | None = None,
) -> Scenario:
    """A huge order rests near the touch, then the price leaves it: a decoy, not a withdrawal."""
    away = -22.0 if side is Side.ASK else 22.0
    episode = Episode(
        begins_at=at,
        lasts=lasts,
        slide_bps=away,
        wall=Wall(side=side, distance_bps=5.0, multiple=multiple),
        recovery=10 * SECOND,
        venues=venues,
    )
    return Scenario(name="wall", episodes=(episode,))
