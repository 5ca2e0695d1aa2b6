"""What Prometheus reads of a picture: all of it, nothing that is not known, nothing of the dead."""

import math
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.pictures import (
    DAEMON,
    NOW,
    a_book,
    a_daemon,
    a_fill,
    a_picture,
    a_reading,
    a_storage,
    a_symbol,
    a_venue,
    an_alert,
    an_incident,
)
from tests.support.programs import require_program
from tests.support.scraped import Scraped, scraped

from tidegauge.faces.metrics.collector import exposition
from tidegauge.runtime.window.picture import Picture

BTC = "BTCUSDT"
HERE = {"daemon": BTC}
BOOK = {"venue": "binance", "symbol": BTC}


def test_promtool_finds_nothing_to_say() -> None:
    """Names, units, types and help are as Prometheus wants them; every kind of family is there."""
    promtool = require_program("promtool")
    text = exposition(a_picture(), NOW)
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")


@pytest.mark.parametrize(
    ("name", "labels", "value"),
    [
        ("daemons", {}, 1),
        ("up", HERE, 1),
        ("build_info", {**HERE, "version": "0.1.0"}, 1),
        ("readings_conflated_total", HERE, 7),
        ("feed_to_reading_seconds_bucket", {**HERE, "le": "0.002"}, 2),
        ("feed_to_reading_seconds_bucket", {**HERE, "le": "+Inf"}, 3),
        ("feed_to_reading_seconds_sum", HERE, 0.033),
        ("loop_lag_seconds_count", HERE, 2),
        ("writer_rows_total", HERE, 900),
        ("writer_batches_total", HERE, 9),
        ("writer_queue_rows", HERE, 2),
        ("spool_bytes", HERE, 65_536),
        ("spool_age_seconds", HERE, 0.5),
        ("database_away", HERE, 0),
        ("notifications_total", {**HERE, "channel": "mail", "outcome": "failed"}, 2),
        ("notifications_total", {**HERE, "channel": "slack", "outcome": "failed"}, 0),
        ("notifications_waiting", HERE, 3),
        ("venue_gaps_total", {**HERE, "venue": "kraken"}, 2),
        ("venue_health", {**HERE, "venue": "kraken", "health": "well"}, 1),
        ("venue_health", {**HERE, "venue": "kraken", "health": "down"}, 0),
        ("book_age_seconds", BOOK, 0.25),
        ("book_trust", {**BOOK, "trust": "live"}, 1),
        ("book_trust", {**BOOK, "trust": "stale"}, 0),
        ("book_levels", {**BOOK, "side": "ask"}, 990),
        ("book_spread_ratio", BOOK, 0.0164 / 10_000),
        ("book_depth_quote", {**BOOK, "bps": "10", "side": "bid"}, 12_345_672.5),
        ("book_slippage_ratio", {**BOOK, "notional": "1000000", "side": "sell"}, 0.00015),
        ("symbol_score", {"symbol": BTC}, 12.5),
        ("symbol_weather", {"symbol": BTC, "weather": "calm"}, 1),
        ("symbol_weather", {"symbol": BTC, "weather": "critical"}, 0),
        ("symbol_divergence_ratio", {"symbol": BTC}, 0.0004),
        ("symbols_left_out", {}, 0),
        ("stress_slippage_ratio", {"symbol": BTC, "side": "sell"}, 0.0125),
        ("stress_safety", {"symbol": BTC, "side": "buy", "safety": "unknown"}, 1),
        ("alerts", {"state": "firing", "severity": "high"}, 1),
        ("alerts", {"state": "pending", "severity": "high"}, 0),
        ("incidents", {"family": "liquidity", "severity": "high", "state": "open"}, 1),
        ("incident_unacknowledged_seconds", {"severity": "high"}, 3600),
        ("silences", {}, 1),
    ],
)
def test_a_number_is_told_in_base_units(name: str, labels: Mapping[str, str], value: float) -> None:
    """Seconds, shares of one, bytes and money; one series a state."""
    assert scraped(a_picture()).get(name, **labels) == pytest.approx(value)


def unknown() -> Picture:
    """Return a picture of a daemon that knows next to nothing yet."""
    book = replace(a_book(), trust="syncing", age_s=None, reading=None)
    symbol = a_symbol(score=None)
    symbol = replace(symbol, divergence=replace(symbol.divergence, judged_bps=None), stress=())
    return replace(
        a_picture(),
        daemons={DAEMON: replace(a_daemon(), storage=None, notifications={})},
        symbols={BTC: symbol},
        venues={f"binance@{DAEMON}": replace(a_venue(), clock_offset_s=None)},
        books={f"binance/{BTC}": book},
        alerts={},
        incidents={},
    )


