"""The rules of a running monitor, read anew: whole, or not at all."""

import signal
from pathlib import Path

from tests.support.cli import endpoints, running
from tests.support.database import until

from tidegauge.runtime.local_venues import LocalVenues

GOOD = "crunch:\n  clear_for_s: 30\n"
OTHER = "crunch:\n  clear_for_s: 12\n"
BAD = "crunch:\n  clear_for_s: 9\n  clear_fro_s: 1\n"


async def test_a_hangup_reads_the_rules_anew_and_bad_ones_change_nothing(tmp_path: Path) -> None:
    """What changed is told; of bad ones the line is named, and those of before stay in force."""
    rules = tmp_path / "desk.yaml"
    rules.write_text(GOOD)
    arguments = ("monitor", "--symbol", "BTCUSDT", "--venue", "binance", "--dry-run", "--plain")
    async with LocalVenues(venues=("binance",)) as venues:
        env = {**endpoints(venues.endpoints), "TIDEGAUGE_RULES": str(rules)}
        async with running(*arguments, cwd=tmp_path, env=env) as command:
            await until(command.is_live, 40)
            rules.write_text(OTHER)
            command.signal(signal.SIGHUP)
            await until(lambda: command.said("rules_reloaded"))
            rules.write_text(BAD)
            command.signal(signal.SIGHUP)
            await until(lambda: command.said("rules_refused"))
            command.signal(signal.SIGTERM)
            told = await command.ended()
    assert told.code == 0, told.err[-2000:]
    assert told.logged("rules_reloaded")["changes"] == ["crunch.clear_for_s: 30.0 -> 12.0"]
    refused = told.logged("rules_refused")["reason"]
    assert "desk.yaml:3" in refused
    assert "clear_for_s" in refused
