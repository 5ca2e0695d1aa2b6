"""Fire drills: what befalls a market, when, and what a rule set must make of it. Data.

Times are since the drill began. Each begins with calm for as long as the windows need
(`min_samples`), and ends with calm for as long as it takes an incident to end.
"""

from math import log

from tidegauge.core.alert import Severity, Signal
from tidegauge.core.incident import Family
from tidegauge.core.instrument import MINUTE, SECOND, Nanos, VenueName

from .drill_plan import (
    BEGINS,
    BINANCE,
    BYBIT,
    COINBASE,
    FUTURES,
    NIGHT,
    TWO,
    Drill,
    Expected,
    Shift,
)
from .drill_venue import Trouble, TroubleKind
from .scenario import Episode

SYMBOL = "BTCUSDT"

_BACK: Nanos = 3 * SECOND
"""How long depth takes to come back."""


def _only(*venues: VenueName) -> frozenset[VenueName]:
    return frozenset(venues)


def _crunch(within: Nanos, lasts: Nanos, venue: VenueName | None = BINANCE) -> Expected:
    until = BEGINS + lasts
    return Expected(signal=Signal.CRUNCH, since=BEGINS, within=within, until=until, venue=venue)


CALM = Drill(
    name="calm",
    said="Nothing happens, on four venues.",
    ends_at=BEGINS + 6 * MINUTE,
)

STEP_CRUNCH = Drill(
    name="step-crunch",
    said="Both sides of one book lose 65 % of their depth at once, and stay away for 5 minutes.",
    books=TWO,
    ends_at=BEGINS + 5 * MINUTE + _BACK,
    episodes=(
        Episode(
            begins_at=BEGINS,
            lasts=5 * MINUTE,
            bid_floor=0.35,
            ask_floor=0.35,
            venues=_only(BINANCE),
        ),
    ),
    expected=(_crunch(4 * SECOND, 5 * MINUTE),),
    incidents=(Family.LIQUIDITY,),
    most_pages=3,
)

ONE_SIDED = Drill(
    name="one-sided-crunch",
    said="The bids of one book lose 70 % of their depth at once; its asks stay.",
    books=TWO,
    ends_at=BEGINS + 5 * MINUTE + _BACK,
    episodes=(Episode(begins_at=BEGINS, lasts=5 * MINUTE, bid_floor=0.3, venues=_only(BINANCE)),),
    expected=(_crunch(10 * SECOND, 5 * MINUTE),),
    incidents=(Family.LIQUIDITY,),
    most_pages=3,
)

_BLEED_A_SECOND, _BLED_TO = 0.003, 0.25
_HALVED: Nanos = round(log(2) / _BLEED_A_SECOND * SECOND)
_BLEEDS: Nanos = round(-log(_BLED_TO) / _BLEED_A_SECOND * SECOND)

_LONG: Nanos = 22 * MINUTE
"""A bleed that begins in a younger window becomes its noise before it is seen."""

SLOW_BLEED = Drill(
    name="slow-bleed",
    said="One book loses 0.3 % of its depth each second, down to a quarter.",
    begins_at=_LONG,
    ends_at=_LONG + _BLEEDS + 2 * MINUTE + _BACK,
    books=TWO,
    episodes=(
        Episode(
            begins_at=_LONG,
            lasts=_BLEEDS + 2 * MINUTE,
            bid_floor=_BLED_TO,
            ask_floor=_BLED_TO,
            onset=_BLEEDS,
            venues=_only(BINANCE),
        ),
    ),
    # It is due before half of the depth is gone.
    expected=(
        Expected(signal=Signal.CRUNCH, since=_LONG, within=_HALVED,
                 until=_LONG + _BLEEDS + 2 * MINUTE, venue=BINANCE),
    ),
    incidents=(Family.LIQUIDITY,),
    most_pages=4,
)  # fmt: skip

FLASH_CRASH = Drill(
    name="flash-crash",
    said="All venues fall 250 bps in 20 s, bids all but vanish, and all is back within a minute.",
    ends_at=BEGINS + 60 * SECOND,
    episodes=(
        Episode(
            begins_at=BEGINS,
            lasts=20 * SECOND,
            bid_floor=0.1,
            ask_floor=0.35,
            spread_bps=8.0,
            slide_bps=-250.0,
            onset=5 * SECOND,
            recovery=40 * SECOND,
        ),
    ),
    expected=(_crunch(8 * SECOND, 20 * SECOND, None),),
    may_fire=frozenset((Signal.STRESS, Signal.DIVERGENCE, Signal.EXECUTABLE)),
    incidents=(Family.LIQUIDITY,),
    most_pages=4,
)

SPREAD = Drill(
    name="spread-blow-out",
    said="The spread of one book goes from 0.3 to 6 bps for 3 minutes; its depth is not withdrawn.",
    books=TWO,
    ends_at=BEGINS + 3 * MINUTE + _BACK,
    episodes=(Episode(begins_at=BEGINS, lasts=3 * MINUTE, spread_bps=6.0, venues=_only(BINANCE)),),
    expected=(_crunch(8 * SECOND, 3 * MINUTE),),
    incidents=(Family.LIQUIDITY,),
    most_pages=3,
)

