"""The audit trail on disk: killed anywhere, it goes on."""

import os
import tempfile
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.database import NOON
from tests.support.incidents import a_story, an_incident, happens, write_log

from tidegauge.core.incident import Family, IncidentChange, IncidentState
from tidegauge.core.instrument import SECOND
from tidegauge.sinks.chain import NO_HASH
from tidegauge.sinks.incident_log import IncidentLog, path_of, paths_of, read, scan

STORY = a_story()
PLAIN = [each for each in STORY if each.event.actor != "tom"]


def test_what_was_appended_is_read_back_in_order(tmp_path: Path) -> None:
    """Each with the hash of the one before, from the first line on."""
    chained = write_log(tmp_path, PLAIN)
    found = list(read(path_of(tmp_path)))
    assert found == chained
    assert [each.sequence for each in found] == list(range(1, len(PLAIN) + 1))
    for before, after in pairwise(found):
        assert after.previous_hash == before.hash
    assert found[0].previous_hash != NO_HASH
    assert not scan(path_of(tmp_path)).bad
    assert path_of(tmp_path).stat().st_mode & 0o077 == 0


def test_a_daemon_that_starts_again_goes_on_with_its_trail(tmp_path: Path) -> None:
    """The same chain, the next number."""
    first = write_log(tmp_path, PLAIN[:2])
    second = write_log(tmp_path, PLAIN[2:])
    assert second[0].chain == first[0].chain
    assert second[0].sequence == 3
    assert second[0].previous_hash == first[-1].hash
    assert paths_of(tmp_path) == [path_of(tmp_path)]


def test_each_daemon_of_a_data_directory_has_a_trail_of_its_own(tmp_path: Path) -> None:
    """Two at once have two; later ones go on with what nobody has."""
    one, two = (IncidentLog(tmp_path, NOON) for _ in range(2))
    assert [one.path.name, two.path.name] == ["incidents.jsonl", "incidents-2.jsonl"]
    assert one.chain.id != two.chain.id
    one.close()
    again = IncidentLog(tmp_path, NOON)
    assert (again.path, again.chain) == (one.path, one.chain)
    for each in (two, again):
        each.close()


@pytest.mark.parametrize("left", [1, 20, -2])
def test_a_torn_line_is_cut_off_and_the_next_follows_the_last_whole_one(
    tmp_path: Path, left: int
) -> None:
    """Killed in the middle of a write: wherever it stopped."""
    write_log(tmp_path, PLAIN[:3])
    path = path_of(tmp_path)
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]) + lines[-1][:left])
    log = IncidentLog(tmp_path, NOON)
    assert log.cut == len(lines[-1][:left])
    assert log.append(PLAIN[2]).sequence == 3
    log.close()
    assert path.read_bytes() == whole


def test_a_trail_of_which_only_a_piece_of_the_first_line_is_there_is_begun(tmp_path: Path) -> None:
    """The very first write was cut short, or made room with zeros only."""
    for piece in (b'{"chain":{"be', b"\0" * 100):
        path_of(tmp_path).write_bytes(piece)
        write_log(tmp_path, PLAIN[:1])
        assert not scan(path_of(tmp_path)).bad
        path_of(tmp_path).unlink()


def test_a_damaged_line_stops_nobody(tmp_path: Path) -> None:
    """The trail goes on after it, and still tells of it."""
    write_log(tmp_path, PLAIN[:3])
    path = path_of(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:-1], b"garbage\n"]))
    chained = write_log(tmp_path, PLAIN[3:])
    assert [each.sequence for each in chained] == [4, 5]
    assert [number for number, _why in scan(path).bad] == [4]
    assert [each.sequence for each in read(path)] == [1, 2, 4, 5]


def test_a_file_that_does_not_say_whose_it_is_is_left_alone(tmp_path: Path) -> None:
    """It is nobody's to write on; its incidents are read all the same."""
    write_log(tmp_path, PLAIN[:2])
    path = path_of(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([b"?" + lines[0], *lines[1:]]))
    before = path.read_bytes()
    log = IncidentLog(tmp_path, NOON)
    assert log.path == path_of(tmp_path, 2)
    assert [each.id for each in log.restore(["BTCUSDT"], 0)] == ["INC-19b8-aa"]
    log.close()
    assert path.read_bytes() == before


