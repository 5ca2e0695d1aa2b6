"""The demo, as a newcomer starts it: real servers, real sockets, a real PostgreSQL, a real terminal."""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.programs import require_program

from tidegauge.core.errors import OperatorError
from tidegauge.faces.demo import VENUES, chosen
from tidegauge.simulator.venues import VENUES as LOCAL

TIDEGAUGE = Path(sys.executable).with_name("tidegauge")
SPEED = "2"
DEADLINE_S = 300.0


def test_the_demo_finds_the_crunch_on_every_venue_and_reads_it_back(data_dir: Path) -> None:
    """It ends by itself with exit code 0: one alert a venue, fired and resolved, from PostgreSQL."""
    done = subprocess.run(
        [TIDEGAUGE, "demo", "--plain", "--speed", SPEED, "--data-dir", data_dir],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    live, _, written = done.stdout.partition("read back from PostgreSQL")
    for setting in ("sampled every 0.125 s", "min_samples 60", "clear_for 5 s"):
        assert setting in live, "the demo says what it uses"
    for venue in VENUES:
        (alert,) = re.findall(rf"^liquidity_crunch +{venue} .*$", written, re.MULTILINE)
        assert "resolved" in alert
        (readings,) = re.findall(rf"^{venue} +BTCUSDT +([\d,]+) ", written, re.MULTILINE)
        assert int(readings.replace(",", "")) > 20
        (feed,) = re.findall(rf"^{venue} +(\d+) +(\d+) +(\d+) ", written, re.MULTILINE)
        assert feed[2] == "0", "no gaps"
    assert "db psql" in written
    assert "RESOLVED" in live
    incidents = re.findall(r"^INC-\S+: liquidity of BTCUSDT, RESOLVED$", written, re.MULTILINE)
    assert len(incidents) == 1, "five alerts, one incident"
    kinds = re.findall(r"^[\d:]{8} +(\w+) +(?:demo|tidegauge) ", written, re.MULTILINE)
    assert kinds[0] == "opened"
    assert kinds[-2:] == ["mitigated", "resolved"]
    assert "acknowledged" in kinds


def test_a_demo_runs_any_of_the_local_venues(data_dir: Path) -> None:
    """All of them at once: each gives readings and tells of its trades, without a gap."""
    done = subprocess.run(
        [TIDEGAUGE, "demo", "--plain", "--speed=6", "--venue=all", "--data-dir", data_dir],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    live, _, written = done.stdout.partition("read back from PostgreSQL")
    assert f"{len(LOCAL)} local venues" in live
    tables = written.split("feed  ")[0].partition("\nmarket ")
    for venue in LOCAL:
        assert re.search(rf"^{venue} +[A-Z]+ +[\d,]+ ", tables[0], re.MULTILINE), written
        (trades,) = re.findall(rf"^{venue} +([\d,]+) ", tables[2], re.MULTILINE)
        assert int(trades.replace(",", "")) > 0
        (feed,) = re.findall(rf"^{venue} +(\d+) +(\d+) +(\d+) +\d+ ", written, re.MULTILINE)
        assert feed[2] == "0", "no gaps"


@pytest.mark.parametrize(
    ("asked", "runs"),
    [
        (None, VENUES),
        (["all"], LOCAL),
        (["bybit"], ("bybit-spot", "bybit-linear")),
        (["hyperliquid", "binance"], ("hyperliquid", "binance")),
    ],
)
def test_a_demo_runs_the_venues_it_is_told_to(
    asked: list[str] | None, runs: tuple[str, ...]
) -> None:
    """By name or by family; five of them when it is told nothing."""
    assert chosen(asked) == runs


def test_a_venue_that_cannot_be_run_here_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is started, with those that can."""
    monkeypatch.setattr("tidegauge.faces.demo.LOCAL", ("binance",))
    with pytest.raises(OperatorError, match=r"no local venue 'hyperliquid'.*binance"):
        chosen(["hyperliquid"])
    with pytest.raises(OperatorError, match="Did you mean 'binance'"):
        chosen(["binanse"])


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[list[str]]:
    """A tmux server of this test's own."""
    require_program("tmux")
    command = [str(shutil.which("tmux")), "-S", str(tmp_path / "tmux.sock"), "-f", "/dev/null"]
    yield command
    subprocess.run([*command, "kill-server"], check=False, capture_output=True)


def _screen(tmux: list[str]) -> str:
    shown = subprocess.run(
        [*tmux, "capture-pane", "-p", "-t", "demo"], check=True, capture_output=True, text=True
    )
    return shown.stdout


def _wait_for(tmux: list[str], *patterns: str) -> str:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        screen = _screen(tmux)
        if all(re.search(each, screen) for each in patterns):
            return screen
        time.sleep(0.2)
    pytest.fail(f"{patterns} were not shown within {DEADLINE_S} s:\n{_screen(tmux)}")


TOLD = "echo EXIT=$?; sleep 60"


def test_on_a_terminal_the_demo_is_a_dashboard_that_ends_with_its_report(
    tmux: list[str], data_dir: Path
) -> None:
    """Its ladders are live, q leaves it and stops the monitor, and what was found is printed."""
    demo = f"{TIDEGAUGE} demo --data-dir {data_dir}; {TOLD}"
    subprocess.run(
        [*tmux, "new-session", "-d", "-s", "demo", "-x", "120", "-y", "40", demo], check=True
    )
    _wait_for(tmux, r"bid [\d,.]+", r"LIVE \d\d:\d\d:\d\d UTC")
    subprocess.run([*tmux, "send-keys", "-t", "demo", "q"], check=True)
    assert "tidegauge report" in _wait_for(tmux, r"EXIT=0")


def test_the_live_view_fits_a_terminal_and_ctrl_c_ends_it(tmux: list[str], data_dir: Path) -> None:
    """At 80 by 24 every book is a line with its prices; Ctrl-C drains, reports and exits 0."""
    demo = f"{TIDEGAUGE} demo --no-dashboard --keep-running --data-dir {data_dir}"
    subprocess.run(
        [*tmux, "new-session", "-d", "-s", "demo", "-x", "80", "-y", "24", f"{demo}; {TOLD}"],
        check=True,
    )
    _wait_for(tmux, *(rf"{venue} BTCUSDT +live +[\d,.]+ +[\d,.]+ " for venue in VENUES))
    subprocess.run([*tmux, "send-keys", "-t", "demo", "C-c"], check=True)
    _wait_for(tmux, r"EXIT=0")
