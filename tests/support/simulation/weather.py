"""What goes wrong between the monitor and its venues, each fault drawn from the seed."""

import random
from dataclasses import dataclass, fields, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """How likely each fault is: of a frame, of a request or a handshake, or of a second.

    TCP neither loses nor reorders within a connection: lost, doubled, swapped and spoilt frames are
    the venue's own faults. A spoilt frame is never readable: what looks right and is wrong cannot
    be told by anyone but a checksum.
    """

    # of a frame
    lost: float = 0.0
    doubled: float = 0.0
    swapped: float = 0.0
    repeated_later: float = 0.0
    spoilt: float = 0.0
    cut_within: float = 0.0
    late: float = 0.0
    # of a request
    limited: float = 0.0
    failing: float = 0.0
    truncated: float = 0.0
    slow_answer: float = 0.0
    no_answer: float = 0.0
    stale_answer: float = 0.0
    # of a handshake
    turned_away: float = 0.0
    unreachable: float = 0.0
    # of a socket, in a second
    cut: float = 0.0
    half_open: float = 0.0
    zombie: float = 0.0
    mute_symbol: float = 0.0
    slow_link: float = 0.0
    # of a venue, in a second
    restart: float = 0.0
    clock_step: float = 0.0
    # of us, in a second
    own_clock_step: float = 0.0

    @property
    def calm(self) -> bool:
        return self == CALM


CALM = Weather()

WORST = Weather(
    lost=0.005,
    doubled=0.01,
    swapped=0.005,
    repeated_later=0.01,
    spoilt=0.004,
    cut_within=0.005,
    late=0.01,
    limited=0.05,
    failing=0.1,
    truncated=0.05,
    slow_answer=0.05,
    no_answer=0.03,
    stale_answer=0.3,
    turned_away=0.2,
    unreachable=0.2,
    cut=0.015,
    half_open=0.002,
    zombie=0.002,
    mute_symbol=0.004,
    slow_link=0.005,
    restart=0.001,
    clock_step=0.005,
    own_clock_step=0.005,
)
"""The most of each fault."""


def drawn(chance: random.Random) -> Weather:
    """Draw the weather of one run: about half of all faults, each mild or at its worst."""
    chosen = {}
    for each in fields(Weather):
        rate = getattr(WORST, each.name) * 10 ** -chance.uniform(0.0, 1.0)
        chosen[each.name] = rate if chance.random() < 0.55 else 0.0
    return replace(CALM, **chosen)
