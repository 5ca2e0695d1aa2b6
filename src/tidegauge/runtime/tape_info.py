"""What is on a tape, without playing it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from tidegauge import venues
from tidegauge.core.errors import MalformedFrame
from tidegauge.core.instrument import SECOND, Nanos, VenueName
from tidegauge.wire.kept_books import Listing
from tidegauge.wire.tape import Meta, TapeKind, TapeLine

from .bare_frames import START, bare_frames
from .tape_file import GoodPart, TapeReader
from .tape_venues import VenueOfRecord

SILENCE: Nanos = 10 * SECOND
"""A hole in time worth telling."""
MOST_SILENCES = 20


@dataclass(slots=True)
class TapeInfo:
    """The content of a tape. `header` is None for a plain tape, `timeless` one of bare frames.

    `latest` is the time of the last line, `last_at` the greatest. `frames` counts lines by kind and connection; `silences` are the first spans of more than ten
    seconds without a line, each with its beginning and length.
    """

    tape: str
    bytes: int
    lines: int = 0
    first_at: Nanos | None = None
    last_at: Nanos = 0
    latest: Nanos = 0
    timeless: bool = False
    header: dict[str, Any] | None = None
    instruments: dict[VenueName, dict[str, str]] = field(default_factory=dict)
    frames: Counter[tuple[str, str]] = field(default_factory=Counter)
    unknown: int = 0
    backwards: int = 0
    silences: list[tuple[Nanos, Nanos]] = field(default_factory=list)
    not_recorded: int = 0
    ended: bool = False
    damage: str | None = None

    @property
    def foreign(self) -> bool:
        """Whether no venue we know is on it."""
        if self.header is not None:
            return bool(self.instruments) and self.instruments.keys().isdisjoint(venues.load())
        heard = (TapeKind.RECV, TapeKind.HTTP)
        return self.unknown == sum(n for (kind, _), n in self.frames.items() if kind in heard)


def inspect(paths: Sequence[Path], *, progress: Callable[[int], None] | None = None) -> TapeInfo:
    """Read a tape, or the parts of one, in order. Raises `OperatorError` if it is none."""
    specs = venues.load()
    bare = bare_frames(specs.values())
    lines = GoodPart([TapeReader(path, bare) for path in paths])
    name = str(paths[0]) if len(paths) == 1 else f"{paths[0].parent} ({len(paths)} parts)"
    found = TapeInfo(tape=name, bytes=sum(path.stat().st_size for path in paths))
    origin = VenueOfRecord(specs.values())
    try:
        for line in lines:
            _count(found, line)
            if line.kind is TapeKind.META:
                _hear(found, line)
            elif line.kind in (TapeKind.RECV, TapeKind.HTTP):
                _look(found, line, origin)
            if progress is not None and found.lines % 1000 == 0:
                progress(found.lines)
    except MalformedFrame as error:
        found.damage = f"{lines.place}: {error}"
    if lines.damage is not None:
        if not found.lines:
            raise lines.damage
        found.damage = str(lines.damage)
    return found


def _count(found: TapeInfo, line: TapeLine) -> None:
    found.lines += 1
    where = line.conn
    if line.kind is TapeKind.HTTP:
        where = where.partition("?")[0]
    elif line.kind is TapeKind.OPEN:
        url, mark, place = where.partition("#")
        where = url.partition("?")[0] + mark + place
    found.frames[line.kind, where] += 1
    if found.first_at is None:
        found.first_at = found.last_at = line.at
        found.timeless = line.at == START
    silence = line.at - found.last_at
    found.backwards += line.at < found.latest
    found.latest = line.at
    if silence >= SILENCE and len(found.silences) < MOST_SILENCES:
        found.silences.append((found.last_at, silence))
    found.last_at = max(found.last_at, line.at)


def _look(found: TapeInfo, line: TapeLine, origin: VenueOfRecord) -> None:
    """See whose frame it is; a plain tape tells its instruments by them only."""
    spec = origin.of(line)
    if spec is None:
        found.unknown += 1
    elif found.header is None and line.kind is TapeKind.RECV:
        known = found.instruments.setdefault(spec.name, {})
        known.update({name: name for name in spec.named_in(line.text)})


def _hear(found: TapeInfo, line: TapeLine) -> None:
    facts = line.facts
    match facts["meta"]:
        case Meta.TAPE:
            found.header = found.header or {
                name: fact for name, fact in facts.items() if name not in ("meta", "plan")
            }
        case Meta.GAP:
            found.not_recorded += facts.get("lines", 0)
        case Meta.END:
            found.ended = True
        case Meta.VENUE | Meta.ADDED:
            known = found.instruments.setdefault(line.conn, {})
            known.update(_listed(facts))


def _listed(facts: dict[str, Any]) -> dict[str, str]:
    """Return our symbols by the venue's names."""
    listings = facts.get("listings", [facts["listing"]] if "listing" in facts else [])
    try:
        known = msgspec.convert(listings, list[Listing])
    except msgspec.ValidationError as error:
        raise MalformedFrame(f"a meta line that tells too little: {error}") from None
    return {listing.instrument.name: listing.symbol for listing in known}
