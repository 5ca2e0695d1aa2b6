"""Slices of Binance's recordings, each with one update to take out and the truth after every one.

The truth is a core `OrderBook` that was given every update, in order, by nobody's judgement.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from tests.support.oracle import Touch, touch_of
from tests.support.recordings import Recording, tape_lines

from tidegauge.core.book import OrderBook
from tidegauge.core.instrument import Nanos
from tidegauge.core.side import Side
from tidegauge.wire.tape import TapeKind

SLICE = 2_000
TOP = 20
"""Levels a side that are compared at the end of a slice."""

LIMITS = {"binance": 5_000, "binance-futures": 1_000}
"""Levels a side that the monitor asks for."""

Rows = list[tuple[str, str]]
Tops = Mapping[Side, Sequence[tuple[Decimal, Decimal]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """One recorded update: its frame, and what it says."""

    at: Nanos
    update: int
    text: str
    bids: Rows
    asks: Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Consecutive updates of one book.

    The update at index `removed` is to be lost. `touches` is the truth after each update, `tops`
    after the last. A snapshot is answered `lag` frames after it was asked for; `answers` holds what
    the venue then says, by index: at the start, and after the gap.
    """

    recording: Recording
    start: int
    removed: int
    lag: int
    diffs: Sequence[Diff]
    touches: Sequence[Touch]
    tops: Tops
    answers: Mapping[int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where in a recording a slice is, and which update it loses."""

    start: int
    removed: int
    lag: int

    @property
    def end(self) -> int:
        return self.start + SLICE

    @property
    def answered(self) -> tuple[int, int]:
        return self.lag, self.removed + 1 + self.lag


def cut_slices(folder: Path, recording: Recording, count: int, seed: str) -> list[Slice]:
    """Return `count` slices at random places of a recording."""
    chance = random.Random(f"{seed}/{recording.file}")
    book, diffs = _read(folder, recording)
    places = [
        _Place(
            start=chance.randrange(len(diffs) - SLICE),
            removed=chance.randrange(100, SLICE - 100),
            lag=chance.randrange(6),
        )
        for _ in range(count)
    ]
    ends = {place.end for place in places}
    answered = {place.start + index for place in places for index in place.answered}
    answers: dict[int, bytes] = {}
    tops: dict[int, Tops] = {}
    touches: list[Touch] = []
    for index, diff in enumerate(diffs[: max(ends)]):
        book.apply_delta(diff.bids, diff.asks)
        touch = touch_of(book)
        assert touch is not None
        touches.append(touch)
        if index in answered:
            answers[index] = _snapshot(book, diff.update, LIMITS[recording.venue])
        if index + 1 in ends:
            tops[index + 1] = top(book)
    return [
        Slice(
            recording=recording,
            start=place.start,
            removed=place.removed,
            lag=place.lag,
            diffs=diffs[place.start : place.end],
            touches=touches[place.start : place.end],
            tops=tops[place.end],
            answers={index: answers[place.start + index] for index in place.answered},
        )
        for place in places
    ]


def _snapshot(book: OrderBook, last: int, limit: int) -> bytes:
    """Return a book as the venue's REST answer."""
    bids, asks = (
        [(f"{price:f}", f"{size:f}") for price, size in book.top(side, limit)] for side in Side
    )
    return msgspec.json.encode({"lastUpdateId": last, "bids": bids, "asks": asks})


def top(book: OrderBook) -> Tops:
    """Return the best levels of both sides."""
    return {side: book.top(side, TOP) for side in Side}


def _read(folder: Path, recording: Recording) -> tuple[OrderBook, list[Diff]]:
    """Return the recorded snapshot as a book, and the updates that follow it."""
    snapshot: Any = None
    diffs = []
    for line in tape_lines(folder, recording.file):
        if line.kind is TapeKind.HTTP:
            snapshot = msgspec.json.decode(line.text)
        elif line.kind is TapeKind.RECV and '"depthUpdate"' in line.text:
            data: Any = msgspec.json.decode(line.text)["data"]
            diffs.append(
                Diff(at=line.at, update=data["u"], text=line.text, bids=data["b"], asks=data["a"])
            )
    book, last = OrderBook(), snapshot["lastUpdateId"]
    book.apply_snapshot(snapshot["bids"], snapshot["asks"])
    return book, [diff for diff in diffs if diff.update > last]
