"""Recorded spot and perpetual of one symbol: their basis is no divergence."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from heapq import merge
from pathlib import Path

import msgspec
import pytest
from tests.support.quoting import PERP, SPOT
from tests.support.recordings import tape_lines

from tidegauge.core.alert import Alert
from tidegauge.core.exact import to_units
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.risk.divergence import Divergence, Touch
from tidegauge.risk.signal_settings import DivergenceSettings
from tidegauge.wire.tape import TapeKind

SCALE = 8
BOTH: Nanos = 344 * SECOND
"""So long both venues of 2024-08-08 were recorded."""


def quotes(folder: Path, file: str, venue: str) -> Iterator[tuple[Nanos, str, Touch]]:
    """Return what a venue itself said of its touch, with the time."""
    for line in tape_lines(folder, file):
        if line.kind is TapeKind.RECV and "@bookTicker" in line.text:
            said = msgspec.json.decode(line.text)["data"]
            units = [to_units(Decimal(said[name]), SCALE) or 0 for name in "baBA"]
            yield line.at, venue, Touch(units[0], units[1], units[2], units[3], SCALE, SCALE)


@pytest.mark.recorded
@pytest.mark.parametrize(("symbol", "premium"), [("BTCUSDT", 3.7), ("ETHUSDT", 4.4)])
def test_a_recorded_basis_raises_nothing(recorded: Path, symbol: str, premium: float) -> None:
    """Spot some bps above the perpetual for six minutes, fees known, judged after half a minute."""
    settings = replace(
        DivergenceSettings(), min_samples=30, taker_bps={"binance": 10.0, "binance-futures": 5.0}
    )
    watch = Divergence(symbol, settings, {"binance": SPOT, "binance-futures": PERP})
    issued: list[Alert] = []
    seen: list[tuple[float, float]] = []
    begun = due = 0
    for at, venue, touch in merge(
        quotes(recorded, f"binance_spot_{symbol}_2024-08-08", "binance"),
        quotes(recorded, f"binance_usdm_{symbol}_2024-08-08", "binance-futures"),
    ):
        begun, due = begun or at, due or at
        if at - begun > BOTH:
            break
        while due <= at:
            issued += watch.sample(due, "sample")
            (pair,) = watch.status().pairs
            if pair.raw_bps is not None and pair.judged_bps is not None:
                seen.append((pair.raw_bps, pair.judged_bps))
            due += SECOND
        issued += watch.quoted(venue, touch, at, "quote")
    (pair,) = watch.status().pairs
    assert issued == []
    assert len(seen) > 300
    assert pair.premium_bps == pytest.approx(premium, abs=0.1)
    assert max(raw for raw, _judged in seen) > 6, "the raw difference comes near the limit"
    assert max(judged for _raw, judged in seen) < 5
