"""What a book must do to take part, and the small things that several of them need."""

import importlib
from collections.abc import Coroutine
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

import msgspec

Number: TypeAlias = Decimal | float
Levels: TypeAlias = list[tuple[Number, Number]]


class Contestant(Protocol):
    """One book: two ways of writing to it, and a way of reading its best bid and ask."""

    def adapt(self, frame: bytes) -> bytes:
        """Return the frame as the venue that this book knows would tell it. Untimed."""
        ...

    def write(self, frame: bytes) -> None:
        """Take wire text by the path of a user."""
        ...

    def prepare(self, frame: bytes) -> Any:
        """Return what `write_prepared` wants of a frame. Untimed."""
        ...

    def write_prepared(self, prepared: Any) -> None:
        """Take what was prepared: the book at its best."""
        ...

    def read(self) -> object:
        """Read best bid and ask, as the book tells them."""
        ...

    def touch(self) -> tuple[Number, Number]:
        """Return best bid and ask as numbers."""
        ...

    def levels(self) -> tuple[Levels, Levels]:
        """Return every level of both sides, best first."""
        ...


class Make(Protocol):
    """Makes a book of a snapshot. Raises `ImportError` where its package is not installed."""

    def __call__(self, snapshot: bytes) -> Contestant: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A package, and how its book is taken here. `exact`: it keeps decimals, not floats."""

    name: str
    package: str
    exact: bool
    user: str
    best: str
    make: Make


class Plain:
    """Frames as they are."""

    def adapt(self, frame: bytes) -> bytes:
        return frame


class _Data(msgspec.Struct):
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]


class _Frame(msgspec.Struct):
    data: _Data


class Snapshot(msgspec.Struct):
    """A REST answer."""

    last: int = msgspec.field(name="lastUpdateId")
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]


frame_decoder = msgspec.json.Decoder(_Frame)
snapshot_decoder = msgspec.json.Decoder(Snapshot)


def library(name: str) -> Any:
    """Import a package that may be missing, typed or not."""
    return importlib.import_module(name)


def at_once(work: Coroutine[Any, Any, Any]) -> None:
    """Run a coroutine that never waits: cheaper than any event loop."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise RuntimeError("it waited")
