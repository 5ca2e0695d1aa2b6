"""The past that the database keeps is read as far as it can be."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tidegauge.faces.dashboard.scene import Row
from tidegauge.faces.dashboard.stored import stored_of

START = datetime(2026, 11, 28, 22, tzinfo=UTC)
S = timedelta(seconds=1)
LIKE = Row(venue="binance", quote="USDT", trust="stale", reason="a gap", age_s=1.0)


def answer(**more: Any) -> dict[str, Any]:
    point = {
        "at": START.isoformat(),
        "mid": "64000.50",
        "spread_bps": 0.5,
        "depth_z": 3.5,
        "bands": {"10": ["100", "200.5"], "50": ["x", "1"], "wide": ["1", "2"]},
        "slippage": {"sell 100000": 1.5, "buy 100000": None},
    }
    return {"points": [point], "trust": [], **more}


def test_a_book_is_shown_as_it_was() -> None:
    """The measures are those of the point, exact; what is not stored is not known."""
    stored = stored_of(answer())
    assert stored is not None
    row = stored.row(LIKE, START + 5 * S)
    assert row.live
    assert (row.quote, row.age_s) == ("USDT", None)
    assert row.measures is not None
    assert row.measures.mid == Decimal("64000.50")
    assert row.measures.imbalance is None
    assert list(row.measures.bands) == [10]
    assert row.measures.bands[10].ask == Decimal("200.5")
    assert row.measures.costs["sell", Decimal(100_000)].bps == 1.5
    assert row.measures.costs["buy", Decimal(100_000)].bps is None
    assert list(stored.trend("depth")) == [(START, 3.5)]
    assert list(stored.trend("spread")) == []


@pytest.mark.parametrize("seconds", [-1, 31, 3600])
def test_nothing_is_shown_of_when_nothing_was_stored(seconds: int) -> None:
    """Before the first point, and half a minute after the last."""
    stored = stored_of(answer())
    assert stored is not None
    row = stored.row(LIKE, START + seconds * S)
    assert not row.live
    assert row.reason == "nothing is stored of then"


@pytest.mark.parametrize(("first", "last"), [("since", "until"), ("from", "to")])
def test_a_book_that_was_not_to_be_trusted_shows_its_reason(first: str, last: str) -> None:
    """Inside a gap there are no numbers, whatever is stored."""
    gap = {first: START.isoformat(), last: (START + 4 * S).isoformat()}
    stored = stored_of(answer(trust=[{**gap, "trust": "untrusted", "reason": "crossed"}, "odd"]))
    assert stored is not None
    row = stored.row(LIKE, START + 3 * S)
    assert (row.trust, row.reason, row.measures) == ("untrusted", "crossed", None)
    assert stored.row(LIKE, START + 4 * S).live


@pytest.mark.parametrize("told", [None, [], {}, {"points": {}}, {"title": "away"}])
def test_what_is_no_history_is_none(told: Any) -> None:
    """An API without a database answers something else."""
    assert stored_of(told) is None


def test_odd_points_are_left_out() -> None:
    """What is not a number is not known."""
    stored = stored_of({"points": ["x", {"at": "never"}, {"at": START.isoformat(), "mid": "NaN"}]})
    assert stored is not None
    assert [measures.mid for _, measures in stored.points] == [None]
