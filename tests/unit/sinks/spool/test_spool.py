"""The whole spool: what goes in comes out, whatever happens to the daemon in between."""

import os
import random
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.support.spool import (
    NUMBERS,
    a_record,
    a_row,
    a_series,
    allow_writes,
    as_killed,
    contents,
    drained,
    fill,
    flip,
    numbers,
    rows,
    small_disk,
)

from tidegauge.core.instrument import HOUR, SECOND
from tidegauge.sinks.locks import FileLock
from tidegauge.sinks.slips import READING, Slip
from tidegauge.sinks.spool import segment
from tidegauge.sinks.spool.spool import Spool

LARGEST = 16_000_000
KEEP_S = 3600.0


@dataclass
class Kept:
    """What a lane of the model holds. `settled` rows are stored; of them `surely` for good."""

    slips: list[Slip] = field(default_factory=list)
    kept_at: list[int] = field(default_factory=list)
    settled: int = 0
    surely: int = 0

    @property
    def waiting(self) -> int:
        return len(self.slips) - self.settled


class SpoolAgainstLists(RuleBasedStateMachine):
    """A spool of many small files beside lists, with crashes at any moment.

    After a crash what was settled and not written down is fetched again; nothing else ever is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.place = Path(tempfile.mkdtemp(prefix="tg-spool-"))
        self.full_pages, segment.FULL_PAGES = segment.FULL_PAGES, 14
        self.now = 1_000 * HOUR
        self.starts = 0
        self.lanes: list[tuple[Kept, Kept]] = []
        self.root = self.place / "0"

    @initialize()
    def start(self) -> None:
        self.starts += 1
        self.spool = Spool(self.root, f"start-{self.starts:06}", now=lambda: self.now)
        self.spool.open()
        self.learn_marks()
        self.recovered = sum(lane.waiting for pair in self.lanes for lane in pair)
        self.lanes.append((Kept(), Kept()))

    def learn_marks(self) -> None:
        """See how far the spool says it is, of what may have been forgotten in a crash."""
        waiting = {
            folder.path.name: [lane.waiting for lane in folder.lanes] for folder in self.spool._gone
        }
        for number, pair in enumerate(self.lanes, 1):
            found = waiting.get(f"start-{number:06}", [0, 0])
            for lane, count in zip(pair, found, strict=True):
                settled = len(lane.slips) - count
                assert lane.surely <= settled <= lane.settled
                lane.settled = lane.surely = settled

    @rule(
        batch=st.lists(
            st.tuples(st.booleans(), st.integers(1, 3), st.sampled_from([1, 40, 900, 9_000])),
            max_size=40,
        )
    )
    def append(self, batch: list[tuple[bool, int, int]]) -> None:
        made = [
            a_row(next(NUMBERS), size, a_series(number))
            if is_reading
            else a_record(next(NUMBERS), size)
            for is_reading, number, size in batch
        ]
        self.spool.append(made)
        for slip in made:
            lane = self.lanes[-1][slip.code == READING]
            lane.slips.append(slip)
            lane.kept_at.append(self.now)

    @rule(limit=st.integers(1, 60), settles=st.booleans())
    def fetch(self, limit: int, settles: bool) -> None:
        parcel = self.spool.fetch(limit)
        waiting = [pair[which] for which in (0, 1) for pair in self.lanes if pair[which].waiting]
        if not waiting:
            assert parcel is None
            return
        assert parcel is not None
        lane = waiting[0]
        expected = lane.slips[lane.settled : lane.settled + len(parcel.slips)]
        assert 0 < len(parcel.slips) <= limit
        assert contents(parcel.slips) == contents(expected)
        assert not parcel.lost
        if settles:
            self.spool.settle(parcel)
            lane.settled += len(parcel.slips)

    @rule()
    def write_marks(self) -> None:
        self.spool.write_marks()
        for pair in self.lanes:
            for lane in pair:
                lane.surely = lane.settled

    @rule()
    def forget(self) -> None:
        self.spool.forget(self.spool.finished())

    @rule(minutes=st.integers(1, 50))
    def pass_time(self, minutes: int) -> None:
        self.now += minutes * 60 * SECOND

    @rule()
    def expire(self) -> None:
        before = {id(folder): folder.readings.waiting for folder in self.spool._folders}
        given_up = self.spool.expire(KEEP_S)
        gone = 0
        for folder in self.spool._folders:
            number = int(folder.path.name.removeprefix("start-")) - 1
            lane, count = self.lanes[number][1], before[id(folder)] - folder.readings.waiting
            oldest = lane.kept_at[lane.settled : lane.settled + count]
            assert all(at < self.now - KEEP_S * SECOND for at in oldest)
            lane.settled += count
            lane.surely = max(lane.surely, lane.settled) if count else lane.surely
            gone += count
        assert given_up == gone

    @rule(closes=st.booleans())
    def end_and_start(self, closes: bool) -> None:
        if closes:
            self.spool.close()
            self.write_marks()
        else:
            left = as_killed(self.root, self.place / str(self.starts))
            self.spool.close()
            shutil.rmtree(self.root)
            self.root = left
        self.start()

    @precondition(lambda self: any(lane.waiting for pair in self.lanes for lane in pair))
    @rule()
    def drain(self) -> None:
        while (parcel := self.spool.fetch(1000)) is not None:
            self.spool.settle(parcel)
        for pair in self.lanes:
            for lane in pair:
                lane.settled = len(lane.slips)

    @invariant()
    def figures_are_true(self) -> None:
        waiting = sum(lane.waiting for pair in self.lanes for lane in pair)
        figures = self.spool.figures()
        assert self.spool.waiting == figures.waiting == waiting
        assert (figures.lost, figures.damaged) == (0, 0)
        assert figures.recovered == self.recovered
        firsts = [
            lane.slips[lane.settled].at for pair in self.lanes for lane in pair if lane.waiting
        ]
        assert figures.oldest_at == min(firsts, default=None)
        assert all(path.stat().st_size <= LARGEST for path in self.root.rglob("*.sqlite3"))

    def teardown(self) -> None:
        segment.FULL_PAGES = self.full_pages
        if self.lanes:
            self.spool.close()
        shutil.rmtree(self.place)


TestSpoolAgainstLists = SpoolAgainstLists.TestCase
TestSpoolAgainstLists.settings = settings(stateful_step_count=30)


def opened(root: Path, name: str) -> Spool:
    spool = Spool(root, name)
    spool.open()
    return spool


def test_only_the_owner_may_look_inside(tmp_path: Path) -> None:
    """What is in it is nobody else's business."""
    spool = opened(tmp_path / "spool", "a")
    for folder in (spool.root, spool.root / "a"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    spool.close()


def test_without_rows_nothing_stays_behind(tmp_path: Path) -> None:
    """A daemon that ends with everything stored leaves an empty spool."""
    spool = opened(tmp_path / "spool", "a")
    spool.append(rows(10))
    drained(spool)
    spool.forget(spool.finished(closing=True))
    spool.close()
    assert list((tmp_path / "spool").iterdir()) == []


def test_records_come_before_any_reading(tmp_path: Path) -> None:
    """An alert of a dead daemon, and ours, before the readings of either."""
    first = opened(tmp_path / "one" / "spool", "a")
    first.append([a_row(1), a_record(2)])
    left = as_killed(first.root, tmp_path / "spool")
    first.close()
    second = opened(left, "b")
    second.append([a_row(3), a_record(4)])
    assert numbers(drained(second)) == [2, 4, 1, 3]
    second.close()


def test_numbers_of_any_length_are_in_order(tmp_path: Path) -> None:
    """After row 999,999,999,999 the names of the files grow by a digit."""
    spool = opened(tmp_path / "one" / "spool", "a")
    assert spool._own is not None
    lane = spool._own.readings
    lane._last = 10**12 - 3
    spool.append(rows(2))
    lane.finish()
    spool.append(rows(1))
    lane.finish()
    spool.append(rows(1))
    left = as_killed(spool.root, tmp_path / "spool")
    again = opened(left, "b")
    assert [slip.seq for slip in drained(again)] == list(range(10**12 - 2, 10**12 + 2))
    assert again.figures().lost == 0
    spool.close()
    again.close()


def test_the_living_are_left_alone_and_the_dead_taken_over(tmp_path: Path) -> None:
    """Two daemons on one data directory; when one ends, the other sends its rows."""
    first, second = opened(tmp_path, "a"), opened(tmp_path, "b")
    mine = rows(5)
    first.append(mine)
    assert (second.adopt(), second.fetch(10)) == (0, None)
    first.close()
    assert second.adopt() == 5
    assert contents(drained(second)) == contents(mine)
    second.forget(second.finished())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b"]
    assert second.figures().recovered == 5
    second.close()


def test_one_of_two_takes_over_what_a_third_left(tmp_path: Path) -> None:
    """Rows are sent by one of them."""
    dead = opened(tmp_path, "a")
    dead.append(rows(5))
    dead.close()
    takers = [opened(tmp_path, "b"), opened(tmp_path, "c")]
    assert [taker.waiting for taker in takers] == [5, 0]
    for taker in takers:
        taker.close()


def test_a_folder_that_is_being_made_is_nobody_elses(tmp_path: Path) -> None:
    """Between its making and its lock a folder has another name; old ones of these are deleted."""
    tmp_path.joinpath("a.new").mkdir()
    spool = opened(tmp_path, "b")
    assert tmp_path.joinpath("a.new").is_dir()
    os.utime(tmp_path / "a.new", (0, 0))
    spool.adopt()
    assert not tmp_path.joinpath("a.new").exists()
    spool.close()


def test_a_folder_that_a_failure_left_half_made_is_made_whole(tmp_path: Path) -> None:
    """A disk that was full at that moment does not lock us out for ever."""
    tmp_path.joinpath("a.new").mkdir()
    spool = opened(tmp_path, "a")
    spool.append(rows(1))
    spool.close()
    again = opened(tmp_path, "a")  # ours, from before
    assert again.waiting == 1
    again.close()


def test_a_folder_that_cannot_be_taken_over_holds_up_no_other(tmp_path: Path) -> None:
    """Its lock is a directory: it is left as it is, and the rest is sent."""
    for name in ("a", "b"):
        dead = opened(tmp_path, name)
        dead.append(rows(3))
        dead.close()
    strange = tmp_path / "strange"
    shutil.move(tmp_path / "a", strange)
    strange.joinpath("lock").unlink()
    strange.joinpath("lock").mkdir()
    spool = opened(tmp_path, "c")
    assert spool.waiting == 3
    spool.append(rows(1))
    assert len(drained(spool)) == 4
    spool.forget(spool.finished())
    assert len(list(strange.glob("*.sqlite3"))) == 1
    spool.close()


def test_a_folder_deleted_under_us_is_told_and_made_again(tmp_path: Path) -> None:
    """Somebody cleans up while we run: the disk is not called sound before rows last again."""
    spool = opened(tmp_path, "a")
    spool.append(rows(3))
    shutil.rmtree(tmp_path / "a")
    spool.open()
    mine = rows(2)
    spool.append(mine)
    assert len(list(tmp_path.joinpath("a").glob("*.sqlite3"))) == 1
    assert contents(drained(spool))[-2:] == contents(mine)
    spool.close()


def test_what_is_rolled_up_is_told_by_the_hour(tmp_path: Path) -> None:
    """A clock that once stood in 1970 does not make us roll up half a century."""
    spool = opened(tmp_path, "a")
    moments = [5 * SECOND, 7 * SECOND, 490_000 * HOUR, 490_001 * HOUR + 1]
    spool.append([a_row(moment) for moment in moments] + [a_record(9 * HOUR)])
    drained(spool)
    found = spool.finished(closing=True)
    assert found.spans == [
        (5 * SECOND, 7 * SECOND),
        (490_000 * HOUR, 490_000 * HOUR),
        (490_001 * HOUR + 1, 490_001 * HOUR + 1),
    ]
    assert found.span == (5 * SECOND, 490_001 * HOUR + 1)
    spool.forget(found)
    spool.forget(found)
    spool.close()


def test_few_files_are_open_however_many_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a database that is back, files finish faster than they are rolled up."""
    monkeypatch.setattr(segment, "FULL_PAGES", 5)
    spool = opened(tmp_path, "a")
    for _ in range(60):
        spool.append(rows(10, 900))
    assert drained(spool)
    assert len(spool.finished().files) > 50
    spool.write_marks()
    assert len(list(Path("/proc/self/fd").iterdir())) < 40
    spool.close()


# -- disks -----------------------------------------------------------------------------------------


def test_a_full_disk_takes_nothing_and_loses_nothing(tmp_path: Path) -> None:
    """What was acknowledged is there; with room again it goes on."""
    with small_disk(tmp_path / "disk") as disk:
        spool = opened(disk / "spool", "a")
        acknowledged = rows(200, 700)
        spool.append(acknowledged)
        ballast = fill(disk)
        refused = 0
        for _ in range(60):
            more = rows(50, 700)
            try:
                spool.append(more)
            except (sqlite3.Error, OSError):
                refused += 1
            else:
                acknowledged += more
        assert refused
        assert spool.waiting == len(acknowledged)
        with pytest.raises(OSError, match="No space left"):
            spool.open()
        assert spool.figures().free == 0
        ballast.unlink()
        spool.open()
        last = rows(50, 700)
        spool.append(last)
        left = as_killed(disk / "spool", tmp_path / "spool")
        spool.close()
    again = opened(left, "b")
    found = contents(drained(again))
    assert found == contents([*acknowledged, *last])
    assert (again.figures().lost, again.figures().damaged) == (0, 0)
    again.close()


def test_a_full_disk_is_read_and_emptied(tmp_path: Path) -> None:
    """A start on a disk that was filled to its last byte: SQLite cannot even make an index there."""
    with small_disk(tmp_path / "disk") as disk:
        spool = opened(disk / "spool", "a")
        acknowledged = rows(2000, 700)
        for begin in range(0, 2000, 250):
            spool.append(acknowledged[begin : begin + 250])
        spool.close()
        fill(disk)
        again = Spool(disk / "spool", "b")
        begun = time.perf_counter()
        with pytest.raises(OSError, match="No space left"):
            again.open()
        print(f"opened on a full disk in {time.perf_counter() - begun:.3f} s")
        assert contents(drained(again)) == contents(acknowledged)
        again.write_marks()
        again.forget(again.finished())
        assert (again.figures().lost, again.figures().damaged) == (0, 0)
        again.open()  # what was stored has left room
        again.append(rows(1))
        again.close()


@pytest.mark.parametrize("killed", [False, True])
def test_a_disk_that_takes_no_writes_is_read(tmp_path: Path, killed: bool) -> None:
    """Opening says so; what lies there is sent, once, and called neither lost nor damaged."""
    with small_disk(tmp_path / "disk") as disk:
        spool = opened(tmp_path / "spool" if killed else disk / "spool", "a")
        kept = rows(500, 700)
        spool.append(kept)
        stored = spool.fetch(100)
        assert stored is not None
        spool.settle(stored)
        spool.write_marks()
        if killed:
            as_killed(spool.root, disk / "spool")
        spool.close()
        allow_writes(disk, allow=False)
        again = Spool(disk / "spool", "b")
        with pytest.raises(OSError, match="Read-only"):
            again.open()
        assert contents(drained(again)) == contents(kept[100:])
        for _ in range(3):
            again.write_marks()
            again.forget(again.finished())
            assert (again.adopt(), again.waiting, again.fetch(10)) == (0, 0, None)
        figures = again.figures()
        assert (figures.lost, figures.damaged, figures.recovered) == (0, 0, 400)
        allow_writes(disk, allow=True)
        again.open()
        again.append(rows(1))
        assert len(drained(again)) == 1
        again.close()


def test_the_folder_of_the_living_is_theirs_on_any_disk(tmp_path: Path) -> None:
    """A disk that takes no writes still knows who holds a lock."""
    with small_disk(tmp_path / "disk") as disk:
        before = opened(disk / "spool", "a")
        before.append(rows(3))
        before.close()
        allow_writes(disk, allow=False)
        held = FileLock(disk / "spool" / "a" / "lock")
        assert held.try_exclusive()
        spool = Spool(disk / "spool", "b")
        assert spool.adopt() == 0
        held.close()
        assert spool.adopt() == 3
        spool.close()
        allow_writes(disk, allow=True)
        (disk / "spool" / "a" / "lock").unlink()
        allow_writes(disk, allow=False)
        assert spool.adopt() == 3  # nobody can be holding it
        spool.close()


# -- damage ----------------------------------------------------------------------------------------


def three_files(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, list[Path], list[Slip]]:
    """Leave three files of readings as a killed daemon would, the last with its log."""
    monkeypatch.setattr(segment, "FULL_PAGES", 12)
    spool = opened(place / "one" / "spool", "a")
    kept: list[Slip] = []
    assert spool._own is not None
    while len(spool._own.readings.files) < 3 or len(kept) % 30:
        kept += rows(10, 900)
        spool.append(kept[-10:])
    left = as_killed(spool.root, place / "spool")
    spool.close()
    shutil.rmtree(place / "one")
    return left, sorted((left / "a").glob("readings-*.sqlite3")), kept


def test_a_flipped_bit_costs_the_row_it_is_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rest of its file is sent, and the file put aside, when it is stored and not before."""
    left, files, kept = three_files(tmp_path, monkeypatch)
    hit = kept[70]
    [hit_file] = [path for path in files if hit.body in path.read_bytes()]
    flip(hit_file, 8 * (hit_file.read_bytes().index(hit.body) + 500))
    spool = opened(left, "b")
    found: list[Slip] = []
    while (parcel := spool.fetch(7)) is not None:
        assert hit_file.exists()
        found += parcel.slips
        spool.settle(parcel)
    assert contents(found) == contents([slip for slip in kept if slip is not hit])
    spool.forget(spool.finished())
    aside = left / "damaged" / f"a-{hit_file.name}"
    assert (aside.exists(), hit_file.exists()) == (True, False)
    figures = spool.figures()
    assert (figures.lost, figures.damaged, figures.recovered) == (1, 1, len(kept))
    assert not left.joinpath("a").exists()
    spool.close()


def test_a_missing_file_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its neighbours say how many rows were in it."""
    left, files, kept = three_files(tmp_path, monkeypatch)
    files[1].unlink()
    spool = opened(left, "b")
    found = drained(spool)
    figures = spool.figures()
    assert figures.lost > 10
    assert len(found) + figures.lost == figures.recovered == len(kept)
    assert figures.damaged == 0
    spool.close()


def test_a_torn_file_with_a_log_gives_up_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the last file only a piece of the first page is left, and all of its log."""
    left, files, kept = three_files(tmp_path, monkeypatch)
    log = files[2].with_name(f"{files[2].name}-wal")
    assert log.stat().st_size > 0
    os.truncate(files[2], 1000)
    spool = opened(left, "b")
    assert contents(drained(spool)) == contents(kept)
    assert spool.figures().lost == 0
    spool.close()


@pytest.mark.parametrize("what", ["empty", "gone", "garbage", "a directory", "a pipe"])
def test_whatever_stands_in_the_place_of_the_last_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The rows of its log are sent: SQLite would have deleted it."""
    left, files, kept = three_files(tmp_path, monkeypatch)
    first, last = kept[0].seq, int(files[2].stem.removeprefix("readings-"))
    files[2].unlink()
    if what == "empty":
        files[2].touch()
    elif what == "garbage":
        files[2].write_bytes(os.urandom(100_000))
    elif what == "a directory":
        files[2].mkdir()
    elif what == "a pipe":
        os.mkfifo(files[2])
    begun = time.perf_counter()
    spool = opened(left, "b")
    assert time.perf_counter() - begun < 5
    assert contents(drained(spool)) == contents(kept)
    spool.forget(spool.finished())
    figures = spool.figures()
    assert (figures.lost, figures.damaged) == (0, 1)
    assert first == 0
    assert last > 1
    spool.close()
    assert not (left / "a").exists()


def test_damage_of_the_file_being_written(tmp_path: Path) -> None:
    """It is found when it is read; what comes in meanwhile goes into the next."""
    spool = opened(tmp_path, "a")
    kept = rows(60, 900)
    spool.append(kept)
    assert spool._own is not None
    spool._own.readings.files[0].shut()  # type: ignore[union-attr]
    [path] = (tmp_path / "a").glob("*.sqlite3")
    flip(path, 8 * (path.read_bytes().index(kept[30].body) + 300))
    parcel = spool.fetch(20)
    assert parcel is not None
    assert contents(parcel.slips) == contents(kept[:20])
    spool.settle(parcel)
    more = rows(10, 900)
    spool.append(more)
    assert contents(drained(spool)) == contents([*kept[20:30], *kept[31:], *more])
    last = rows(10)
    spool.append(last)
    assert contents(drained(spool)) == contents(last)
    spool.forget(spool.finished())
    assert (spool.figures().lost, spool.figures().damaged) == (1, 1)
    assert len(list((tmp_path / "damaged").iterdir())) == 1
    spool.close()


# -- how long it takes -----------------------------------------------------------------------------


def test_a_start_with_many_files_is_quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many files as 4 GiB hold, with few rows in each."""
    monkeypatch.setattr(segment, "FULL_PAGES", 5)
    spool = opened(tmp_path, "a")
    assert spool._own is not None
    lane = spool._own.readings
    while len(lane.files) < 270:
        spool.append(rows(8, 3_000))
    kept = spool.waiting
    spool.close()
    begun = time.perf_counter()
    again = opened(tmp_path, "b")
    took_s = time.perf_counter() - begun
    print(f"opened {len(lane.files)} files in {took_s:.3f} s")
    assert took_s < 5
    assert again.waiting == kept
    again.close()


def test_how_fast_it_is(tmp_path: Path) -> None:
    """Printed, not asserted."""
    spool = opened(tmp_path, "a")
    made = rows(20_000, 740)
    begun = time.perf_counter()
    for place in range(0, len(made), 250):
        spool.append(made[place : place + 250])
    kept = time.perf_counter()
    assert len(drained(spool, 1000)) == len(made)
    read = time.perf_counter()
    print(f"{len(made) / (kept - begun):,.0f} rows/s in, {len(made) / (read - kept):,.0f} out")
    spool.close()


# -- killed ----------------------------------------------------------------------------------------

DAEMON = """
import sys
from pathlib import Path
from tests.support.spool import a_record, a_row
from tidegauge.sinks.spool import segment
from tidegauge.sinks.spool.spool import Spool

segment.FULL_PAGES = 40
name, number = sys.argv[2], int(sys.argv[3])
spool = Spool(Path(sys.argv[1]), name)
spool.open()
while True:
    begun = number
    batch = [a_row(number + each, 700) for each in range(20)] + [a_record(number + 20)]
    spool.append(batch)
    number += 21
    print("kept", begun, number, flush=True)
"""


def killed_again_and_again(root: Path, kills: int, seed: int) -> tuple[set[int], list[int]]:
    """Kill daemons on one data directory. Returns what was acknowledged, and what is there."""
    acknowledged: set[int] = set()
    pause = random.Random(seed)
    for start in range(kills):
        command = [sys.executable, "-c", DAEMON, str(root), f"{start:06}", str(start * 10**7 + 1)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
            assert daemon.stdout is not None
            lines = [daemon.stdout.readline()]
            stopped = threading.Timer(pause.uniform(0, 0.3), daemon.kill)
            stopped.start()
            lines += daemon.stdout.readlines()
            stopped.join()
        for line in lines:
            if line.startswith("kept") and line.endswith("\n"):
                begun, end = map(int, line.split()[1:])
                acknowledged.update(range(begun, end))
    spool = opened(root, "last")
    found = numbers(drained(spool, 1000))
    spool.forget(spool.finished())
    figures = spool.figures()
    assert (figures.lost, figures.damaged) == (0, 0)
    spool.close()
    assert list(root.iterdir()) == []
    return acknowledged, found


def test_killing_it_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """What was printed as kept is there, once."""
    acknowledged, found = killed_again_and_again(tmp_path / "spool", 5, 1)
    assert acknowledged
    assert acknowledged <= set(found)
    assert len(set(found)) == len(found)


@pytest.mark.campaign
def test_killing_it_a_hundred_times_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """The long form."""
    seed = int(os.environ.get("TIDEGAUGE_SEED", time.time_ns() % 10**6))
    print(f"TIDEGAUGE_SEED={seed}")
    acknowledged, found = killed_again_and_again(tmp_path / "spool", 100, seed)
    print(f"{len(acknowledged):,} rows acknowledged, {len(found):,} there")
    assert acknowledged <= set(found)
    assert len(set(found)) == len(found)
