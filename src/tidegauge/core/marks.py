"""Sums from the touch of a side to a price, and moving a mark from one price to another."""

from .level import Level, Mark
from .side import FAR, BookSide

NEAR_BUCKETS = 3
"""A mark that moves through more buckets than this has its sums added up anew."""

FEW_TICKS = 8
"""A mark that moves over no more of them looks each up."""

NOTHING: dict[int, Level] = {}


def move(side: BookSide, mark: Mark, edge: int) -> None:
    """Move a mark; what lies between the prices is added or taken away."""
    low, high = (mark.edge, edge) if mark.edge < edge else (edge, mark.edge)
    grows = 1 if (mark.edge < edge) is (side.sign > 0) else -1
    if side.sign > 0:  # the edge itself is inside
        low, high = low + 1, high + 1
    mark.edge = edge
    if high - low <= FEW_TICKS:
        for ticks in range(low, high):
            level = side.members.get(side.bucket_of(ticks), NOTHING).get(ticks)
            if level is not None and level.lots:
                mark.lots += grows * level.lots
                mark.value += grows * level.lots * ticks
        return
    first, last = side.bucket_of(low), side.bucket_of(high - 1)
    if FAR in (first, last) or last - first > NEAR_BUCKETS:
        mark.lots, mark.value = sum_to(side, edge)
        return
    for bucket in range(first, last + 1):
        if side.lots_in[bucket]:
            inside = side.members[bucket]
            passed = [level for ticks, level in inside.items() if low <= ticks < high]
            mark.lots += grows * sum([level.lots for level in passed])
            mark.value += grows * sum([level.ticks * level.lots for level in passed])


def sum_to(side: BookSide, edge: int) -> tuple[int, int]:
    """Return lots and value from the touch to a price, itself included."""
    if side.touch is None or (side.touch.ticks - edge) * side.sign > 0:
        return 0, 0
    at, ends_in = side.touch.bucket, side.bucket_of(edge)
    low, high = at, ends_in
    if side.sign < 0:
        low, high = (0 if ends_in == FAR else ends_in + 1), at + 1
    members = side.members.get(ends_in, {}).items()
    inside = [level for ticks, level in members if (ticks - edge) * side.sign <= 0]
    return (
        sum(side.lots_in[low:high]) + sum([level.lots for level in inside]),
        sum(side.value_in[low:high]) + sum([level.ticks * level.lots for level in inside]),
    )
