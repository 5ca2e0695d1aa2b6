"""The dashboard in a real terminal: alone against an API, and in the terminal of a monitor."""

import asyncio
import json
import re
import sys
from pathlib import Path

from tests.support.cli import endpoints
from tests.support.pictured import VENUES
from tests.support.standing_api import TOKEN, standing_in
from tests.support.terminal import terminal

from tidegauge.faces.logs import LOG_NAME
from tidegauge.runtime.local_venues import LocalVenues

TIDEGAUGE = (sys.executable, "-m", "tidegauge")
LOCAL = ("binance", "bybit-linear")


async def test_it_fits_80_by_24_shows_everything_at_200_by_60_and_q_leaves(tmp_path: Path) -> None:
    """Two ladders and a line a venue; then measures, matrix, score, feeds and desk beside them."""
    async with (
        standing_in(untrusted=frozenset({"kraken-spot"})) as served,
        terminal(
            tmp_path,
            [*TIDEGAUGE, "dashboard", "--url", served.url, "--symbol", "btcusdt"],
            {"TIDEGAUGE_API_TOKEN": TOKEN},
            80,
            24,
        ) as shown,
    ):
        screen = await shown.wait_for(
            *("● LIVE", "A binance BTCUSDT ● live", "ask .*ask ", "kraken-spot +✖ stale"),
            *(f" {venue} " for venue in VENUES),
            "✖ stale +a gap in the updates, since",
        )
        lines = screen.splitlines()
        assert len(lines) <= 24
        assert max(map(len, lines)) <= 80
        await shown.resize(200, 60)
        await shown.wait_for(
            *("divergence", "crunch +", "z spread", "desk 1 open", "daemon 4711"),
            also=lambda wide: all(
                len(re.findall(rf"{side} [\d,]+\.\d", wide)) == 2 * 20 for side in ("ask", "bid")
            ),
        )
        await shown.press("q")
        await shown.wait_for("EXIT=0")


async def test_leaving_the_dashboard_of_a_monitor_stops_the_monitor_in_order(
    tmp_path: Path,
) -> None:
    """One command starts all of it; what the daemon logs goes to its file, not onto the screen.

    Ctrl-C is a key of the dashboard like q, which the test above presses.
    """
    async with LocalVenues(venues=LOCAL, speed=2) as venues:
        env = {
            **endpoints(venues.endpoints),
            "TIDEGAUGE_SERVE__PORT": "0",
            "HOME": str(tmp_path),
        }
        chosen = [part for venue in LOCAL for part in ("--venue", venue)]
        command = [
            *TIDEGAUGE,
            "monitor",
            "--symbol",
            "BTCUSDT",
            *chosen,
            "--dry-run",
            "--dashboard",
        ]
        data = tmp_path / "data"
        async with terminal(tmp_path, [*command, "--data-dir", str(data)], env, 100, 30) as shown:
            await shown.wait_for("● LIVE", "A binance BTCUSDT ● live", "2/2 live", "ask .*ask ")
            await shown.press("C-c")
            screen = await shown.wait_for("EXIT=")
            assert "EXIT=0" in screen, screen
    log = [json.loads(each) for each in (data / LOG_NAME).read_text("utf-8").splitlines()]
    assert log[-1]["event"] == "api_stopping"
    assert not [each for each in log if each["level"] in ("error", "critical")]


async def test_without_a_terminal_it_says_so(tmp_path: Path) -> None:
    """Nothing is started, and programs are told what to ask."""
    for arguments in (["dashboard"], ["monitor", "--symbol", "BTCUSDT", "--dashboard"]):
        process = await asyncio.create_subprocess_exec(
            *TIDEGAUGE,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=tmp_path,
        )
        _, err = await process.communicate()
        assert process.returncode == 1
        assert err.decode().startswith("tidegauge: The dashboard needs a terminal")
