"""Hyperliquid from the server's side: whole books, and a socket that closes over a bad coin."""

import itertools
from typing import Any

import pytest
from tests.support.simulated import Simulated, same_keys

from tidegauge.simulator.dialect import Say
from tidegauge.simulator.dialects.hyperliquid import Hyperliquid

BOOK: dict[str, Any] = {"coin": "BTC", "time": 1790232236546, "levels": [[], []]}
LEVEL = {"px": "84143.0", "sz": "10.25923", "n": 36}


def subscribe(venue: Simulated, **subscription: object) -> list[Any]:
    return venue.say({"method": "subscribe", "subscription": subscription})


def opened() -> Simulated:
    venue = Simulated("hyperliquid", ["BTCUSDT", "ETHUSDT"])
    venue.open("/ws")
    return venue


def test_a_subscription_is_answered_and_the_book_follows() -> None:
    """The answer spells out the options, the first book comes at once, the next in 5 s."""
    venue = opened()
    assert subscribe(venue, type="l2Book", coin="BTC") == [
        {
            "channel": "subscriptionResponse",
            "data": {
                "method": "subscribe",
                "subscription": {
                    "type": "l2Book",
                    "coin": "BTC",
                    "nSigFigs": None,
                    "mantissa": None,
                    "fast": False,
                },
            },
        }
    ]
    frames = venue.run(21.0)
    assert [frame["channel"] for frame in frames] == ["l2Book"] * 5
    for frame in frames:
        assert same_keys(frame["data"], BOOK)
        bids, asks = frame["data"]["levels"]
        assert (len(bids), len(asks)) == (20, 20)
        assert same_keys(bids[0], LEVEL)
        prices = [float(level["px"]) for level in (*reversed(bids), *asks)]
        assert prices == sorted(set(prices))
        assert prices[-1] / prices[20] - 1 > 10e-4


def test_fast_books_are_five_levels_twice_a_second() -> None:
    """And marked."""
    venue = opened()
    subscribe(venue, type="l2Book", coin="BTC", fast=True)
    frames = venue.run(10.0)
    assert 17 <= len(frames) <= 20
    assert all(frame["data"]["fast"] is True for frame in frames)
    assert all(len(side) == 5 for frame in frames for side in frame["data"]["levels"])


def test_the_touch_is_told_when_it_changes() -> None:
    """`bbo`, several times a second, and never twice the same."""
    venue = opened()
    subscribe(venue, type="bbo", coin="BTC")
    frames = venue.run(5.0)
    touches = [frame["data"]["bbo"] for frame in frames]
    assert len(frames) >= 10
    assert frames[0]["data"].keys() == {"coin", "time", "bbo"}
    assert all(one != other for one, other in itertools.pairwise(touches))
    market = venue.market("BTC")
    assert float(touches[-1][0]["px"]) == market.best_bid * float(market.listing.tick)


def test_pings_are_answered() -> None:
    """With nothing but a pong."""
    assert opened().say({"method": "ping"}) == [{"channel": "pong"}]


@pytest.mark.parametrize(
    "subscription",
    [
        {"type": "l2Book", "coin": "NOSUCH"},
        {"type": "l2Book", "coin": "btc"},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 6},
        {"type": "l2Book", "coin": "BTC", "mantissa": 2},
        {"type": "nosuch", "coin": "BTC"},
    ],
)
def test_an_unknown_coin_or_option_costs_the_socket(subscription: dict[str, object]) -> None:
    """Without a word."""
    venue = opened()
    assert subscribe(venue, **subscription) == []
    assert venue.closed == {1: True}


def test_repeats_and_nonsense_are_errors() -> None:
    """The socket lives on."""
    venue = opened()
    subscribe(venue, type="l2Book", coin="BTC")
    (again,) = subscribe(venue, type="l2Book", coin="BTC")
    assert again["channel"] == "error"
    assert again["data"].startswith("Already subscribed: {")
    (nonsense,) = venue.say({"method": "subscribe"})
    assert nonsense == {
        "channel": "error",
        "data": 'Error parsing JSON into valid websocket request: {"method":"subscribe"}',
    }
    assert venue.say("nonsense")[0]["channel"] == "error"
    assert venue.closed == {}


def test_unsubscribing_silences() -> None:
    """Until it is asked for again."""
    venue = opened()
    subscribe(venue, type="bbo", coin="BTC")
    venue.run(1.0)
    venue.say({"method": "unsubscribe", "subscription": {"type": "bbo", "coin": "BTC"}})
    assert venue.run(2.0) == []


def test_a_socket_on_which_nothing_was_said_for_a_minute_is_closed() -> None:
    """A ping keeps it."""
    venue = opened()
    venue.run(50.0)
    venue.say({"method": "ping"})
    venue.run(50.0)
    assert venue.closed == {}
    venue.run(15.0)
    assert venue.closed == {1: True}


def test_it_may_greet_with_something_that_is_not_json() -> None:
    """As the real one sometimes does."""
    venue = Hyperliquid(Simulated("hyperliquid").exchange, greeting=True)
    assert venue.connected(1, "/ws", {}, 0) == [
        Say(connection=1, text="Websocket connection established.")
    ]


def test_info_gives_the_catalogue_and_books() -> None:
    """By POST only."""
    venue = opened()
    universe = venue.json("/info", body={"type": "meta"})["universe"]
    assert [(row["name"], row["szDecimals"]) for row in universe] == [("BTC", 5), ("ETH", 4)]
    assert same_keys(venue.json("/info", body={"type": "l2Book", "coin": "BTC"}), BOOK)
    assert venue.json("/info", body={"type": "allMids"}).keys() == {"BTC", "ETH"}
    assert venue.rest("/info", body={"type": "nosuch"}).status == 422
    assert venue.rest("/info").status == 405
    assert venue.rest("/nosuch").status == 404


def test_info_over_the_socket() -> None:
    """`post` wraps the same answer."""
    venue = opened()
    payload = {"type": "l2Book", "coin": "BTC"}
    (answer,) = venue.say(
        {"method": "post", "id": 1, "request": {"type": "info", "payload": payload}}
    )
    assert answer["channel"] == "post"
    assert answer["data"]["id"] == 1
    assert same_keys(answer["data"]["response"]["payload"]["data"], BOOK)
