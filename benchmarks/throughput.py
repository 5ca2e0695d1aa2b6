"""Messages a second of the book, of readings, and of the full pipeline, beside the textbook."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

from . import product
from .equality import verify
from .inputs import NAMES, Input, load
from .parts import Outcome, Part, Scale
from .textbook import Textbook
from .timing import Start, Take, alternate, progress

TEXTBOOK, OURS, USUAL = "textbook", "tidegauge", "tidegauge_rows_each_second"
SECOND = 1_000_000_000


@cache
def _loaded(name: str, messages: int) -> Input:
    return load(name, messages)


@cache
def _verified(name: str, messages: int) -> int:
    progress(f"  {name}: comparing every message")
    return verify(_loaded(name, messages))


def _textbook(given: Input) -> Textbook:
    textbook = Textbook(given.snapshot)
    textbook.apply(given.frames[0])
    return textbook


def _textbook_book(given: Input) -> Take:
    textbook = _textbook(given)

    def take(frame: bytes) -> object:
        textbook.apply(frame)
        return textbook.touch()

    return take


def _textbook_reading(given: Input) -> Take:
    return _textbook(given).take


def _textbook_row(given: Input) -> Take:
    textbook = _textbook(given)

    def take(frame: bytes) -> object:
        row = textbook.take(frame)
        return None if row is None else textbook.line(row).encode()

    return take


def _feed(given: Input) -> product.Feed:
    return product.Feed(given.snapshot, given.frames[0])


def _pipeline(given: Input, write_every: int = 0) -> Take:
    return product.Pipeline(given.snapshot, given.frames[0], write_every=write_every).take


Contenders = dict[str, Callable[[Input], Take]]
BOOK: Contenders = {TEXTBOOK: _textbook_book, OURS: lambda given: _feed(given).take_book}
READINGS: Contenders = {TEXTBOOK: _textbook_reading, OURS: lambda given: _feed(given).take_reading}
PIPELINE: Contenders = {
    TEXTBOOK: _textbook_row,
    OURS: _pipeline,
    USUAL: partial(_pipeline, write_every=SECOND),
}


def compare(contenders: Contenders, scale: Scale) -> Outcome:
    """Verify every input, then time the contenders on each, in turn."""
    outcome: Outcome = {"inputs": {}}
    compared = {name: _verified(name, scale.messages) for name in NAMES}
    for name, equal in compared.items():
        given = _loaded(name, scale.messages)
        progress(f"  {name}: {scale.passes} passes of {len(given.timed):,} messages each, in turn")
        starts: dict[str, Start] = {each: partial(make, given) for each, make in contenders.items()}
        timed = alternate(starts, given.timed, scale.passes)
        found: dict[str, Any] = {
            "says": given.says,
            "messages": len(given.timed),
            "equal": equal,
            "changes_a_message": round(given.changes, 1),
            **{each: figures.summary() for each, figures in timed.items()},
        }
        found["ratio"] = round(timed[OURS].rate / timed[TEXTBOOK].rate, 2)
        outcome["inputs"][name] = found
    return outcome


def tell(outcome: Outcome) -> list[str]:
    """Return the lines that show the figures."""
    lines = []
    for name, found in outcome["inputs"].items():
        lines.append(f"{name}: {found['says']}")
        lines.append(f"  {found['equal']:,} of {found['messages']:,} messages compared equal")
        lines += [
            f"  {who.replace('_', ' '):27}{figures_line(found[who])}"
            for who in (TEXTBOOK, OURS, USUAL)
            if who in found
        ]
        lines.append(f"  ratio {found['ratio']:.2f}")
    return lines


def figures_line(figures: dict[str, Any]) -> str:
    """Return rate, spread and percentiles in one line."""
    low, high = figures["slowest_and_fastest_pass"]
    tail = ", ".join(
        f"{name.replace('_', '.')} {figures[f'{name}_us']:,.0f}"
        for name in ("p50", "p99", "p99_9", "max")
    )
    return f"{figures['messages_per_s']:>9,.0f} messages/s ({low:,.0f} to {high:,.0f}); us: {tail}"


PARTS = (
    Part(
        name="book",
        says="bytes to book: decode, sequence check, update, best bid and ask read",
        run=partial(compare, BOOK),
        tell=tell,
    ),
    Part(
        name="readings",
        says="bytes to reading: the same, and every measure of both sides at full depth",
        run=partial(compare, READINGS),
        tell=tell,
    ),
    Part(
        name="pipeline",
        says="bytes to encoded row: the same, and signals, and the row of every message",
        run=partial(compare, PIPELINE),
        tell=tell,
    ),
)
