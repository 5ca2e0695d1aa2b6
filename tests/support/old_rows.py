"""Rows as older versions of the schema had them, and what the views made of them."""

import math
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from tidegauge.core.reading import Reading
from tidegauge.sinks.binary import HEADER, TRAILER
from tidegauge.sinks.encode import ReadingEncoder
from tidegauge.sinks.rows import READINGS, SERIES
from tidegauge.sinks.table import instant

OLD_COLUMNS = (
    *("id", "run", "venue", "symbol", "instrument", "epoch", "frame", "trace", "sequence"),
    *("at", "recv_ns", "venue_time", "feed_age_ns", "latency_ns", "quotability"),
    *("best_bid", "best_bid_size", "best_ask", "best_ask_size", "mid", "microprice"),
    *("spread", "spread_bps", "imbalance", "bid_levels", "ask_levels"),
    *("band_bps", "band_bid_base", "band_bid_quote", "band_ask_base", "band_ask_quote"),
    *("band_bid_complete", "band_ask_complete", "band_imbalance"),
    *("fill_taker", "fill_notional", "fill_filled", "fill_filled_fraction", "fill_base"),
    *("fill_average", "fill_worst", "fill_slippage_bps", "fill_partial_slippage_bps"),
    *("fill_slippage_cost", "fill_floor"),
    *("max_taker", "max_bps", "max_notional", "max_floor"),
)
OLD_PARTS = (
    ("bands", "bps", "bid_base", "bid_quote", "ask_base", "ask_quote", "bid_complete"),
    ("bands", "ask_complete", "imbalance"),
    ("fills", "taker", "notional", "filled", "filled_fraction", "base", "average", "worst"),
    ("fills", "slippage_bps", "partial_slippage_bps", "slippage_cost", "floor"),
    ("max_sizes", "taker", "bps", "notional", "floor"),
)


def an_old_row(reading: Reading, run: str) -> tuple[Any, ...]:
    """Return the row that version 2 made of a reading."""
    origin = reading.origin
    arrays = [
        [getattr(each, field) for each in getattr(reading, part)]
        for part, *fields in OLD_PARTS
        for field in fields
    ]
    return (
        *(uuid4(), run, origin.venue, origin.symbol, origin.instrument, origin.epoch),
        *(origin.frame, origin.trace, origin.sequence, instant(origin.received_at)),
        origin.received_at,
        None if origin.venue_time is None else instant(origin.venue_time),
        *(origin.feed_age, origin.latency, reading.quotability),
        *(reading.best_bid, reading.best_bid_size, reading.best_ask, reading.best_ask_size),
        *(reading.mid, reading.microprice, reading.spread, reading.spread_bps),
        *(reading.imbalance, reading.bid_levels, reading.ask_levels),
        *arrays,
    )


async def store_integer_rows(connection: Any, readings: Sequence[Reading], run: str) -> None:
    """Put readings into a schema that has the tables of today for them, and may lack others."""
    encoder = ReadingEncoder(run)
    told = [encoder.encode(reading) for reading in readings]
    series = {each.id: each.row for each, _row in told}
    await connection.copy_records_to_table(
        "series", schema_name="tidegauge", columns=SERIES.columns, records=list(series.values())
    )
    await connection.copy_to_table(
        "readings",
        schema_name="tidegauge",
        columns=READINGS.columns,
        source=memoryview(b"".join((HEADER, *(row for _series, row in told), TRAILER))),
        format="binary",
    )


DERIVED = ("average", "slippage_cost", "imbalance")
"""Floats that are made by the views now."""


def compare_views(before: Sequence[Any], after: Sequence[Any]) -> None:
    """Compare rows column by column; those of a reading keep their order."""

    def by_frame(row: Any) -> int:
        return int(row["trace"].rpartition("/")[2])

    for old, new in zip(sorted(before, key=by_frame), sorted(after, key=by_frame), strict=True):
        assert list(old.keys()) == list(new.keys())
        for name, value in old.items():
            if name in ("id", "reading"):
                continue
            if name in DERIVED and value is not None:
                assert math.isclose(value, new[name], rel_tol=1e-14), name
            else:
                assert value == new[name], name
