"""Whether what is shown is live, and if not, why: the words of the head and of the notice below it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter

from tidegauge import __version__
from tidegauge.faces.figures import UNKNOWN
from tidegauge.runtime.window.across import OLD_AFTER_S

from .across import WEATHER
from .cells import Line, bps, cell, decimals_of, line, padded, price, seconds, width_of
from .records import Reader
from .scene import Scene

GAP = timedelta(seconds=6)
"""A picture that is older than this was the last before a stretch in which nothing was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How the connection stands. `down`: why there is none, None while there is one; then it is tried
    again in `again_in_s`. `silent_s`: for how long nothing new has come. `problem`: what the API said
    is wrong with what we say."""

    address: str = ""
    down: str | None = "connecting"
    again_in_s: float | None = None
    silent_s: float = 0.0
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One word for the head, and what the notice says of it; `ink` of both. `live`: what is shown is now."""

    word: str
    ink: str
    notice: str
    live: bool


def standing(
    connection: Connection, scene: Scene | None, shown_at: datetime | None, reader: Reader
) -> Standing:
    """Judge what is shown. `shown_at`: the instant that somebody paused at."""
    if shown_at is not None:
        return _paused(connection, scene, shown_at)
    if connection.down is not None:
        then = "" if scene is None else f"BELOW IS OF {scene.at:%H:%M:%S}, "
        again = "now" if connection.again_in_s is None else f"in {connection.again_in_s:.0f} s"
        notice = f"{then}tried again {again}: {connection.down}"
        return Standing(word="✖ DISCONNECTED", ink="alarm", notice=notice, live=False)
    if scene is None:
        return Standing(
            word="◌ waiting",
            ink="hold",
            notice="connected; waiting for the first picture",
            live=False,
        )
    if connection.silent_s > OLD_AFTER_S:
        return Standing(
            word="✖ OLD",
            ink="alarm",
            notice=f"NOTHING NEW for {connection.silent_s:.0f} s: below is of {scene.at:%H:%M:%S} UTC",
            live=False,
        )
    return _connected(connection, scene, reader)


def _paused(connection: Connection, scene: Scene | None, at: datetime) -> Standing:
    of = f"this is {at:%H:%M:%S} UTC"
    if scene is not None and scene.stored:
        of = f"this is of the database {at:%H:%M:%S} UTC"
    elif scene is not None and at - scene.at > GAP:
        of = f"nothing was seen at {at:%H:%M:%S}, this is of {scene.at:%H:%M:%S} UTC"
    also = f" (and DISCONNECTED: {connection.down})" if connection.down else ""
    return Standing(
        word="‖ NOT LIVE",
        ink="hold",
        notice=f"PAUSED, NOT LIVE: {of}. ←→ 2 s, [ ] a minute, p goes on{also}",
        live=False,
    )


def _connected(connection: Connection, scene: Scene, reader: Reader) -> Standing:
    """Judge what is told by an API that answers."""
    old = [each for each in scene.daemons if each.age_s(scene.at) > OLD_AFTER_S]
    mine = scene.summary.daemon if scene.summary is not None else None
    if old and (
        mine is None or any(each.id == mine for each in old) or len(old) == len(scene.daemons)
    ):
        told = ", ".join(
            f"daemon {each.id} was last seen {seconds(each.age_s(scene.at))} ago" for each in old
        )
        return Standing(
            word="✖ OLD", ink="alarm", notice=f"{told}: what is below is old", live=False
        )
    notes = _notes(connection, scene, reader, old)
    return Standing(word="● LIVE", ink="good", notice="; ".join(notes), live=True)


def _notes(
    connection: Connection, scene: Scene, reader: Reader, old: Sequence[object]
) -> list[str]:
    notes = []
    if reader.misread:
        where, why = next(iter(reader.misread.items()))
        notes.append(
            f"ANOTHER VERSION: {len(reader.misread)} records can't be read and are not shown; {where}: {why}"
        )
    other = sorted({each.version for each in scene.daemons} - {__version__})
    if other:
        notes.append(f"the daemon is version {', '.join(other)}, this is {__version__}")
    elif reader.unknown and not reader.misread:
        notes.append(
            f"the API tells what this version does not know: {', '.join(sorted(reader.unknown)[:3])}"
        )
    if connection.problem is not None:
        notes.append(f"the API does not understand us: {connection.problem}")
    if not scene.daemons:
        notes.append("NO DAEMON is seen: is `tidegauge monitor` running?")
    if old:
        notes.append(f"{len(old)} of {len(scene.daemons)} daemons are not seen any more")
    if any(each.storage is not None and each.storage.away for each in scene.daemons):
        notes.append("the database takes nothing; rows wait on the disk")
    return notes


def head_line(scene: Scene | None, judged: Standing, width: int) -> Line:
    """Return the first line: the symbol, its score, what is open, and whether this is live."""
    at = "" if scene is None else f" {scene.at:%H:%M:%S}"
    right = line(cell(f" {judged.word}", judged.ink), cell(f"{at} UTC " if at else " ", "strong"))
    left = [cell(" tidegauge ", "brand")]
    if scene is not None:
        left += [cell(f" {scene.symbol}", "strong"), *_summary(scene)]
    kept: list[tuple[str, str]] = []
    room = width - width_of(right)
    for each in left:
        if width_of((*kept, each)) > room:
            break
        kept.append(each)
    gap = room - width_of(tuple(kept))
    return (*kept, (" " * gap, ""), *right)


def _summary(scene: Scene) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    summary = scene.summary
    if summary is not None:
        score = summary.score
        value = UNKNOWN if score.value is None else f"{score.value:.0f}"
        found.append(
            cell(f"  score {value} {score.weather or ''}", WEATHER.get(score.weather or "", ""))
        )
        found.append(
            cell(
                f"  {summary.live}/{summary.books} live",
                "" if summary.live == summary.books else "warn",
            )
        )
    waits = sum(each.state == "open" for each in scene.open_incidents)
    firing = sum(each.state == "firing" for each in scene.alerts)
    if waits or firing:
        found.append(cell(f"  {waits} to ack" if waits else "", "bad"))
        found.append(cell(f"  {firing} firing", "warn" if firing else ""))
    spreads = [
        (row.measures.spread_bps, row.measures.mid)
        for row in scene.rows
        if row.measures is not None and row.measures.spread_bps is not None
    ]
    if spreads:
        spread, mid = min(spreads, key=itemgetter(0))
        found.append(cell(f"  mid {price(mid, decimals_of([mid]))} ({bps(spread)} bps)", "dim"))
    return found


def notice_line(judged: Standing, width: int) -> Line:
    """Return the second line: what is wrong, over its whole width; blank when nothing is."""
    if not judged.notice:
        return line(padded("", width))
    return line(padded(f" {judged.notice}", width, judged.ink if not judged.live else "warn"))