def test_what_the_disk_does_not_take_is_owed_and_written_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that filled in the middle of a line: nothing of it stays, and no number is given twice."""
    log = IncidentLog(tmp_path, NOON)
    log.append(PLAIN[0])
    good = path_of(tmp_path).read_bytes()
    real = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda fd, said: real(fd, said[:10]))
        with pytest.raises(OSError, match="No space"):
            log.append(PLAIN[1])
    assert path_of(tmp_path).read_bytes() == good
    assert log.owed == 1
    log.append(PLAIN[2])
    assert log.owed == 0
    log.close()
    assert [each.transition for each in read(path_of(tmp_path))] == PLAIN[:3]
    assert not scan(path_of(tmp_path)).bad


def test_a_trail_that_somebody_takes_away_is_missed_at_once(tmp_path: Path) -> None:
    """Lines written into a file that nobody can find are lost."""
    log = IncidentLog(tmp_path, NOON)
    path_of(tmp_path).rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError):
        log.append(PLAIN[0])
    path_of(tmp_path).write_bytes(b"")
    with pytest.raises(OSError, match="replaced"):
        log.append(PLAIN[1])
    (tmp_path / "elsewhere").rename(path_of(tmp_path))
    log.append(PLAIN[2])
    log.close()
    assert [each.sequence for each in read(path_of(tmp_path))] == [1, 2, 3]


def test_the_open_incidents_and_those_resolved_lately_are_restored(tmp_path: Path) -> None:
    """Each as it was last; those of a symbol that a daemon had which is gone as well."""
    one, two, lives = (IncidentLog(tmp_path, NOON) for _ in range(3))
    for each in PLAIN:
        one.append(each)
    for each in a_story("INC-eth", symbol="ETHUSDT")[:3]:
        two.append(each)
    two.append(happens(None, IncidentChange.OPENED, name="INC-all", symbol="*", family=Family.FEED))
    one.append(happens(None, IncidentChange.OPENED, name="INC-own", symbol="*", family=Family.FEED))
    lives.append(happens(None, IncidentChange.OPENED, name="INC-live", symbol="ETHUSDT"))
    two.close()
    resolved = NOON + 360 * SECOND
    found = one.restore({"BTCUSDT", "ETHUSDT"}, resolved)
    assert {each.id for each in found} == {"INC-19b8-aa", "INC-eth", "INC-own"}
    known = {each.id: each for each in found}
    assert known["INC-19b8-aa"] == PLAIN[-1].incident
    assert known["INC-eth"].state is IncidentState.ACKNOWLEDGED
    assert [each.id for each in one.restore({"BTCUSDT"}, resolved + 1)] == ["INC-own"]
    for log in (one, lives):
        log.close()


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(0, 1)), max_size=6))
def test_wherever_a_crash_cuts_what_was_whole_stays_and_the_trail_goes_on(
    runs: list[tuple[int, float]],
) -> None:
    """Each run writes some lines and is cut off anywhere behind those that were on the disk before."""
    with tempfile.TemporaryDirectory() as folder:
        path = path_of(Path(folder))
        expected: list[str] = []
        for count, cut in runs:
            before = path.stat().st_size if path.exists() else 0
            chained = write_log(Path(folder), PLAIN[:count])
            assert [each.sequence for each in chained] == [
                len(expected) + number for number in range(1, count + 1)
            ]
            written = path.read_bytes()
            kept = written[: max(before, round(len(written) * cut))]
            path.write_bytes(kept)
            gone = written.count(b"\n") - kept.count(b"\n")
            expected += [each.hash for each in chained]
            expected = expected[: max(0, len(expected) - gone)]
        write_log(Path(folder), [])
        assert [each.hash for each in read(path)] == expected
        assert not scan(path).bad


@given(st.data())
def test_one_byte_changed_anywhere_is_found(data: st.DataObject) -> None:
    """In any line, and between two of them."""
    with tempfile.TemporaryDirectory() as folder:
        path = path_of(Path(folder))
        write_log(Path(folder), PLAIN)
        said = bytearray(path.read_bytes())
        at = data.draw(st.integers(0, len(said) - 1))
        said[at] ^= data.draw(st.integers(1, 255))
        path.write_bytes(said)
        found = scan(path)
        assert found.bad or found.torn


def test_fifty_thousand_lines_are_opened_and_judged_in_seconds(tmp_path: Path) -> None:
    """Years of trail do not hold up a start."""
    log = IncidentLog(tmp_path, NOON)
    for number in range(50_000):
        log.add(replace(STORY[0], incident=an_incident(f"INC-{number // 10}", version=number % 10)))
    log.flush()
    log.close()
    began = time.monotonic()
    assert not scan(path_of(tmp_path)).bad
    judged = time.monotonic() - began
    again = IncidentLog(tmp_path, NOON)
    assert len(again.restore({"BTCUSDT"}, 0)) == 5_000
    again.close()
    print(
        f"judged in {judged:.2f} s, opened and restored in {time.monotonic() - began - judged:.2f}"
    )
    assert time.monotonic() - began < 60
