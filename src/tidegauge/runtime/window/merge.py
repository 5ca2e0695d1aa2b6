"""One picture of all the daemons that are seen."""

from collections.abc import Mapping
from datetime import datetime

from .client import Seen
from .picture import Picture


def picture_of(seen: Mapping[str, Seen], now: datetime) -> Picture:
    """Return what the daemons show, together.

    Of one that is gone there is only its own record, which says when it was last seen.
    """
    known = {name: each.round for name, each in sorted(seen.items()) if each.round is not None}
    there = {name: round_ for name, round_ in known.items() if seen[name].gone_at is None}
    rounds = there.values()
    return Picture(
        at=now,
        daemons={name: round_.daemon for name, round_ in known.items()},
        symbols={each.symbol: each for round_ in rounds for each in round_.symbols},
        venues={
            f"{each.venue}@{name}": each for name, round_ in there.items() for each in round_.venues
        },
        books={str(id_): book for name in there for id_, book in seen[name].books.items()},
        alerts={each.id: each for round_ in rounds for each in round_.desk.alerts},
        incidents={
            each.id: each
            for round_ in rounds
            for each in (*round_.desk.over, *round_.desk.incidents)
        },
        silences={each.id: each for round_ in rounds for each in round_.desk.silences},
        exposures={each.asset: each for round_ in rounds for each in round_.exposures},
        mutes=tuple(
            sorted((each for round_ in rounds for each in round_.desk.mutes), key=lambda m: m.at)
        ),
    )
