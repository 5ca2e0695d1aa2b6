"""Before anything is timed: the product's outputs equal the textbook's, message by message.

Decimals are equal exactly. Floats equal a recomputation in fractions, rounded once, to the last bit
(the textbook itself rounds at every step, to 28 digits: it is held to 1e-9 of that).
"""

from collections.abc import Callable
from typing import Any

from . import product
from .exact import exact_floats
from .inputs import Input
from .textbook import Textbook

CLOSE = 1e-9


class Unequal(Exception):
    """Two outputs differ; the message shows the first difference."""


Values = Callable[[bytes], dict[str, Any] | None]


def verify(given: Input, product_of: Callable[[Input], Values] | None = None) -> int:
    """Compare every message of an input; return how many there were. Raises `Unequal`."""
    textbook = Textbook(given.snapshot)
    textbook.apply(given.frames[0])
    take = (product_of or _pipeline)(given)
    feed = product.Feed(given.snapshot, given.frames[0])
    for number, frame in enumerate(given.timed, start=1):
        row, ours = textbook.take(frame), take(frame)
        where = f"{given.name} message {number}"
        if row is None or ours is None:
            raise Unequal(f"{where}: textbook {_there(row)}, product {_there(ours)}")
        _compare(where, row, ours, exact_floats(textbook))
        alone = feed.take_reading(frame)
        if alone is None or product.values_of(alone) != ours:
            raise Unequal(f"{where}: the reading alone differs from the pipeline's")
    _compare_books(given, textbook)
    return len(given.timed)


def _pipeline(given: Input) -> Values:
    pipeline = product.Pipeline(given.snapshot, given.frames[0])

    def take(frame: bytes) -> dict[str, Any] | None:
        reading = pipeline.take_and_show(frame)
        return None if reading is None else product.values_of(reading)

    return take


def _compare(
    where: str, row: dict[str, Any], ours: dict[str, Any], exact: dict[str, float | None]
) -> None:
    for name, value in ours.items():
        expected = exact.get(name, row[name])
        if value != expected or isinstance(value, float) is not isinstance(expected, float):
            raise Unequal(f"{where}: {name}: product {value!r}, expected {expected!r}")
        told = row[name]
        if isinstance(value, float) and abs(told - value) > CLOSE * max(1.0, abs(value)):
            raise Unequal(f"{where}: {name}: product {value!r}, textbook {told!r}")
    missing = {name for name in row if not name.startswith("z_")} - set(ours)
    if missing:
        raise Unequal(f"{where}: the product does not tell {sorted(missing)}")


def _compare_books(given: Input, textbook: Textbook) -> None:
    """Compare every level of the books as they stand in the end."""
    book = product.Book(given.snapshot)
    for frame in given.frames:
        book.write(frame)
    sides = list(reversed(textbook.bids.items())), list(textbook.asks.items())
    for side, ours, expected in zip(("bid", "ask"), book.levels(), sides, strict=True):
        if ours != expected:
            index = next(
                (
                    n
                    for n, pair in enumerate(zip(ours, expected, strict=False))
                    if pair[0] != pair[1]
                ),
                min(len(ours), len(expected)),
            )
            ours_there, theirs = ours[index : index + 1], expected[index : index + 1]
            raise Unequal(f"{given.name}: {side} level {index}: {ours_there} != {theirs}")


def _there(row: object) -> str:
    return "said nothing" if row is None else "told a row"
