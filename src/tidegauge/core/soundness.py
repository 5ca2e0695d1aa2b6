"""Whether one side of a book contradicts itself."""

from .errors import BookInvariantError
from .exact import from_units
from .marks import sum_to
from .side import BUCKETS, BookSide, Level


def check_side(side: BookSide, price_scale: int) -> None:
    """Compare everything that a side keeps with its levels. Raises `BookInvariantError`."""
    name = side.side
    living = [level for level in side.levels if level.lots]
    _check_levels(side, price_scale)
    with_lots = sum(1 for level in side.by_text.levels() if level.lots)
    if not len(living) == len(side) == with_lots:
        raise BookInvariantError(f"{len(side)} {name} levels are not the {with_lots} with a size")
    best = (living[0] if side.sign > 0 else living[-1]) if living else None
    if side.touch is not best:
        raise BookInvariantError(f"the best {name} is {best}, not {side.touch}")
    _check_sums(side, living)
    if side.window is not None and len(side) > side.window:
        raise BookInvariantError(f"{name} side exceeds its window of {side.window}")


def _check_levels(side: BookSide, price_scale: int) -> None:
    name, previous = side.side, 0
    for level in side.levels:
        ticks = level.ticks
        if level.lots < 0:
            raise BookInvariantError(f"{name} level {level} has {level.lots} lots")
        if from_units(ticks, price_scale) != level:
            raise BookInvariantError(f"{name} level {level} has {ticks} ticks")
        known = side.members.get(side.bucket_of(ticks), {}).get(ticks)
        if known is not side.levels[level] or known is not level or not known.listed:
            raise BookInvariantError(f"{name} level {level} is two levels")
        if previous >= ticks:
            raise BookInvariantError(f"{name} levels out of order at {level}")
        previous = ticks


def _check_sums(side: BookSide, living: list[Level]) -> None:
    lots_in, value_in = [0] * (BUCKETS + 1), [0] * (BUCKETS + 1)
    for level in living:
        lots_in[level.bucket] += level.lots
        value_in[level.bucket] += level.ticks * level.lots
    if (lots_in, value_in) != (side.lots_in, side.value_in):
        raise BookInvariantError(f"the {side.side} sums are not those of the levels")
    for mark in side.marks:
        if sum_to(side, mark.edge) != (mark.lots, mark.value):
            raise BookInvariantError(
                f"the {side.side} sums up to {mark.edge} are not of its levels"
            )
    if [level.ticks for level in side.nearest(1)] != [level.ticks for level in _ends(side, living)]:
        raise BookInvariantError(f"the nearest {side.side} levels are not those of the book")


def _ends(side: BookSide, living: list[Level]) -> list[Level]:
    return living[:1] if side.sign > 0 else living[-1:]
