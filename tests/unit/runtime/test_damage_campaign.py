"""Damaged frames by the thousand (C-04): 20,000 over all venues here, a million in the campaign.

A failure names the venue, the seed and the frame's number; the same seed damages the same frames.
"""

import gc
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from tests.support.conversation import STEP, Transcript, TranscriptLine, transcript
from tests.support.damage import ODDITIES, RAW, paths
from tests.unit.runtime.test_damaged_feeds import START, VENUES, Bench

from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.wire.counts import MOST_KINDS

QUICK, LONG = 20_000, 1_000_000
SEED = int(os.environ.get("TIDEGAUGE_SEED", "1"))
REOPEN_EVERY = 500
MOST_GROWTH = 20 * 1024 * 1024
STATM = Path("/proc/self/statm")


def damage(text: str, chance: random.Random) -> str | bytes:
    """Damage a frame in one place: cut, flip, delete, replace, repeat, or all of it noise."""
    how = chance.choice(("cut", "byte", "delete", "replace", "repeat", "noise", "twice"))
    if how == "noise":
        return chance.randbytes(chance.randrange(200))
    if how == "twice":
        return text + text
    if how == "cut" or not text.startswith(("{", "[")):
        return text[: chance.randrange(len(text) + 1)]
    if how == "byte":
        raw = bytearray(text.encode())
        raw[chance.randrange(len(raw))] = chance.randrange(256)
        return bytes(raw)
    tree = json.loads(text)
    where = paths(tree)
    return text[1:] if not where else _edited(tree, chance.choice(where), how, chance)


def _edited(tree: Any, path: tuple[str | int, ...], how: str, chance: random.Random) -> str:
    parent = tree
    for key in path[:-1]:
        parent = parent[key]
    if how == "delete":
        del parent[path[-1]]
    elif how == "replace":
        parent[path[-1]] = chance.choice(ODDITIES)
    elif isinstance(parent, list):
        parent.insert(int(path[-1]), parent[int(path[-1])])
    else:
        parent[f"{path[-1]}_"] = parent[path[-1]]
    written = json.dumps(tree, separators=(",", ":"))
    if RAW in written:
        for oddity in ODDITIES:
            if isinstance(oddity, str) and oddity.startswith(RAW):
                written = written.replace(f'"{oddity}"', oddity.removeprefix(RAW))
    return written


def resident() -> int:
    """Return this process's resident memory in bytes."""
    gc.collect()
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


class Storm:
    """One venue's feed under damaged frames, mixed with good ones."""

    def __init__(self, venue: str) -> None:
        self.script: Transcript = transcript(VENUES[venue])
        self.frames: list[TranscriptLine] = [
            line for line in self.script.lines if line.kind == "recv"
        ]
        self.chance = random.Random(f"{SEED} {venue}")
        self.bench = Bench(VENUES[venue], self.script)
        self.now: Nanos = START
        self.bench.open(self.now)

    def rage(self, frames: int) -> None:
        """Hear so many damaged frames, with a good one before each fifth."""
        for number in range(frames):
            self.now += STEP
            line = self.chance.choice(self.frames)
            if number % 5 == 0:
                self.bench.hear(line.link, line.text, self.now)
            self.bench.hear(line.link, damage(line.text, self.chance), self.now)
            if number % REOPEN_EVERY == REOPEN_EVERY - 1:
                self.bench.records.clear()
                self.bench.handle(self.bench.feed, self.bench.feed.tick(self.now), self.now)
                self.bench.reopen(self.now)

    def calm(self) -> None:
        """Afterwards a new connection leads to the right books again."""
        for keeper in self.bench.feed.keepers.values():
            keeper.book.check()
        self.bench.sibling_is_intact()
        assert len(self.bench.feed.counts.malformed_kinds) <= MOST_KINDS + 1
        later = self.now + 400 * SECOND
        self.bench.reopen(later)
        self.bench.play(self.script.lines, later)


def storms(frames: int) -> int:
    """Let every venue rage; return how much memory that took for good."""
    raging = {venue: Storm(venue) for venue in VENUES}
    share = frames // len(raging)
    for storm in raging.values():
        storm.rage(share // 5)  # what is kept once and for all is kept by now
    before = resident()
    for storm in raging.values():
        storm.rage(share - share // 5)
    grown = resident() - before
    for storm in raging.values():
        storm.calm()
    return grown


@pytest.mark.skipif(not STATM.exists(), reason="memory is read from /proc")
def test_damaged_frames_crash_nothing_and_leave_nothing_behind() -> None:
    """Nothing raises, the sibling notices nothing, and memory stays where it was."""
    assert storms(QUICK) < MOST_GROWTH


@pytest.mark.campaign
@pytest.mark.skipif(not STATM.exists(), reason="memory is read from /proc")
def test_a_million_damaged_frames_crash_nothing_and_leave_nothing_behind() -> None:
    """The figure of reliability.md, C-04."""
    grown = storms(LONG)
    print(f"\n{LONG:,} damaged frames, seed {SEED}: memory grew by {grown / 1e6:.1f} MB")
    assert grown < MOST_GROWTH
