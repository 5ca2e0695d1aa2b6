"""The weight of requests, counted by the minute."""

from tests.support.simulated import Simulated

from tidegauge.core.instrument import SECOND
from tidegauge.simulator.dialect import json_answer
from tidegauge.simulator.weight import WeightMeter


def test_weight_is_counted_until_the_minute_ends() -> None:
    """What is too much is refused until then, and counts all the same."""
    meter = WeightMeter(100, "X-Used")
    assert meter.refuse(60, 61 * SECOND) is None
    assert meter.refuse(40, 62 * SECOND) is None
    assert meter.stamped(json_answer({})).headers["X-Used"] == "100"
    refused = meter.refuse(1, 65 * SECOND + 1)
    assert refused is not None
    assert refused.status == 429
    assert refused.headers["Retry-After"] == "55"
    assert refused.headers["X-Used"] == "101"
    assert meter.refuse(60, 120 * SECOND) is None
    assert meter.used == 60


def test_binance_refuses_more_than_a_minute_allows() -> None:
    """24 snapshots of 5,000 levels are a whole minute on spot; the 25th has to wait."""
    venue = Simulated("binance")
    answers = [venue.rest("/api/v3/depth?symbol=BTCUSDT&limit=5000") for _ in range(25)]
    assert [answer.status for answer in answers] == [200] * 24 + [429]
    assert answers[3].headers["X-MBX-USED-WEIGHT-1M"] == "1000"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    venue.now += 60 * SECOND
    assert venue.rest("/api/v3/depth?symbol=BTCUSDT&limit=5000").status == 200


def test_what_requests_weigh_on_binance() -> None:
    """As the venue documents it."""
    for venue, address, weight in (
        ("binance", "/api/v3/ping", 1),
        ("binance", "/api/v3/exchangeInfo", 20),
        ("binance", "/api/v3/depth?symbol=BTCUSDT", 5),
        ("binance", "/api/v3/depth?symbol=BTCUSDT&limit=1000", 50),
        ("binance-futures", "/fapi/v1/depth?symbol=BTCUSDT&limit=1000", 20),
        ("binance-futures", "/fapi/v1/openInterest?symbol=BTCUSDT", 1),
        ("binance-coinm", "/dapi/v1/depth?symbol=BTCUSD_PERP&limit=500", 10),
    ):
        answer = Simulated(venue).rest(address)
        assert (answer.status, answer.headers["X-MBX-USED-WEIGHT-1M"]) == (200, str(weight))
