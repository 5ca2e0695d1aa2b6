"""How the cost of a message grows with the book's size, with the levels a message changes, with books."""

import math
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from statistics import median
from typing import Any

from . import product
from .crowd import EVEN, gather
from .equality import verify
from .inputs import Input
from .parts import Outcome, Part, Scale
from .tape import Shape, always, generate
from .throughput import PIPELINE, TEXTBOOK
from .timing import Take, one_pass, progress

OURS = "tidegauge"
SIZES = (100, 300, 1_000, 3_000, 10_000, 50_000)
CHANGES = (1, 3, 10, 30, 100, 300, 1_000)
BOOKS = (1, 3, 10, 30, 100, 300, 1_000)
BOOK_OF_CHANGES = 5_000
"""Levels a side where a message may change a thousand of them."""

BOOK_OF_MANY = 200
TEXTBOOK_LEVELS = 400_000
"""Levels that the textbook may pass over in a pass: it takes fewer messages of larger books."""


VERIFIED = 20
"""Messages of each tape that are compared before it is timed."""


def run(scale: Scale) -> Outcome:
    """Draw the three curves."""
    quick = scale.quick
    messages, passes = (60, 1) if quick else (600, 3)
    sizes, changes, books = ((100, 1_000), (1, 30), (1, 10)) if quick else (SIZES, CHANGES, BOOKS)
    outcome: Outcome = {"changes_at": 10, "levels_at": BOOK_OF_CHANGES, "levels_many": BOOK_OF_MANY}
    outcome["sizes"] = [_cost("levels", size, size, 10, messages, passes) for size in sizes]
    outcome["changes"] = [
        _cost(
            "changes", each, BOOK_OF_CHANGES, each, max(40, messages // (1 + each // 100)), passes
        )
        for each in changes
    ]
    outcome["books"] = [_crowded(count, messages, passes) for count in books]
    outcome["exponent"] = exponent(outcome["sizes"], "levels", OURS)
    outcome["textbook_exponent"] = exponent(outcome["sizes"], "levels", TEXTBOOK)
    outcome["grown"] = grown(outcome["sizes"])
    return outcome


def _cost(
    name: str, value: int, levels: int, changes: int, messages: int, passes: int
) -> dict[str, Any]:
    """Return the microseconds a message costs both, in turn."""
    progress(f"  {levels:,} levels a side, {changes:,} changes a message")
    tape = generate(Shape(levels=levels, changes=always(changes)), messages, seed=11)
    given = Input(name=name, says="", snapshot=tape.snapshot, frames=tape.frames)
    verify(replace(given, frames=given.frames[: VERIFIED + 1]))
    few = max(20, min(messages, TEXTBOOK_LEVELS // (2 * levels)))
    costs: dict[str, list[float]] = {OURS: [], TEXTBOOK: []}
    for _ in range(passes):
        for who, frames in ((OURS, given.timed), (TEXTBOOK, given.timed[:few])):
            spent = one_pass(partial(PIPELINE[who], given), frames)
            costs[who].append(sum(spent) / len(spent) / 1000)
    product.unsettle()
    found = {who: round(median(each), 2) for who, each in costs.items()}
    return {name: value, "changes_seen": round(given.changes, 1), **found}


def _crowded(count: int, messages: int, passes: int) -> dict[str, Any]:
    """Return the microseconds a message costs when it may be any of so many books'."""
    progress(f"  {count:,} books of {BOOK_OF_MANY} levels a side")
    each = max(3, 5 * messages // count)
    crowd = gather(count, EVEN, levels=BOOK_OF_MANY, seconds=(each + 2) / EVEN[0].rate)
    costs = []
    for _ in range(passes):
        books = product.Books(crowd.snapshots, crowd.firsts)
        turns = iter([n for _ in range(each + 1) for n in range(count)])
        frames = [
            crowd.frames[number][index] for index in range(1, each + 2) for number in range(count)
        ]
        spent = one_pass(partial(_taker, books, turns), frames)
        costs.append(sum(spent) / len(spent) / 1000)
    product.unsettle()
    return {"books": count, OURS: round(median(costs), 2)}


def _taker(books: product.Books, turns: Iterator[int]) -> Take:
    pace = product.PACE

    def take(frame: bytes) -> None:
        books.now += pace // 1000
        books.take(next(turns), frame, books.now)

    return take


def exponent(points: list[dict[str, Any]], name: str, who: str) -> float:
    """Return the slope of a straight line through the points, both axes logarithmic."""
    xs = [math.log(point[name]) for point in points]
    ys = [math.log(point[who]) for point in points]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    over = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    return round(over / sum((x - mean_x) ** 2 for x in xs), 3)


def grown(points: list[dict[str, Any]]) -> dict[str, float]:
    """Return how many times the cost and the logarithm of the size grew, from end to end."""
    first, last = points[0], points[-1]
    return {
        "cost": round(last[OURS] / first[OURS], 2),
        "logarithm": round(math.log(last["levels"]) / math.log(first["levels"]), 2),
        "size": round(last["levels"] / first["levels"], 1),
    }


def tell(outcome: Outcome) -> list[str]:
    """Return the lines that show the figures."""
    lines = ["full pipeline, us a message, mean"]
    for key, name, says in (
        ("sizes", "levels", "levels a side, 10 changes a message"),
        ("changes", "changes", f"changes a message, {outcome['levels_at']:,} levels a side"),
        ("books", "books", f"books of {outcome['levels_many']} levels a side, 10 changes"),
    ):
        lines.append(f"{says}:")
        for point in outcome[key]:
            textbook = f", textbook {point[TEXTBOOK]:>10,.1f}" if TEXTBOOK in point else ""
            lines.append(f"  {point[name]:>7,}  tidegauge {point[OURS]:>8,.1f}{textbook}")
    grown = outcome["grown"]
    lines.append(
        f"a book {grown['size']:,.0f} times as large costs {grown['cost']:.2f} times as much "
        f"(its logarithm grows {grown['logarithm']:.2f} times); exponent {outcome['exponent']:.3f}, "
        f"textbook {outcome['textbook_exponent']:.3f}"
    )
    return lines


PART = Part(
    name="growth",
    says="cost against the size of the book, the levels a message changes, and the number of books",
    run=run,
    tell=tell,
)
