"""What of a picture is told: that of daemons which are alive, and of a bounded number of symbols."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from tidegauge.runtime.window.across import ShownDaemon, ShownSymbol, worst_first
from tidegauge.runtime.window.books import ShownBook
from tidegauge.runtime.window.picture import Picture

from .labels import clean

FRESH_S = 15.0
"""A daemon that has shown nothing for longer is taken for dead: its numbers are not told as the present."""

MOST_SYMBOLS = 100
"""Symbols that get series of their own, the worst by score first; the others are only counted."""

NAMED = 3
"""How many of its symbols name a daemon."""

EVERYTHING = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A picture at `now`. `names` are those of the daemons that are alive, by id; `dead` of the others."""

    picture: Picture
    now: datetime
    names: dict[str, str]
    dead: tuple[str, ...]
    symbols: tuple[ShownSymbol, ...]
    books: tuple[ShownBook, ...]
    left_out: int

    @classmethod
    def of(cls, picture: Picture, now: datetime) -> Self:
        """Look at a picture."""
        alive = {id_: each for id_, each in picture.daemons.items() if each.age_s(now) <= FRESH_S}
        names = _names(alive)
        gone = [each for id_, each in picture.daemons.items() if id_ not in alive]
        # One that was started again is not dead.
        dead = {_name(each) for each in gone} - {_name(each) for each in alive.values()}
        known = [each for each in picture.symbols.values() if each.daemon in names]
        chosen = worst_first(known)[:MOST_SYMBOLS]
        told = {each.symbol for each in chosen}
        books = [
            each for each in picture.books.values() if each.daemon in names and each.symbol in told
        ]
        return cls(
            picture=picture,
            now=now,
            names=names,
            dead=tuple(sorted(dead)),
            symbols=tuple(chosen),
            books=tuple(books),
            left_out=len(known) - len(chosen),
        )

    def daemons(self) -> list[tuple[str, ShownDaemon]]:
        """Return the daemons that are alive, by name."""
        return [(name, self.picture.daemons[id_]) for id_, name in self.names.items()]

    def watches(self, symbol: str) -> bool:
        """Whether a daemon that is alive knows of a symbol, or of a venue as a whole."""
        if symbol == EVERYTHING:
            return bool(self.names)
        return any(symbol in each.symbols for _name, each in self.daemons())

    def age_s(self, at: datetime) -> float:
        """How long ago it was. Clocks of two processes may differ by a little: never less than nothing."""
        return max(0.0, (self.now - at).total_seconds())


def _names(alive: dict[str, ShownDaemon]) -> dict[str, str]:
    """Name daemons by what they watch: that outlives a restart. Two that watch the same add their ids."""
    names = {id_: _name(each) for id_, each in alive.items()}
    taken = list(names.values())
    return {
        id_: clean(f"{name}#{id_}") if taken.count(name) > 1 else name
        for id_, name in names.items()
    }


def _name(daemon: ShownDaemon) -> str:
    more = len(daemon.symbols) - NAMED
    told = ",".join(daemon.symbols[:NAMED]) or daemon.id
    return clean(f"{told}+{more}" if more > 0 else told)
