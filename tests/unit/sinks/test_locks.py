"""Lock files that die with their holder."""

import subprocess
import sys
from pathlib import Path

import pytest

from tidegauge.core.errors import OperatorError
from tidegauge.sinks.locks import Election, FileLock


def test_many_share_and_one_is_alone(tmp_path: Path) -> None:
    """The last one out can take it alone, and only the last one."""
    first, second = FileLock(tmp_path / "users"), FileLock(tmp_path / "users")
    assert first.try_shared()
    assert second.try_shared()
    assert not first.try_exclusive()
    second.close()
    assert first.try_exclusive()
    assert not second.try_shared()
    first.close()
    second.close()


def test_a_dead_process_holds_nothing(tmp_path: Path) -> None:
    """However it ended, the kernel lets go."""
    script = (
        "import sys; from pathlib import Path; from tidegauge.sinks.locks import FileLock\n"
        "lock = FileLock(Path(sys.argv[1])); print(lock.try_exclusive(), flush=True)\n"
        "sys.stdin.read()"
    )
    mine = FileLock(tmp_path / "users")
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "users")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        assert not mine.try_shared()
        other.kill()
    assert mine.try_exclusive()
    mine.close()


async def test_waiting_for_an_election_has_an_end(tmp_path: Path) -> None:
    """Who holds it is not known; what is held, and what to do, is said."""
    async with Election(tmp_path / "door", 1.0):
        with pytest.raises(OperatorError, match="door"):
            async with Election(tmp_path / "door", 0.05):
                pass
    async with Election(tmp_path / "door", 1.0):
        pass
