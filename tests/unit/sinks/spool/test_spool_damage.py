"""The spool with files that are torn, flipped, missing, or no files at all."""

import os
import shutil
import time
from pathlib import Path

import pytest
from tests.support.spool import (
    as_killed,
    contents,
    drained,
    flip,
    opened,
    rows,
)

from tidegauge.sinks.slips import Slip
from tidegauge.sinks.spool import segment


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
    assert time.perf_counter() - begun < 20
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
    spool._own.readings.files[0].shut()
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
