"""What somebody looks at: which symbol, which ladders, which incident, and which instant."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tidegauge.runtime.window.desk import ShownIncident

from .desk_lines import moved
from .measured import IMBALANCE, SPREAD, Z
from .memory import HOUR, Memory, Trends
from .mirror import instant_of
from .records import Reader
from .scene import Scene, scene_of
from .stored import Stored

SYMBOLS = 4
"""Symbols of which what was seen is kept, the latest that were looked at."""


@dataclass(slots=True)
class Past:
    """What is kept of one symbol: what was seen, its trends, and what the database has by venue."""

    memory: Memory = field(default_factory=lambda: Memory(32 * 1024 * 1024))
    trends: Trends = field(default_factory=Trends)
    stored: dict[str, Stored] = field(default_factory=dict)


class Viewer:
    """Takes what is heard, and says what is to be shown."""

    def __init__(self, symbol: str | None = None) -> None:
        self.symbol = symbol
        self.reader = Reader()
        self.live: Scene | None = None
        """The latest that was heard."""
        self.paused_at: datetime | None = None
        self.incident: str | None = None
        self._ladders: list[str | None] = [None, None]
        self._pasts: dict[str, Past] = {}
        self._found: tuple[datetime, Scene] | None = None

    # -- what is heard ---------------------------------------------------------------------------

    def take(self, document: Mapping[str, Any]) -> None:
        """Take what was heard last."""
        symbols = (document["picture"].get("symbols") or {}) if self.symbol is None else {}
        scene = scene_of(document, self.symbol or "", self.reader)
        if symbols and scene.symbols:
            self.symbol = scene.symbols[0]
            scene = scene_of(document, self.symbol, self.reader)
        self.live = scene
        if self.symbol is None:
            return
        past = self.past
        if any(row.live for row in scene.rows) or scene.ladders:
            past.memory.keep(scene.at, _of_symbol(document, self.symbol))
        past.trends.add(scene.at, _numbers(scene))

    @property
    def past(self) -> Past:
        """Return what is kept of the symbol."""
        name = self.symbol or ""
        past = self._pasts.pop(name, None) or Past()
        self._pasts[name] = past
        while len(self._pasts) > SYMBOLS:
            del self._pasts[next(iter(self._pasts))]
        return past

    def put_stored(self, symbol: str, venue: str, stored: Stored) -> None:
        """Take what the database keeps of a book."""
        past = self._pasts.get(symbol)
        if past is None:
            return
        past.stored[venue] = stored
        for name in ("depth", "spread"):
            past.trends.put_before((venue, Z + name), stored.trend(name))
        spreads, imbalances = [], []
        for at, each in stored.points:
            if each.spread_bps is not None:
                spreads.append((at, each.spread_bps))
            if each.imbalance is not None:
                imbalances.append((at, each.imbalance))
        past.trends.put_before((venue, SPREAD), spreads)
        past.trends.put_before((venue, IMBALANCE), imbalances)

    # -- what is shown ---------------------------------------------------------------------------

    def scene(self) -> Scene | None:
        """Return what is to be shown: the latest, or what was at the instant somebody paused at."""
        at = self.paused_at
        if at is None or self.live is None:
            return self.live
        if self._found is None or self._found[0] != at:
            self._found = (at, self._was(self.live, at))
        return self._found[1]

    def _was(self, live: Scene, at: datetime) -> Scene:
        document = self.past.memory.seen_at(at)
        if document is not None and self.symbol is not None:
            # What was seen is read by a reader of its own: what is live stays known to the other.
            return replace(scene_of(document, self.symbol, Reader()), symbols=live.symbols)
        stored = self.past.stored
        nothing = Stored(points=(), gaps=())
        rows = [stored.get(row.venue, nothing).row(row, at) for row in live.rows]
        return Scene(at=at, symbol=live.symbol, symbols=live.symbols, rows=tuple(rows), stored=True)

    @property
    def ladders(self) -> tuple[str | None, str | None]:
        """Return the venues of the two ladders: those that were chosen, else the first there are."""
        venues = [row.venue for row in self.live.rows] if self.live is not None else []
        found: list[str | None] = [each if each in venues else None for each in self._ladders]
        for place, each in enumerate(found):
            if each is None:
                found[place] = next((name for name in venues if name not in found), None)
        return found[0], found[1]

    def next_ladder(self, place: int) -> None:
        """Choose the next venue for one of the ladders, which is not the other's."""
        venues = [row.venue for row in self.live.rows] if self.live is not None else []
        mine, other = self.ladders[place], self.ladders[1 - place]
        self._ladders = [*self.ladders]
        rest = [each for each in venues if each != other]
        if mine in rest:
            self._ladders[place] = rest[(rest.index(mine) + 1) % len(rest)]

    def look_at(self, symbol: str) -> None:
        """Look at another symbol, as it is now."""
        if symbol != self.symbol:
            self.symbol = symbol
            self.go_on()

    def next_symbol(self, steps: int) -> None:
        """Look at the next symbol by score."""
        symbols = self.live.symbols if self.live is not None else ()
        if symbols:
            place = symbols.index(self.symbol) if self.symbol in symbols else -steps
            self.look_at(symbols[(place + steps) % len(symbols)])

    def move(self, steps: int) -> None:
        """Choose another incident."""
        scene = self.scene()
        self.incident = None if scene is None else moved(scene.incidents, self.incident, steps)

    @property
    def chosen(self) -> ShownIncident | None:
        """Return the incident that is chosen, or the first; None where there is none."""
        scene = self.scene()
        shown = () if scene is None else scene.incidents
        return next((each for each in shown if each.id == self.incident), next(iter(shown), None))

    # -- time ------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Stay at what is shown."""
        if self.live is not None:
            self.paused_at = self.live.at

    def go_on(self) -> None:
        """Show what is live again."""
        self.paused_at = None
        self._found = None

    def step(self, seconds: float) -> None:
        """Pause, and move in time, at most an hour back, and never beyond what is known."""
        if self.live is None:
            return
        at = (self.paused_at or self.live.at) + timedelta(seconds=seconds)
        self.paused_at = min(max(at, self._first()), self.live.at)

    def to_first(self) -> None:
        """Go to the first instant that is known."""
        if self.live is not None:
            self.paused_at = self._first()

    def _first(self) -> datetime:
        past, live = self.past, self.live
        latest = live.at if live is not None else datetime.now(UTC)
        known = [*past.memory.instants[:1]]
        known += [each.points[0][0] for each in past.stored.values() if each.points]
        return max(latest - HOUR, min(known, default=latest))


def _of_symbol(document: Mapping[str, Any], symbol: str) -> dict[str, Any]:
    """Return what is worth keeping of a document: all but other symbols."""
    picture = dict(document["picture"])
    for part in ("symbols", "books"):
        picture[part] = {
            key: each
            for key, each in (picture.get(part) or {}).items()
            if isinstance(each, Mapping) and each.get("symbol") == symbol
        }
    assert instant_of(picture["at"]) is not None
    return {"picture": picture, "ladders": document.get("ladders") or {}}


def _numbers(scene: Scene) -> Iterator[tuple[tuple[str, str], float | None]]:
    """Return what trends are kept of."""
    for row in scene.rows:
        if row.measures is None or not row.live:
            continue
        yield (row.venue, SPREAD), row.measures.spread_bps
        yield (row.venue, IMBALANCE), row.measures.imbalance
        for name, value in row.measures.z.items():
            yield (row.venue, Z + name), value
