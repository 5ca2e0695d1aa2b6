"""How a book fared over time, from a real PostgreSQL: readings, minutes, hours."""

from datetime import timedelta
from decimal import Decimal

import pytest
from tests.support.history import START, Past, make_readings, make_rollups

from tidegauge.sinks.connect import Database
from tidegauge.sinks.history import MOST_POINTS, grain_of, read_history

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
BOOK = ("binance", "BTCUSDT")


async def test_a_quarter_of_an_hour_is_told_reading_by_reading(database: Database) -> None:
    """The figures of a point are those of its row."""
    past = Past(books=2, until=START + HOUR)
    async with database.session() as connection:
        await make_readings(connection, past)
        found = await read_history(connection, *BOOK, START, START + 15 * MINUTE)
        assert (found.source, found.step_s, len(found.points)) == ("readings", 1.0, 900)
        row = await connection.fetchrow(
            "SELECT * FROM tidegauge.v_readings WHERE venue = $1 AND symbol = $2 AND at = $3",
            *BOOK,
            START + 7 * MINUTE,
        )
    (point,) = [each for each in found.points if each.at == START + 7 * MINUTE]
    assert (point.mid, point.spread_bps) == (row["mid"], row["spread_bps"])
    assert point.imbalance == pytest.approx(row["imbalance"])
    assert set(point.bands) == {"10", "50", "100"}
    bid, ask = point.bands["10"]
    assert isinstance(bid, Decimal)
    assert bid < point.bands["50"][0]
    assert ask > 0
    assert set(point.slippage) == {
        f"{side} {size}" for side in ("buy", "sell") for size in (100000, 250000, 1000000)
    }


async def test_a_step_tells_the_worst_of_it_and_no_size_that_was_not_filled(
    database: Database,
) -> None:
    """Every fiftieth reading does not hold the largest sale."""
    past = Past(books=1, until=START + HOUR)
    async with database.session() as connection:
        await make_readings(connection, past)
        fine = await read_history(connection, *BOOK, START, START + 10 * MINUTE)
        coarse = await read_history(connection, *BOOK, START, START + 10 * MINUTE, MINUTE)
    assert (coarse.step_s, len(coarse.points)) == (60.0, 10)
    first, firsts = coarse.points[0], fine.points[:60]
    assert first.spread_bps == max(each.spread_bps or 0 for each in firsts)
    assert first.mid == firsts[-1].mid
    assert first.bands["50"][0] == min(each.bands["50"][0] for each in firsts)
    assert any(each.slippage["sell 1000000"] is None for each in firsts)
    assert first.slippage["sell 1000000"] is None
    assert first.slippage["buy 100000"] is not None


async def test_of_a_book_with_one_side_no_band_is_told(database: Database) -> None:
    """There was no mid to measure it from; before and after there was."""
    past = Past(books=1, until=START + HOUR)
    async with database.session() as connection:
        await make_readings(connection, past)
        await connection.execute(
            "UPDATE tidegauge.readings SET ask_ticks = NULL, band_units = '{}'"
            " WHERE at >= $1 AND at < $2",
            START + MINUTE,
            START + 2 * MINUTE,
        )
        found = await read_history(connection, *BOOK, START, START + 3 * MINUTE, MINUTE)
    assert [len(each.bands) for each in found.points] == [3, 0, 3]
    assert [each.mid is None for each in found.points] == [False, True, False]


async def test_what_is_unusual_is_measured_against_the_time_before(database: Database) -> None:
    """Without an hour before, nothing is unusual yet."""
    past = Past(books=1, until=START + 2 * HOUR)
    async with database.session() as connection:
        await make_readings(connection, past)
        later = await read_history(connection, *BOOK, START + HOUR, START + 2 * HOUR)
        first = await read_history(connection, *BOOK, START, START + HOUR)
    assert all(each.depth_z is not None and each.spread_z is not None for each in later.points)
    assert all(each.depth_z is None and each.spread_z is None for each in first.points)


@pytest.mark.parametrize(
    ("span", "source", "points"), [(24 * HOUR, "minutes", 1440), (10 * 24 * HOUR, "hours", 240)]
)
async def test_a_long_span_is_told_from_rollups(
    database: Database, span: timedelta, source: str, points: int
) -> None:
    """A day from minutes, ten days from hours, whose readings are gone."""
    past = Past(books=1, until=START + span)
    async with database.session() as connection:
        await make_rollups(connection, past)
        found = await read_history(connection, *BOOK, START, START + span)
    assert (found.source, len(found.points)) == (source, points)
    point = found.points[5]
    assert point.mid is not None
    assert point.bands["10"][0] == Decimal("753123.12345678")
    assert point.slippage["buy 250000"] == 0.9


async def test_a_book_that_was_never_seen_has_no_points(database: Database) -> None:
    """An empty history is no error."""
    async with database.session() as connection:
        found = await read_history(connection, "okx", "NOSUCH", START, START + HOUR)
    assert (found.points, found.alerts, found.trust) == ((), (), ())


@pytest.mark.parametrize("hours", [0.01, 0.5, 2, 2.1, 33, 72, 73, 2_000, 9_600])
def test_no_span_gives_more_points_than_a_chart_can_draw(hours: float) -> None:
    """And a step that is asked for is never made finer."""
    span = timedelta(hours=hours)
    _grain, step = grain_of(span, None)
    assert span / step <= MOST_POINTS
    assert grain_of(span, 2 * step)[1] >= 2 * step
    assert grain_of(span, SECOND / 10)[1] == step
