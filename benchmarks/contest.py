"""Books of other projects beside ours: what a level change costs, from wire text and at its best."""

import contextlib
import io
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median
from time import perf_counter_ns
from typing import Any

from .equality import Unequal
from .inputs import DEEP, REAL, Input, changes_in, load
from .machine import installed
from .parts import Missing, Outcome, Part, Scale
from .peers import ccxt_pro, cryptofeed, nautilus, order_book, ours, python_binance
from .peers.contestant import Contestant, Levels, Number, Peer
from .product import settle, unsettle
from .timing import WARM, progress

PEERS: tuple[Peer, ...] = (
    order_book.PEER,
    nautilus.PEER,
    ccxt_pro.PEER,
    cryptofeed.PEER,
    python_binance.PEER,
)
INSTALL = "`make bench-peers` installs it"


@dataclass(slots=True)
class Costs:
    """Nanoseconds a level change, one figure a pass.

    `wire`: from wire text, best bid and ask read after each message; `writes`: the same, nothing
    read; `best`: what was prepared beforehand, best bid and ask read.
    """

    wire: list[float] = field(default_factory=list)
    writes: list[float] = field(default_factory=list)
    best: list[float] = field(default_factory=list)


def run(scale: Scale) -> Outcome:
    """Verify and time every peer that is here, on the recorded and on the deep input."""
    missing = {peer.name: why for peer in PEERS if (why := _why_not(peer))}
    here = [ours.PEER, *(peer for peer in PEERS if peer.name not in missing)]
    outcome: Outcome = {"missing_peers": missing, "inputs": {}, "peers": {}}
    for peer in here:
        described = {"user": peer.user, "best": peer.best, "exact": peer.exact}
        outcome["peers"][peer.name] = {**described, "version": installed(peer.package)}
    messages = 100 if scale.quick else 1000
    for name in (REAL, DEEP):
        given = load(name, messages)
        progress(f"  {name}: comparing {len(here)} books, then {scale.passes} passes in turn")
        outcome["inputs"][name] = _compete(here, given, scale.passes)
    if len(here) == 1:
        raise Missing(f"no peer is installed; {INSTALL}")
    return outcome


