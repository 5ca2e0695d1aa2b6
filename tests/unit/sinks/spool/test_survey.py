"""The spool of a data directory, looked at from outside."""

import os
import subprocess
import sys
from pathlib import Path

from tests.support.spool import a_record, a_row, a_series, flip, rows

from tidegauge.sinks.slips import Slip
from tidegauge.sinks.spool import ROOT, Spool, survey
from tidegauge.sinks.spool.survey import SpoolState

DAEMON = """
import sys
from pathlib import Path
from tests.support.spool import a_record, a_row
from tidegauge.sinks.spool import segment
from tidegauge.sinks.spool.spool import Spool

segment.FULL_PAGES = 12
spool = Spool(Path(sys.argv[1]), "a")
spool.open()
for begin in range(0, 100, 10):
    spool.append([a_row(10_000 + begin + each, 900) for each in range(10)])
spool.append([a_record(5_000)])
spool.settle(spool.fetch(10))
for _ in range(3):
    spool.settle(spool.fetch(10))
spool.write_marks()
print("ready", spool.waiting, spool.figures().bytes, flush=True)
sys.stdin.readline()
spool.append([a_row(1)])
print("ready", spool.waiting, spool.figures().bytes, flush=True)
sys.stdin.readline()
"""


def left_in(folder: Path) -> dict[Path, tuple[int, bytes]]:
    """Return all of it; the index of a log is its readers' own."""
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and not path.name.endswith("-shm")
    }


def test_it_agrees_with_a_living_process_and_changes_nothing(tmp_path: Path) -> None:
    """What that one says it holds, while it holds it; and when it was killed."""
    root = tmp_path / ROOT
    command = [sys.executable, "-c", DAEMON, str(root)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as daemon:
        assert daemon.stdin is not None
        assert daemon.stdout is not None
        for waiting in (70, 71):
            told = daemon.stdout.readline()
            before, names = left_in(root), sorted(root.rglob("*"))
            [look] = survey(tmp_path).folders
            assert (left_in(root), sorted(root.rglob("*"))) == (before, names)
            assert told == f"ready {look.records + look.readings} {look.bytes}\n"
            assert look.folder == root / "a"
            assert (look.alive, look.records, look.readings) == (True, 0, waiting)
            assert (look.oldest_at, look.damaged) == (10_030, 0)
            daemon.stdin.write("\n")
            daemon.stdin.flush()
            if waiting == 71:
                daemon.kill()
    before = left_in(root)
    [look] = survey(tmp_path).folders
    assert (look.alive, look.readings, look.damaged) == (False, 71, 0)
    assert left_in(root) == before


def opened(data_dir: Path, name: str) -> Spool:
    spool = Spool(data_dir / ROOT, name)
    spool.open()
    return spool


def test_without_a_spool_there_is_nothing(tmp_path: Path) -> None:
    """And none is made."""
    assert survey(tmp_path) == SpoolState(folders=(), quarantined=0, put_aside=0)
    assert list(tmp_path.iterdir()) == []


def test_what_is_refused_and_put_aside_is_counted(tmp_path: Path) -> None:
    """And a damaged file, until it is put aside; a folder in the making is nothing yet."""
    spool = opened(tmp_path, "a")
    kept = rows(30, 900)
    spool.append(kept)
    spool.quarantine([(a_record(1), "no"), (a_row(2), "no")])
    spool.close()
    [path] = (tmp_path / ROOT / "a").glob("*.sqlite3")
    with path.open("r+b") as file:
        file.write(bytes(100))
    (tmp_path / ROOT / "b.new").mkdir()
    state = survey(tmp_path)
    assert [(look.folder.name, look.damaged, look.readings) for look in state.folders] == [
        ("a", 1, 0)
    ]
    assert (state.quarantined, state.put_aside) == (2, 0)
    spool = opened(tmp_path, "c")
    while (parcel := spool.fetch(100)) is not None:
        spool.settle(parcel)
    spool.forget(spool.finished())
    state = survey(tmp_path)
    assert (len(state.folders), state.quarantined, state.put_aside) == (1, 2, 1)
    spool.close()


def test_a_quarantine_that_is_damaged_does_not_hide_the_rest(tmp_path: Path) -> None:
    """Nor does a file that is no file."""
    spool = opened(tmp_path, "a")
    spool.append([Slip(4, 7, b"x"), a_row(9, 40, a_series(2))])
    (tmp_path / ROOT / "quarantine.sqlite3").write_bytes(b"garbage" * 1_000)
    os.mkfifo(tmp_path / ROOT / "a" / "records-000000000099.sqlite3")
    state = survey(tmp_path)
    [look] = state.folders
    assert (look.records, look.readings, look.oldest_at, look.damaged) == (1, 1, 7, 1)
    assert state.quarantined == 0
    spool.close()


def test_a_flipped_bit_is_not_looked_for(tmp_path: Path) -> None:
    """A look is not a reading of everything: the daemon that sends the rows finds it."""
    spool = opened(tmp_path, "a")
    kept = rows(30, 900)
    spool.append(kept)
    spool.close()
    [path] = (tmp_path / ROOT / "a").glob("*.sqlite3")
    flip(path, 8 * path.read_bytes().index(kept[20].body) + 4_000)
    [look] = survey(tmp_path).folders
    assert (look.readings, look.damaged) == (30, 0)
