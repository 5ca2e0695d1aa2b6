"""The crunches in the recorded books: what is one is found, and what only looks like one is not.

What happened is told by the recordings' own README ("Liquidity events").
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from tests.support.recordings import BINANCE, BYBIT_FILE, HYPERLIQUID_FILE

from tidegauge.core.alert import Alert, AlertState, Severity, Signal
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.risk.ruleset import RuleSet
from tidegauge.risk.settings import CrunchSettings
from tidegauge.runtime.monitor import MonitorPlan
from tidegauge.runtime.replay import replay

pytestmark = pytest.mark.recorded

BTC_SPOT, ETH_SPOT, BTC_PERP, ETH_PERP, NEXO = (recording.file for recording in BINANCE)
REOPEN_WITHIN: Nanos = 600 * SECOND
CLEAR_FOR = CrunchSettings().clear_for
SOON_WARM = CrunchSettings(min_samples=60)


@cache
def alerts_of(folder: Path, file: str, crunch: CrunchSettings | None = None) -> tuple[Alert, ...]:
    """Return the crunches of a recording, each as it was told last."""
    plan = MonitorPlan() if crunch is None else MonitorPlan(rules=RuleSet(crunch=crunch))
    alerts = replay(folder / f"{file}.frames.tsv.gz", plan).alerts
    return tuple(alert for alert in alerts if alert.key.signal == Signal.CRUNCH)


def at(clock: str, day: str = "2024-08-08") -> Nanos:
    """An instant of the recordings' clock."""
    return int(datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC).timestamp()) * SECOND


def incidents(alerts: Iterable[Alert]) -> list[list[Alert]]:
    """Group alerts as incidents are: a high one opens, or reopens what ended lately; others join."""
    found: list[list[Alert]] = []
    for alert in sorted(alerts, key=lambda each: each.started_at):
        ended = None if not found else max(each.ended_at or alert.updated_at for each in found[-1])
        if ended is not None and alert.started_at - ended <= REOPEN_WITHIN:
            found[-1].append(alert)
        elif alert.worst_severity >= Severity.HIGH:
            found.append([alert])
    return found


def test_the_bids_that_went_from_eth_are_found_as_they_go(recorded: Path) -> None:
    """64 % of one side from 23:59:47 on, a sell of the size three times as dear: one alert, high."""
    (alert,) = alerts_of(recorded, ETH_SPOT)
    assert at("23:59:47") <= alert.started_at < at("23:59:49")
    assert (alert.cause, alert.worst_severity) == ("bid_depth", Severity.HIGH)
    assert alert.value is not None
    assert alert.baseline is not None
    assert 0.55 < 1 - alert.value / alert.baseline < 0.65


def test_it_resolves_when_the_bids_are_back_to_stay(recorded: Path) -> None:
    """They come back at 00:00:16, go again by half and by two thirds until 00:01:45, and stay."""
    (alert,) = alerts_of(recorded, ETH_SPOT)
    assert alert.state is AlertState.RESOLVED
    assert alert.ended_at is not None
    assert abs(alert.ended_at - at("00:01:46", "2024-08-09") - CLEAR_FOR) <= 5 * SECOND


@pytest.mark.parametrize("file", [BTC_SPOT, BTC_PERP, ETH_PERP])
def test_calm_books_raise_nothing(recorded: Path, file: str) -> None:
    """Ten minutes, and twice six."""
    assert alerts_of(recorded, file) == ()


def test_the_wall_of_500_btc_that_leaves_the_band_raises_nothing(recorded: Path) -> None:
    """It leaves before five minutes are over: judged by one minute of samples as well."""
    assert alerts_of(recorded, BTC_PERP, SOON_WARM) == ()


def test_the_hard_case_is_found_by_a_minute_of_samples(recorded: Path) -> None:
    """Or the quiet of the others with so few would say little."""
    (alert,) = alerts_of(recorded, ETH_SPOT, SOON_WARM)
    assert (alert.cause, alert.worst_severity) == ("bid_depth", Severity.HIGH)


@pytest.mark.parametrize(
    "file",
    [
        BYBIT_FILE,
        HYPERLIQUID_FILE,
        "coinbase_advanced_BTC_ETH_2026-08-09_first500",
        "kraken_v2_BTCUSD_book10_2023-07-30_first250",
        "okx_v5_books_2022-05-13",
        "deribit_options_raw_2021-04-17",
        "deribit_options_raw_2021-07-22",
    ],
)
def test_seconds_of_a_book_raise_nothing(recorded: Path, file: str) -> None:
    """Too short to know what is normal: only a side that is gone altogether would be told of."""
    assert alerts_of(recorded, file) == ()


def test_a_night_of_a_thin_pair_is_a_handful_of_incidents(recorded: Path) -> None:
    """NEXO over 14.3 hours, whose book is thin and moves."""
    alerts = alerts_of(recorded, NEXO)
    found = incidents(alerts)
    assert 1 <= len(found) <= 8
    assert all(alert.state is AlertState.RESOLVED for alert in alerts)
    assert _overlapping(alerts) == []


def _overlapping(alerts: Sequence[Alert]) -> list[str]:
    """Name the alerts that began before another one of the same book had ended."""
    ordered = sorted(alerts, key=lambda each: each.started_at)
    return [
        later.id
        for earlier, later in pairwise(ordered)
        if later.started_at < (earlier.ended_at or 0)
    ]