def _why_not(peer: Peer) -> str | None:
    """Return why a peer cannot take part."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            peer.make(load(DEEP, 1).snapshot)
    except ImportError as error:
        return f"{error}; {INSTALL}"
    except (AttributeError, TypeError, KeyError) as error:
        return f"this version of it is not what the benchmark knows: {error!r}"
    return None


def _compete(peers: Sequence[Peer], given: Input, passes: int) -> dict[str, Any]:
    texts = {peer.name: _verified(peer, given) for peer in peers}
    changes = [changes_in(frame) for frame in given.timed]
    counted = sum(changes[int(len(changes) * WARM) :])
    costs = {peer.name: Costs() for peer in peers}
    for number in range(passes):
        for peer in peers if number % 2 == 0 else reversed(peers):
            frames, cost = texts[peer.name], costs[peer.name]
            book = peer.make(given.snapshot)
            cost.wire.append(_timed(_reading(book.write, book.read), frames) / counted)
            cost.writes.append(_timed(peer.make(given.snapshot).write, frames) / counted)
            book = peer.make(given.snapshot)
            prepared = [book.prepare(frame) for frame in frames]
            cost.best.append(_timed(_reading(book.write_prepared, book.read), prepared) / counted)
    unsettle()
    own = costs[ours.PEER.name]
    found: dict[str, Any] = {
        "messages": len(given.timed),
        "changes_a_message": round(sum(changes) / len(changes), 1),
        "books": {},
    }
    for name, cost in costs.items():
        found["books"][name] = {
            "wire_ns": _told(cost.wire),
            "writes_ns": _told(cost.writes),
            "best_ns": _told(cost.best),
            "ratio_wire": round(median(cost.wire) / median(own.wire), 2),
            "ratio_writes": round(median(cost.writes) / median(own.writes), 2),
            "ratio_best": round(median(cost.best) / median(own.best), 2),
            "ratio_best_to_our_wire": round(median(cost.best) / median(own.wire), 2),
        }
    return found


def _told(costs: list[float]) -> dict[str, float]:
    return {
        "median": round(median(costs), 1),
        "least": round(min(costs), 1),
        "most": round(max(costs), 1),
    }


def _reading(write: Callable[[Any], None], read: Callable[[], object]) -> Callable[[Any], None]:
    """Return what writes, and then reads best bid and ask."""

    def take(item: Any) -> None:
        write(item)
        read()

    return take


def _timed(take: Callable[[Any], object], items: Sequence[Any]) -> int:
    take(items[0])
    warm = int(len(items[1:]) * WARM)
    for item in items[1 : 1 + warm]:
        take(item)
    settle()
    spent = array("q")
    add = spent.append
    for item in items[1 + warm :]:
        before = perf_counter_ns()
        take(item)
        add(perf_counter_ns() - before)
    return sum(spent)


# -- before it is timed ---------------------------------------------------------------------------


def _verified(peer: Peer, given: Input) -> list[bytes]:
    """Compare both ways of a peer with our book, message by message; return its frames."""
    told = peer.make(given.snapshot)
    frames = [told.adapt(frame) for frame in given.frames]
    by_wire, by_best = peer.make(given.snapshot), peer.make(given.snapshot)
    own = ours.PEER.make(given.snapshot)
    for number, (frame, adapted) in enumerate(zip(given.frames, frames, strict=True)):
        own.write(frame)
        expected = [_as(peer, price) for price in own.touch()]
        by_wire.write(adapted)
        by_best.write_prepared(by_best.prepare(adapted))
        for way, book in (("wire", by_wire), ("best", by_best)):
            if [*book.touch()] != expected:
                raise Unequal(
                    f"{given.name} message {number}: {peer.name} ({way}) has the touch "
                    f"{book.touch()}, ours is {expected}"
                )
    for way, book in (("wire", by_wire), ("best", by_best)):
        _same_levels(f"{given.name}, {peer.name} ({way})", peer, book, own)
    return frames


def _same_levels(where: str, peer: Peer, book: Contestant, own: Contestant) -> None:
    for side, theirs, ours_ in zip(("bid", "ask"), book.levels(), own.levels(), strict=True):
        expected: Levels = [(_as(peer, price), _as(peer, size)) for price, size in ours_]
        if theirs != expected:
            apart = [n for n, (a, b) in enumerate(zip(theirs, expected, strict=False)) if a != b]
            place = apart[0] if apart else min(len(theirs), len(expected))
            raise Unequal(
                f"{where}: {side} level {place} of {len(theirs)} is {theirs[place : place + 1]}, "
                f"ours of {len(expected)} is {expected[place : place + 1]}"
            )


def _as(peer: Peer, number: Number) -> Number:
    return Decimal(number) if peer.exact else float(number)


def tell(outcome: Outcome) -> list[str]:
    """Return the lines that show the figures."""
    lines = [f"not here: {name}: {why}" for name, why in outcome["missing_peers"].items()]
    for name, said in outcome["peers"].items():
        kind = "exact" if said["exact"] else "floats"
        lines.append(f"{name} {said['version']} ({kind}): {said['user']}; best: {said['best']}")
    for name, found in outcome["inputs"].items():
        lines.append(
            f"{name}: ns a level change, {found['changes_a_message']} changes a message; "
            "every book equal to ours, level by level"
        )
        for who, cost in found["books"].items():
            lines.append(f"  {who:15}" + "; ".join(_shown(cost, way) for way in WAYS))
    return lines


WAYS = {"wire": "wire and read", "writes": "wire, unread", "best": "at its best"}


def _shown(cost: dict[str, Any], way: str) -> str:
    figures = cost[f"{way}_ns"]
    return (
        f"{WAYS[way]} {figures['median']:>6,.0f} ({figures['least']:,.0f} to {figures['most']:,.0f})"
        f" = {cost[f'ratio_{way}']:.2f} of ours"
    )


PART = Part(
    name="peers",
    says="books of other projects: what a level change costs, best bid and ask read a message",
    run=run,
    tell=tell,
)
