"""A file that SQLite does not read, in the place of one that it does."""

import os
from pathlib import Path

import pytest
from tests.support.spool import a_record, a_row, contents, flip, numbers, rows

from tidegauge.core.instrument import HOUR
from tidegauge.sinks.slips import Slip
from tidegauge.sinks.spool.journal import PAGE
from tidegauge.sinks.spool.salvaged import Salvaged
from tidegauge.sinks.spool.segment import Segment


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the place of a file, in the folder of a daemon, in a spool."""
    folder = tmp_path / "start"
    folder.mkdir()
    return folder / "readings-000000000011.sqlite3"


def kept_in(path: Path, slips: list[Slip], *, stored: int = 0) -> None:
    segment = Segment.create(path, 11, 1)
    segment.append(slips, 5)
    segment.mark(10 + stored)
    segment.close()


def lose(path: Path, body: bytes) -> None:
    """Flip a bit in a row."""
    flip(path, 8 * (path.read_bytes().index(body) + 20))


def test_it_gives_what_can_be_read_and_counts_the_rest(path: Path) -> None:
    """In order; what is lost in front of a row is told with it, what is at the end last."""
    kept = rows(20, 700)
    kept_in(path, kept)
    for place in (0, 7, 8, 18, 19):
        lose(path, kept[place].body)
    file = Salvaged(path, 11)
    assert file.waiting == 20
    told: list[tuple[list[int], int, int]] = []
    while file.waiting:
        chunk = file.read(8)
        told.append((numbers(chunk.slips), chunk.upto, chunk.lost))
        file.mark(chunk.upto)
    of = [numbers(kept[a:b]) for a, b in ((1, 7), (9, 11), (11, 18))]
    assert told == [([*of[0], *of[1]], 21, 3), (of[2], 28, 0), ([], 30, 2)]


def test_what_is_stored_is_known_from_the_file(path: Path) -> None:
    """Where its page is not the one that was hit: else everything is sent again."""
    kept = rows(20, 700)
    kept_in(path, kept, stored=5)
    assert (Salvaged(path, 11).stored, Salvaged(path, 11).kept_ns) == (15, 5)
    with path.open("r+b") as file:
        file.seek(3 * PAGE)
        file.write(bytes(PAGE))
    again = Salvaged(path, 11)
    assert (again.stored, again.last, again.damaged) == (10, 30, True)
    assert again.kept_ns == path.stat().st_mtime_ns


def test_a_file_in_the_middle_is_read_when_its_turn_comes(path: Path) -> None:
    """How many rows it had is known from the next; a start with many of them takes no time."""
    kept_in(path, rows(20, 700))
    file = Salvaged(path, 11, last=40)
    assert (file.waiting, file._slips) == (30, None)
    assert len(file.read(100).slips) == 20
    file.mark(30)
    assert (file.read(100).slips, file.read(100).lost) == ([], 10)
    file.close()
    assert file._slips is None


def test_rows_of_another_file_are_not_its_own(path: Path) -> None:
    """It may hold rows that were kept in the next one after all."""
    kept_in(path, rows(20))
    assert [slip.seq for slip in Salvaged(path, 11, last=20).read(100).slips] == [*range(11, 21)]


def test_a_series_that_is_lost_is_taken_from_another_file(path: Path) -> None:
    """The readings of a book lie under the same one in every file."""
    kept = rows(3)
    kept_in(path, kept)
    with path.open("r+b") as file:
        file.seek(2 * PAGE)
        file.write(bytes(PAGE))
    assert {slip.under for slip in Salvaged(path, 11).read(10).slips} == {None}
    assert kept[0].under is not None
    known = {1: kept[0].under}
    assert contents(Salvaged(path, 11, known=known).read(10).slips) == contents(kept)


def test_what_is_rolled_up_is_told_by_the_hour(path: Path) -> None:
    """Also when its rows are no longer in memory."""
    kept_in(path, [a_row(3 * HOUR), a_row(HOUR + 5), a_row(HOUR + 2), a_record(9 * HOUR)])
    file = Salvaged(path, 11)
    file.close()
    assert file.spans() == [(HOUR + 2, HOUR + 5), (3 * HOUR, 3 * HOUR)]


@pytest.mark.parametrize("damaged", [True, False])
def test_it_is_put_aside_unless_it_was_sound(path: Path, damaged: bool) -> None:
    """A sound file is one that SQLite could not open where it lay."""
    kept_in(path, rows(3))
    file = Salvaged(path, 11, damaged=damaged)
    file.remove()
    assert list(path.parent.iterdir()) == []
    aside = path.parent.parent / "damaged" / f"start-{path.name}"
    assert aside.exists() == damaged


def test_a_file_of_which_nothing_is_read_is_never_deleted(path: Path) -> None:
    """It was not looked at for want of a permission, say: it is put aside."""
    path.write_bytes(os.urandom(3 * PAGE))
    file = Salvaged(path, 11, damaged=False)
    assert (file.waiting, file.damaged) == (0, True)
    file.remove()
    assert (path.parent.parent / "damaged" / f"start-{path.name}").exists()
    path.mkdir()
    file = Salvaged(path, 11)
    file.remove()
    assert list(path.parent.iterdir()) == []


def test_rows_that_are_missing_make_it_damaged(path: Path) -> None:
    """However it came here."""
    kept = rows(20, 700)
    kept_in(path, kept)
    lose(path, kept[4].body)
    file = Salvaged(path, 11, damaged=False)
    assert not file.damaged
    assert file.read(100).lost == 1
    assert file.damaged
