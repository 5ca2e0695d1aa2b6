"""Which venue a record of a tape came from."""

import pytest

from tidegauge.runtime.tape_venues import VenueOfRecord
from tidegauge.venues import load
from tidegauge.wire.tape import TapeKind, TapeLine


def venue_of(address: str, kind: TapeKind = TapeKind.RECV) -> str | None:
    spec = VenueOfRecord(load().values()).of(TapeLine(at=1, kind=kind, conn=address, text=""))
    return None if spec is None else spec.name


@pytest.mark.parametrize("name", load())
def test_every_venue_is_known_by_its_own_addresses(name: str) -> None:
    """Those it is connected at today."""
    spec = load()[name]
    for path in spec.links([]).values():
        assert venue_of(spec.ws_url + path) == name
    assert venue_of(f"{spec.rest_url}/x", TapeKind.HTTP) is not None


def test_two_markets_of_one_host_are_told_apart_by_the_path() -> None:
    """Bybit serves spot and linear from one name."""
    host = load()["bybit-spot"].ws_url
    assert venue_of(f"{host}/v5/public/spot") == "bybit-spot"
    assert venue_of(f"{host}/v5/public/linear") == "bybit-linear"


@pytest.mark.parametrize("address", ["wss://elsewhere.test/ws", "", "no address", "http://[bad"])
def test_an_address_nobody_has_is_no_venue(address: str) -> None:
    """Nor is one that is none; a tape may hold anything."""
    assert venue_of(address) is None
