"""The thread that writes tapes: what is on disk when, and what happens when it cannot be."""

import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import HOUR, SECOND, Nanos
from tidegauge.runtime import recorder as recorder_module
from tidegauge.runtime.monitor import MonitorPlan
from tidegauge.runtime.recorder import Limits, Recorder
from tidegauge.runtime.tape_file import TapeReader
from tidegauge.wire.tape import Meta, TapeKind, TapeLine, frame_line

START: Nanos = 1_760_000_000 * SECOND


def line(number: int, text: str = "{}") -> TapeLine:
    return frame_line(START + number, TapeKind.RECV, "wss://v/ws#binance/0.book", text)


def begun(folder: Path, limits: Limits | None = None) -> Recorder:
    recorder = Recorder(folder, limits=limits)
    recorder.begin("0123456789abcdef", MonitorPlan(), START)
    return recorder


def read(folder: Path) -> list[TapeLine]:
    return [each for path in sorted(folder.iterdir()) for each in TapeReader(path)]


def metas(lines: list[TapeLine]) -> list[dict[str, Any]]:
    return [each.facts for each in lines if each.kind is TapeKind.META]


def test_all_that_is_noted_is_on_the_tape_in_order(tmp_path: Path) -> None:
    """Between a header that holds the plan, and an end that holds the hash."""
    recorder = begun(tmp_path / "new" / "folder")
    noted = [line(n, f"frame\t{n}") for n in range(5000)]
    for each in noted:
        recorder.note(each)
    recorder.close(START + HOUR)
    recorder.close(START + HOUR)
    recorder.note(line(1))
    first, *rest, last = read(tmp_path / "new" / "folder")
    assert rest == noted
    assert first.facts["run"] == "0123456789abcdef"
    assert "measure" in first.facts["plan"]
    assert last.facts["meta"] == Meta.END
    assert last.facts["sha256"] == recorder.digest.hexdigest()
    (path,) = (tmp_path / "new" / "folder").iterdir()
    assert path.name == "20251009T085320Z-01234567-0000.tape.zst"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_tape_can_be_read_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to the last frame that was ended; a kill loses no more than what came since."""
    monkeypatch.setattr(recorder_module, "FRAME_BYTES", 10)
    recorder = begun(tmp_path)
    written = threading.Event()
    write = os.write
    calls: list[int] = []

    def watched(file: int, data: Any) -> int:
        calls.append(file)
        count = write(file, data)
        if len(calls) == 3:
            written.set()
        return count

    monkeypatch.setattr(os, "write", watched)
    for number in range(20):
        recorder.note(line(number))
    assert written.wait(30)
    assert len(read(tmp_path)) >= 2
    recorder.close(START)
    assert len(read(tmp_path)) == 22


def test_a_new_part_begins_with_the_header_and_where_the_fleets_stand(tmp_path: Path) -> None:
    """When the hour is over, or the part is large, but not too soon after the last."""
    limits = Limits(part_bytes=1, part_span=HOUR, least_span=60 * SECOND)
    recorder = begun(tmp_path, limits)
    recorder.note(line(1))
    assert not recorder.is_due(START + 59 * SECOND)
    assert recorder.is_due(START + HOUR)
    recorder.begin_part([line(HOUR, "position")], START + HOUR)
    frame = line(HOUR + 3)
    recorder.note(frame)
    assert not recorder.is_due(START + HOUR)
    recorder.close(START + HOUR)
    one, two = sorted(tmp_path.iterdir())
    assert [each.facts["segment"] for each in [*TapeReader(one)][:1]] == [0]
    header, position, noted, end = TapeReader(two)
    assert (header.facts["segment"], position.text, noted) == (1, "position", frame)
    assert end.facts["meta"] == Meta.END


def test_the_oldest_parts_go_when_the_folder_is_full(tmp_path: Path) -> None:
    """Of whatever run; the one being written stays, and the log tells."""
    old = tmp_path / "20200101T000000Z-aaaaaaaa-0000.tape.zst"
    old.write_bytes(bytes(10_000))
    with capture_logs() as logs:
        recorder = begun(tmp_path, Limits(total_bytes=5_000))
        recorder.note(line(1))
        recorder.close(START)
    assert not old.exists()
    assert len(read(tmp_path)) == 3
    assert [each["event"] for each in logs] == ["tape_deleted"]


def test_what_the_disk_does_not_take_in_time_is_dropped_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never waited for, never silently: the tape and the log say how many lines."""
    monkeypatch.setattr(recorder_module, "MOST_WAITING", 5_000)
    stuck, write = threading.Event(), os.write

    def slow(file: int, data: Any) -> int:
        stuck.wait(10)
        return write(file, data)

    monkeypatch.setattr(os, "write", slow)
    monkeypatch.setattr(recorder_module, "FRAME_BYTES", 1)
    recorder = begun(tmp_path)
    for number in range(1_000):
        recorder.note(line(number))
    assert 0 < recorder.dropped < 1_000
    stuck.set()
    while not recorder.is_due(START + HOUR // 2):  # until the thread has caught up
        recorder.note(line(2_000))
    with capture_logs() as logs:
        recorder.close(START)
    found = [each for each in metas(read(tmp_path)) if each["meta"] == Meta.GAP]
    assert sum(each["lines"] for each in found) == recorder.dropped
    assert logs[-1]["event"] == "tape_has_gaps"


def test_a_full_disk_ends_the_recording_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Told once; what is noted after is not kept, and closing does not wait."""

    def full(_file: int, _data: Any) -> int:
        raise OSError(28, "No space left on device")

    structlog.reset_defaults()
    with capture_logs() as logs:
        recorder = begun(tmp_path)
        monkeypatch.setattr(os, "write", full)
        monkeypatch.setattr(recorder_module, "FRAME_BYTES", 1)
        for number in range(100):
            recorder.note(line(number))
        recorder.close(START)
    assert [each["event"] for each in logs] == ["recording_stopped"]
    assert logs[0]["reason"] == "No space left on device"


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    """Before anything is monitored."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OperatorError, match="Cannot record into"):
        Recorder(tmp_path / "file")


def test_the_limits_follow_from_the_gigabytes() -> None:
    """At least four parts fit, so that the oldest can go without all going."""
    assert Limits.of_gigabytes(20).part_bytes == 2**28
    assert Limits.of_gigabytes(0.004).part_bytes == Limits.of_gigabytes(0.004).total_bytes // 4
