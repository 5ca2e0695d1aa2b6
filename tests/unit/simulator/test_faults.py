"""What can be made to go wrong."""

from tests.support.simulated import Simulated

STREAM = "/stream?streams=btcusdt@depth@100ms/ethusdt@depth@100ms"


def opened() -> Simulated:
    venue = Simulated("binance", ["BTCUSDT", "ETHUSDT"])
    venue.open(STREAM)
    return venue


def test_one_update_of_one_stream_can_be_lost() -> None:
    """The next one of that stream does not follow; the other stream is whole."""
    venue = opened()
    venue.run(1.0)
    venue.dialect.drop_next("btcusdt@depth")
    frames = venue.run(2.0)
    breaks = {"BTCUSDT": 0, "ETHUSDT": 0}
    last: dict[str, int] = {}
    for frame in frames:
        data = frame["data"]
        breaks[data["s"]] += last.get(data["s"], data["U"] - 1) + 1 != data["U"]
        last[data["s"]] = data["u"]
    assert venue.dialect.dropped == 1
    assert breaks["ETHUSDT"] == 0
    # Had it been the very first after the drop, the loss lies before the frames looked at.
    assert breaks["BTCUSDT"] <= 1


def test_answers_are_never_dropped() -> None:
    """Only book updates are lost."""
    venue = opened()
    venue.dialect.drop_next("result")
    assert venue.say({"method": "LIST_SUBSCRIPTIONS", "id": 1})


def test_a_region_can_be_refused() -> None:
    """Handshakes and requests alike, until it is not."""
    venue = opened()
    venue.dialect.refuse_with = 451
    refusal = venue.dialect.admit("/stream", venue.now)
    assert refusal is not None
    assert refusal.status == 451
    assert venue.rest("/api/v3/exchangeInfo").status == 451
    venue.dialect.refuse_with = None
    assert venue.rest("/api/v3/exchangeInfo").status == 200


def test_requests_can_be_limited() -> None:
    """429 with when to come back, as often as was said."""
    venue = opened()
    venue.dialect.limit_requests(2, retry_after=3)
    for _ in range(2):
        answer = venue.rest("/api/v3/depth?symbol=BTCUSDT")
        assert (answer.status, answer.headers["Retry-After"]) == (429, "3")
    assert venue.rest("/api/v3/depth?symbol=BTCUSDT").status == 200
    assert len(venue.dialect.requests) == 3


def test_every_socket_can_be_cut() -> None:
    """Abruptly."""
    venue = opened()
    venue.open(STREAM, 2)
    venue.dialect.cut()
    venue.run(0.1)
    assert venue.closed == {1: True, 2: True}


def test_a_venue_can_go_silent() -> None:
    """Open sockets, and nothing on them."""
    venue = opened()
    venue.dialect.silent = True
    assert venue.run(2.0) == []
    venue.dialect.silent = False
    assert venue.run(1.0)
