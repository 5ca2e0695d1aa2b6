"""What is timed: frames of one Binance USD-M book, as bytes off the socket, and their snapshot."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .tape import Shape, Tape, always, generate, heavy_tailed, published

RECORDED = Path(__file__).parents[2] / "shared/data/binance_usdm_BTCUSDT_2024-08-08.frames.tsv.gz"
MOST_RECORDED = 6_500

PUBLISHED, DEEP, TEN, REAL = "published", "deep", "ten", "recorded"
NAMES = (PUBLISHED, DEEP, TEN, REAL)

RECORDED_SHAPE = Shape(levels=1000, changes=heavy_tailed(34, 1.17, 1226))
"""The statistics of the recording: 34 changes a message in the median, 68 on average."""

SHAPES = {
    DEEP: Shape(levels=1000, changes=always(35)),
    TEN: Shape(levels=1000, changes=always(10)),
}
SAYS = {
    PUBLISHED: "the published benchmark's shape: 5-7 levels a side, 6 changes a message",
    DEEP: "generated, 1,000 levels a side, 35 changes a message",
    TEN: "generated, 1,000 levels a side, 10 changes a message",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """A tape and what it is. The first frame joins the snapshot; every later one changes the book."""

    name: str
    says: str
    snapshot: bytes
    frames: list[bytes]

    @property
    def timed(self) -> list[bytes]:
        """The frames after the one that joins."""
        return self.frames[1:]

    @property
    def changes(self) -> float:
        """How many levels a message changes, on average."""
        return sum(map(changes_in, self.timed)) / max(1, len(self.timed))


def changes_in(frame: bytes) -> int:
    """Return how many levels a frame changes."""
    data = json.loads(frame)["data"]
    return len(data["b"]) + len(data["a"])


def load(name: str, messages: int) -> Input:
    """Return the input of that name, of at most so many messages."""
    if name == REAL:
        return recorded(messages)
    if name == PUBLISHED:
        return _input(name, SAYS[name], published(messages))
    return _input(name, SAYS[name], generate(SHAPES[name], messages))


def recorded(messages: int, path: Path = RECORDED) -> Input:
    """Return recorded frames where they are, else a generated tape of the same statistics."""
    if not path.exists():
        tape = generate(RECORDED_SHAPE, messages, seed=3)
        missing = f"generated: the recording ({path.name}) is not here; its statistics instead"
        return _input(REAL, missing, tape)
    snapshot, frames = b"", []
    for text in _updates(path, messages + 1):
        if isinstance(text, str):
            snapshot = text.encode()
        else:
            frames.append(text)
    says = "recorded USD-M BTCUSDT frames of 2024-08-08, 68 changes a message on average"
    return _input(REAL, says, Tape(snapshot, frames))


def _updates(path: Path, most: int) -> Iterator[bytes | str]:
    """Iterate over the snapshot (`str`) and the updates from the one that joins it (`bytes`)."""
    waiting: list[bytes] = []
    last, taken = None, 0
    with gzip.open(path, "rt") as lines:
        for line in lines:
            _at, kind, _conn, text = line.rstrip("\n").split("\t", 3)
            if kind == "http":
                last = json.loads(text)["lastUpdateId"]
                yield text
            elif "depthUpdate" in text[:60]:
                waiting.append(text.encode())
            while waiting and last is not None:
                frame = waiting.pop(0)
                if taken or json.loads(frame)["data"]["u"] >= last:
                    taken += 1
                    yield frame
                if taken >= most:
                    return


def _input(name: str, says: str, tape: Tape) -> Input:
    return Input(name=name, says=says, snapshot=tape.snapshot, frames=tape.frames)
