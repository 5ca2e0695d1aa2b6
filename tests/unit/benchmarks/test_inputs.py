"""What is timed: recorded frames where they are, generated ones that say so where they are not."""

import gzip
import json
from pathlib import Path

import pytest
from benchmarks.inputs import NAMES, REAL, load, recorded
from benchmarks.tape import Shape, always, generate


@pytest.mark.parametrize("name", NAMES)
def test_every_input_has_as_many_timed_messages_as_were_asked_for(name: str) -> None:
    """The frame that joins the snapshot comes before them."""
    given = load(name, 30)
    assert len(given.timed) == 30
    last = json.loads(given.snapshot)["lastUpdateId"]
    first = json.loads(given.frames[0])["data"]
    assert first["pu"] <= last <= first["u"]


def test_without_a_recording_a_generated_tape_takes_its_place(tmp_path: Path) -> None:
    """The figures must not pass for those of recorded frames."""
    given = recorded(20, tmp_path / "absent.gz")
    assert (given.name, len(given.timed)) == (REAL, 20)
    assert "generated" in given.says
    assert "absent.gz" in given.says


def test_recorded_frames_older_than_the_snapshot_are_left_out(tmp_path: Path) -> None:
    """A recorder asks for the snapshot after the stream has begun."""
    tape = generate(Shape(levels=20, changes=always(4)), 10)
    told = json.loads(tape.snapshot)
    told["lastUpdateId"] = json.loads(tape.frames[3])["data"]["u"]
    lines = [f"{n}\trecv\twss://x\t{frame.decode()}" for n, frame in enumerate(tape.frames)]
    lines.insert(6, f"6\thttp\thttps://x\t{json.dumps(told)}")
    file = tmp_path / "some.gz"
    file.write_bytes(gzip.compress("\n".join(lines).encode()))
    given = recorded(4, file)
    assert given.frames == tape.frames[3:8]
    assert json.loads(given.snapshot) == told