def test_what_is_not_known_is_absent() -> None:
    """A zero would be taken for a measurement, and a NaN for one that failed."""
    found = scraped(unknown())
    for name in (
        *("book_age_seconds", "book_levels", "book_spread_ratio", "book_depth_quote"),
        *("symbol_score", "symbol_weather", "symbol_divergence_ratio", "stress_safety"),
        *("venue_clock_offset_seconds", "writer_rows_total", "database_away"),
        *("notifications_total", "incident_unacknowledged_seconds"),
    ):
        assert f"tidegauge_{name}" not in found.names
    assert found.get("book_trust", **BOOK, trust="syncing") == 1
    assert found.get("venue_gaps_total", **HERE, venue="binance") == 2
    assert found.get("alerts", state="firing", severity="critical") == 0
    assert all(
        math.isfinite(value) for series in found.values.values() for value in series.values()
    )


def test_a_number_that_is_none_is_no_number() -> None:
    """NaN or infinity, wherever it came from, is left out."""
    reading = replace(a_reading(), spread_bps=math.nan, imbalance=math.inf)
    picture = a_picture()
    picture.books[f"binance/{BTC}"] = replace(a_book(), reading=reading)
    found = scraped(picture)
    assert found.get("book_spread_ratio", **BOOK) is None
    assert found.get("book_imbalance", **BOOK) is None
    assert found.get("book_levels", **BOOK, side="bid") == 1000


def test_a_size_that_does_not_fill_has_no_slippage_and_says_how_much_fills() -> None:
    """No number stands for `not at all`."""
    thin = replace(a_fill("sell", "1E+6"), filled=False, filled_fraction=0.4, slippage_bps=None)
    picture = a_picture()
    reading = replace(a_reading(), fills=(thin,))
    picture.books[f"binance/{BTC}"] = replace(a_book(), reading=reading)
    found = scraped(picture)
    size = {**BOOK, "notional": "1000000", "side": "sell"}
    assert found.get("book_slippage_ratio", **size) is None
    assert found.get("book_filled_ratio", **size) == 0.4


def test_of_a_dead_daemon_only_its_death_is_told() -> None:
    """Numbers that stand still look like a calm market."""
    later = NOW + timedelta(seconds=16)
    found = Scraped(exposition(replace(a_picture(), at=later), later))
    assert found.names == {
        *("tidegauge_daemons", "tidegauge_picture_age_seconds", "tidegauge_up"),
        "tidegauge_symbols_left_out",
    }
    assert (found.get("daemons"), found.get("up", **HERE)) == (0, 0)


def test_of_two_daemons_the_dead_one_takes_only_its_own_with_it() -> None:
    """Alerts and incidents of its symbols too; they may be over by now."""
    picture = a_picture()
    picture.daemons["9"] = a_daemon("9", "ETHUSDT", at=NOW - timedelta(minutes=1))
    picture.symbols["ETHUSDT"] = a_symbol("ETHUSDT", 90.0, daemon="9")
    picture.books["binance/ETHUSDT"] = a_book("binance", "ETHUSDT", daemon="9")
    picture.venues["binance@9"] = a_venue(daemon="9")
    picture.alerts["a2"] = an_alert("a2", "ETHUSDT")
    picture.incidents["INC-2"] = an_incident("INC-2", "ETHUSDT")
    found = scraped(picture)
    assert (found.get("up", daemon="ETHUSDT"), found.get("up", **HERE)) == (0, 1)
    assert found.get("alerts", state="firing", severity="high") == 1
    assert found.get("symbol_score", symbol="ETHUSDT") is None
    assert found.get("book_age_seconds", venue="binance", symbol="ETHUSDT") is None
    assert found.get("venue_frames_total", venue="binance", daemon="ETHUSDT") is None


def test_the_longest_wait_of_each_severity_is_told() -> None:
    """An incident that somebody has does not wait."""
    picture = a_picture()
    picture.incidents["INC-2"] = an_incident("INC-2", opened_at=NOW - timedelta(minutes=5))
    found = scraped(picture)
    assert found.get("incident_unacknowledged_seconds", severity="high") == 3600
    picture.incidents["INC-1"] = replace(picture.incidents["INC-1"], state="acknowledged")
    found = scraped(picture)
    assert found.get("incident_unacknowledged_seconds", severity="high") == 300


def test_trouble_with_storing_is_told() -> None:
    """Away, thinned and broken are one each, not a text."""
    store = replace(a_storage(), away=True, thinned="one a minute", spool_broken="disk full")
    picture = a_picture()
    picture.daemons[DAEMON] = replace(a_daemon(), storage=store)
    found = scraped(picture)
    for name in ("database_away", "spool_thinned", "spool_broken"):
        assert found.get(name, **HERE) == 1


@pytest.mark.parametrize("hostile", ['a"b', "a\\b", 'x"} 1\nevil 2', "a\x00b", "é" * 999, ""])
def test_a_hostile_name_stays_inside_its_label(hostile: str) -> None:
    """What a venue calls an instrument cannot make a metric, nor grow one without end."""
    picture = a_picture()
    picture.symbols[hostile] = a_symbol(hostile)
    picture.books["x"] = a_book("binance", hostile)
    picture.daemons[DAEMON] = replace(a_daemon(), notifications={f"{hostile}/sent": 1})
    found = scraped(picture)
    assert found.names == scraped(a_picture()).names
    labels: Any = [dict(key) for key in found.values["tidegauge_symbol_score"]]
    assert len(labels) == 2
    assert all(len(each["symbol"]) <= 64 for each in labels)
