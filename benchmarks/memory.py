"""Memory a level: many books of a known size, counted by the interpreter and by the system."""

import gc
import tracemalloc
from collections.abc import Callable

from . import product
from .fresh import in_a_process
from .parts import Outcome, Part, Scale
from .resident import resident
from .tape import Shape, Tape, always, generate
from .textbook import Textbook
from .timing import progress


def run(scale: Scale) -> Outcome:
    """Count fresh books, books after many changes, and the textbook's."""
    levels, books, messages = (200, 5, 50) if scale.quick else (1000, 30, 2000)
    tape = generate(Shape(levels=levels, changes=always(10)), messages, seed=5)
    outcome: Outcome = {"levels_a_side": levels, "books": books, "messages": messages}
    progress(f"  {books} books of {levels:,} levels a side")
    for name, make in MAKERS.items():
        outcome[name] = in_a_process(counted, make, tape, books, levels)
    return outcome


def _fresh(tape: Tape) -> object:
    return product.Book(tape.snapshot).book


def _churned(tape: Tape) -> object:
    book = product.Book(tape.snapshot)
    for frame in tape.frames:
        book.write(frame)
    return book.book


def _textbook(tape: Tape) -> object:
    textbook = Textbook(tape.snapshot)
    return textbook.bids, textbook.asks


MAKERS: dict[str, Callable[[Tape], object]] = {
    "fresh": _fresh,
    "after_changes": _churned,
    "textbook": _textbook,
}


def counted(
    make: Callable[[Tape], object], tape: Tape, books: int, levels: int
) -> dict[str, float | None]:
    """Return bytes a level: resident over all books, traced over a few."""
    kept = [make(tape)]
    gc.collect()
    before = resident()
    kept += [make(tape) for _ in range(books)]
    gc.collect()
    after = resident()
    kept.clear()
    few = max(2, books // 10)
    tracemalloc.start()
    began, _ = tracemalloc.get_traced_memory()
    kept += [make(tape) for _ in range(few)]
    gc.collect()
    ended, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    grown = None if before is None or after is None else (after - before) / (2 * levels * books)
    return {
        "traced_bytes_a_level": round((ended - began) / (2 * levels * few), 1),
        "resident_bytes_a_level": None if grown is None else round(grown, 1),
    }


def tell(outcome: Outcome) -> list[str]:
    """Return the lines that show the figures."""
    lines = [f"{outcome['books']} books of {outcome['levels_a_side']:,} levels a side"]
    for name, says in (
        ("fresh", "a fresh book"),
        ("after_changes", f"after {outcome['messages']:,} messages of 10 changes"),
        ("textbook", "the textbook's two SortedDicts"),
    ):
        found = outcome[name]
        system = found["resident_bytes_a_level"]
        told = "" if system is None else f", {system:,.0f} resident"
        lines.append(
            f"  {says:40}{found['traced_bytes_a_level']:>6,.0f} bytes a level traced{told}"
        )
    return lines


PART = Part(name="memory", says="memory a level of the book", run=run, tell=tell)
