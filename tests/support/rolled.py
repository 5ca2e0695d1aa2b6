"""Rollups as a plain fold over readings makes them, to hold those of the database against."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from tidegauge.core.reading import Reading
from tidegauge.sinks.chores import below
from tidegauge.sinks.table import instant

Rows: TypeAlias = dict[tuple[Any, ...], dict[str, Any]]
"""What a view shows: by its key, what else it says."""

KEYS = {"v_{}": (), "v_depth_{}": ("band_bps",), "v_slippage_{}": ("taker", "notional")}


def rolled_up(found: Sequence[Reading], width: timedelta) -> dict[str, Rows]:
    """Return what each of the three views is to show, by its name with `{}` for the width."""
    groups: dict[tuple[datetime, str, str], list[Reading]] = defaultdict(list)
    for each in sorted(found, key=lambda reading: reading.origin.received_at):
        at = below(instant(each.origin.received_at), width)
        groups[at, each.origin.venue, each.origin.symbol].append(each)
    folded: dict[str, Rows] = {view: {} for view in KEYS}
    for key, readings in groups.items():
        folded["v_{}"][key] = _touch(readings)
        for bps, row in _depth(readings):
            folded["v_depth_{}"][(*key, bps)] = row
        for fill, row in _slippage(readings):
            folded["v_slippage_{}"][(*key, *fill)] = row
    return folded


def _touch(readings: Sequence[Reading]) -> dict[str, Any]:
    mids = [each.mid for each in readings if each.mid is not None]
    spreads = [each.spread_bps for each in readings if each.spread_bps is not None]
    imbalances = [each.imbalance for each in readings if each.imbalance is not None]
    return {
        "readings": len(readings),
        "mid_first": mids[0] if mids else None,
        "mid_last": mids[-1] if mids else None,
        "mid_low": min(mids, default=None),
        "mid_high": max(mids, default=None),
        "spread_bps_avg": average(spreads),
        "spread_bps_max": max(spreads, default=None),
        "spread_bps_min": min(spreads, default=None),
        "imbalance_avg": average(imbalances),
    }


def _depth(readings: Sequence[Reading]) -> Iterator[tuple[int, dict[str, Any]]]:
    bands = [band for each in readings for band in each.bands]
    for bps in sorted({band.bps for band in bands}):
        those = [band for band in bands if band.bps == bps]
        yield (
            bps,
            {
                "readings": len(those),
                "bid_quote_avg": average(each.bid_quote for each in those),
                "ask_quote_avg": average(each.ask_quote for each in those),
                "bid_quote_low": min(each.bid_quote for each in those),
                "ask_quote_low": min(each.ask_quote for each in those),
                "total_quote_low": min(each.total_quote for each in those),
            },
        )


def _slippage(readings: Sequence[Reading]) -> Iterator[tuple[tuple[str, Decimal], dict[str, Any]]]:
    fills = [fill for each in readings for fill in each.fills]
    for taker, notional in sorted({(str(fill.taker), fill.notional) for fill in fills}):
        those = [each for each in fills if (each.taker, each.notional) == (taker, notional)]
        costs = [each.slippage_bps for each in those if each.slippage_bps is not None]
        yield (
            (taker, notional),
            {
                "readings": len(those),
                "filled": sum(each.filled for each in those),
                "slippage_bps_avg": average(costs),
                "slippage_bps_max": max(costs, default=None),
            },
        )


def average(values: Iterable[Decimal | float]) -> float | None:
    """Return the mean; None of nothing."""
    floats = [float(each) for each in values]
    return math.fsum(floats) / len(floats) if floats else None


async def shown(connection: Any, symbol: str, width: str) -> dict[str, Rows]:
    """Return what the three views show of a symbol. `width`: minutes or hours."""
    found: dict[str, Rows] = {}
    for view, more in KEYS.items():
        rows = await connection.fetch(
            f"SELECT * FROM tidegauge.{view.format(width)} WHERE symbol = $1", symbol
        )
        keys = ("at", "venue", "symbol", *more)
        found[view] = {
            tuple(row[key] for key in keys): {
                name: value for name, value in row.items() if name not in keys
            }
            for row in rows
        }
        assert len(found[view]) == len(rows)
    return found


def compare(found: dict[str, Rows], expected: dict[str, Rows], measured: Sequence[Reading]) -> None:
    """Compare: what is exact to the last digit, averages to what adding floats in any order leaves."""
    largest = max(
        (abs(float(quote)) for each in measured for band in each.bands for quote in _quotes(band)),
        default=0.0,
    )
    for view, rows in expected.items():
        assert found[view].keys() == rows.keys(), view
        for key, row in rows.items():
            for name, value in row.items():
                is_found = found[view][key][name]
                if name.endswith("_avg") and value is not None:
                    size = largest if "quote" in name else 1e4
                    assert math.isclose(is_found, value, rel_tol=1e-9, abs_tol=1e-12 * size), name
                else:
                    assert is_found == value, (view, key, name)


def _quotes(band: Any) -> tuple[Decimal, Decimal]:
    return (band.bid_quote, band.ask_quote)
