"""Running programs, and asking after processes."""

import os
import subprocess
from pathlib import Path

import pytest

from tidegauge.sinks.commands import (
    Account,
    clean_environment,
    comes_true,
    command_line,
    run_program,
)

OURSELVES = Account.of_uid(os.geteuid())


async def test_a_program_is_run_to_its_end(tmp_path: Path) -> None:
    """With its exit code and both of its voices."""
    finished = await run_program(
        ["/bin/sh", "-c", "echo out; echo err >&2; exit 3"],
        account=OURSELVES,
        cwd=tmp_path,
        deadline_s=10,
    )
    assert finished.code == 3
    assert finished.output.split() == ["out", "err"]


async def test_a_program_that_takes_too_long_is_killed(tmp_path: Path) -> None:
    """Nothing of it is left."""
    with pytest.raises(TimeoutError):
        await run_program(
            ["/bin/sh", "-c", "echo $$ > pid; exec sleep 600"],
            account=OURSELVES,
            cwd=tmp_path,
            deadline_s=0.2,
        )
    assert command_line(int((tmp_path / "pid").read_text())) is None


def test_what_would_mislead_postgresql_is_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """PGHOST, PGPORT, PGOPTIONS ... belong to some other database."""
    monkeypatch.setenv("PGHOST", "elsewhere")
    assert not any(name.startswith("PG") for name in clean_environment())


async def test_a_zombie_is_not_a_process() -> None:
    """It has a number and runs no more."""
    assert "python" in (command_line(os.getpid()) or "")
    child = subprocess.Popen(["/bin/true"])
    assert await comes_true(lambda: command_line(child.pid) is None, 20)
    os.kill(child.pid, 0)
    child.wait()
    assert command_line(child.pid) is None


async def test_what_does_not_come_true_ends_the_waiting() -> None:
    """False, not an exception."""
    assert not await comes_true(lambda: False, 0.02)


def test_an_account_passes_only_where_it_may(tmp_path: Path) -> None:
    """Every folder on the way must let it through; what is not there yet stops nobody."""
    stranger = Account(54_321, 54_321, "stranger")
    tmp_path.chmod(0o700)
    assert not stranger.can_reach(tmp_path / "below")
    assert stranger.can_reach(Path("/tmp/not-there-at-all"))
    assert OURSELVES.can_reach(tmp_path / "below")
