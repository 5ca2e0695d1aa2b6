"""`tidegauge db`, and the script that stands for `tidegauge monitor`, as an operator runs them."""

import signal
import subprocess
import sys
from pathlib import Path

from tests.support.cli import running, tidegauge
from tests.support.programs import require_program
from tests.support.service import manager

from tidegauge.sinks.migrate import migrations

ROOT = Path(__file__).parents[2]


def test_status_says_that_nothing_runs_and_how_to_start_it(data_dir: Path, tmp_path: Path) -> None:
    """Asking for the status of nothing makes nothing."""
    told = tidegauge("db", "status", "--data-dir", str(data_dir), cwd=tmp_path)
    assert told.code == 1
    assert "tidegauge db up" in told.complaints[0]
    assert not data_dir.exists()


async def test_up_serves_until_it_is_told_to_stop(data_dir: Path, tmp_path: Path) -> None:
    """Meanwhile the status shows the server and its schema; a signal ends it in order, and systemd knows."""
    where = ("--data-dir", str(data_dir))
    with manager(str(tmp_path / "notify")) as systemd:
        env = {"NOTIFY_SOCKET": systemd.address}
        async with running("db", "up", *where, cwd=tmp_path, env=env) as up:
            await systemd.heard("READY")
            status = tidegauge("db", "status", *where, cwd=tmp_path)
            assert status.code == 0
            assert "running" in status.out
            assert f"schema {len(migrations())}" in status.out
            up.signal(signal.SIGTERM)
            assert (await up.ended()).code == 0
            assert systemd.count("STOPPING") == 1
    assert tidegauge("db", "status", *where, cwd=tmp_path).code == 1


def test_psql_answers_and_passes_its_exit_code_on(data_dir: Path, tmp_path: Path) -> None:
    """The views are found by their names; what psql refuses, the command refuses."""
    require_program("psql")
    where = ("--data-dir", str(data_dir))
    assert tidegauge("db", "up", "--once", *where, cwd=tmp_path).code == 0
    asked = ("--", "-At", "-c", "SELECT count(*) FROM v_readings")
    answer = tidegauge("db", "psql", *where, *asked, cwd=tmp_path)
    assert (answer.code, answer.out.strip(), answer.err) == (0, "0", "")
    wrong = tidegauge("db", "psql", *where, "--", "-c", "SELECT nonsense", cwd=tmp_path)
    assert wrong.code == 1
    assert "nonsense" in wrong.err


def test_the_script_does_what_the_command_does() -> None:
    """`scripts/run_monitor.py` takes the same flags and refuses the same ones."""
    script = [sys.executable, str(ROOT / "scripts" / "run_monitor.py")]
    helped = subprocess.run([*script, "--help"], capture_output=True, text=True, check=False)
    assert helped.returncode == 0
    assert "tidegauge monitor --symbol" in helped.stdout.replace("\n", " ")
    refused = subprocess.run([*script, "--bogus"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert refused.stderr.startswith("tidegauge: ")