OUTAGE = Drill(
    name="venue-outage",
    said="One venue closes its connections and takes none for 2 minutes.",
    ends_at=BEGINS + 2 * MINUTE,
    troubles=(
        Trouble(
            kind=TroubleKind.OUTAGE,
            venues=_only(BINANCE),
            begins_at=BEGINS,
            lasts=2 * MINUTE,
        ),
    ),
    expected=(
        Expected(signal=Signal.VENUE_DOWN, since=BEGINS, within=18 * SECOND,
                 until=BEGINS + 2 * MINUTE, venue=BINANCE, least=Severity.HIGH),
    ),
    may_fire=frozenset((Signal.VENUE_DEGRADED,)),
    incidents=(Family.FEED,),
    most_pages=3,
)  # fmt: skip

_LEARNED: Nanos = 9 * MINUTE
"""By then the silences of a book are known."""

STALE = Drill(
    name="stale-venue",
    said="One venue keeps its connection open and tells nothing of its book for 2 minutes.",
    begins_at=_LEARNED,
    ends_at=_LEARNED + 2 * MINUTE,
    troubles=(
        Trouble(
            kind=TroubleKind.SILENT,
            venues=_only(BINANCE),
            begins_at=_LEARNED,
            lasts=2 * MINUTE,
        ),
    ),
    expected=(
        Expected(signal=Signal.VENUE_DOWN, since=_LEARNED, within=23 * SECOND,
                 until=_LEARNED + 2 * MINUTE, venue=BINANCE, least=Severity.HIGH),
    ),
    may_fire=frozenset((Signal.VENUE_DEGRADED,)),
    incidents=(Family.FEED,),
    most_pages=3,
)  # fmt: skip

DIVERGENCE = Drill(
    name="divergence",
    said="The price of one spot venue leaves the others by 75 bps within 5 s, for 3 minutes.",
    ends_at=BEGINS + 3 * MINUTE,
    shifts=(
        Shift(
            venues=_only(BYBIT),
            bps=-75.0,
            begins_at=BEGINS,
            onset=5 * SECOND,
            lasts=3 * MINUTE - 5 * SECOND,
            recovery=5 * SECOND,
        ),
    ),
    expected=(
        Expected(signal=Signal.DIVERGENCE, since=BEGINS + 5 * SECOND, within=8 * SECOND,
                 until=BEGINS + 3 * MINUTE - 5 * SECOND, venue=BYBIT, least=Severity.HIGH),
    ),
    may_fire=frozenset((Signal.EXECUTABLE,)),
    incidents=(Family.DIVERGENCE,),
    most_pages=4,
)  # fmt: skip

_DEPEGS: Nanos = 4 * MINUTE
_DEPEGGED_BPS = 150.0

DEPEG = Drill(
    name="stablecoin-depeg",
    said="USDC loses 1.5 % in 4 minutes: the venue that quotes in it leaves the others.",
    ends_at=BEGINS + 8 * MINUTE,
    shifts=(
        Shift(
            venues=_only(COINBASE),
            bps=_DEPEGGED_BPS,
            begins_at=BEGINS,
            onset=_DEPEGS,
            lasts=6 * MINUTE,
            recovery=2 * MINUTE,
        ),
    ),
    expected=(
        # From when it is 60 bps away from its usual premium.
        Expected(signal=Signal.DIVERGENCE, since=BEGINS + round(60 / _DEPEGGED_BPS * _DEPEGS),
                 within=10 * SECOND, until=BEGINS + 6 * MINUTE, venue=COINBASE,
                 least=Severity.HIGH),
    ),
    may_fire=frozenset((Signal.EXECUTABLE,)),
    incidents=(Family.DIVERGENCE,),
    most_pages=5,
)  # fmt: skip

GAPS = Drill(
    name="feed-gaps",
    said="One venue loses an update every 75 s; its book is got anew within a second or two.",
    ends_at=BEGINS + 6 * MINUTE,
    troubles=(
        Trouble(
            kind=TroubleKind.GAPS,
            venues=_only(FUTURES),
            begins_at=BEGINS,
            lasts=6 * MINUTE,
            every=75 * SECOND,
        ),
    ),
)

_FLAPS, _FLAP = 60, 6 * SECOND

FLAPPING = Drill(
    name="flapping-edge",
    said="One book loses 65 % of its depth for 3 s out of every 6 s, for 6 minutes.",
    books=TWO,
    ends_at=BEGINS + _FLAPS * _FLAP,
    episodes=tuple(
        Episode(
            begins_at=BEGINS + number * _FLAP,
            lasts=3 * SECOND,
            bid_floor=0.35,
            ask_floor=0.35,
            onset=SECOND // 4,
            recovery=SECOND // 4,
            venues=_only(BINANCE),
        )
        for number in range(_FLAPS)
    ),
    expected=(_crunch(15 * SECOND, (_FLAPS - 1) * _FLAP),),
    incidents=(Family.LIQUIDITY,),
    most_pages=3,
)

THIN_NIGHT = Drill(
    name="thin-night",
    said="A quarter of the usual depth, noisier and wider, and another 15 % ebbs away in 10 minutes.",
    books=NIGHT,
    ends_at=BEGINS + 8 * MINUTE,
    episodes=(
        Episode(
            begins_at=5 * MINUTE,
            lasts=20 * MINUTE,
            bid_floor=0.85,
            ask_floor=0.85,
            onset=10 * MINUTE,
        ),
    ),
)

DRILLS = {
    drill.name: drill
    for drill in (
        CALM,
        STEP_CRUNCH,
        ONE_SIDED,
        SLOW_BLEED,
        FLASH_CRASH,
        SPREAD,
        OUTAGE,
        STALE,
        DIVERGENCE,
        DEPEG,
        GAPS,
        FLAPPING,
        THIN_NIGHT,
    )
}
