"""Which addresses a proxy of the environment is for."""

import pytest

from tidegauge.runtime.proxies import proxied_by_environment


@pytest.mark.parametrize(
    "url",
    [
        "ws://127.0.0.1:9",
        "http://127.8.9.1",
        "http://localhost:80/x",
        "ws://[::1]:7",
        "ws://a.localhost",
    ],
)
def test_this_machine_is_reached_directly(url: str) -> None:
    """No proxy could reach our own loopback for us."""
    assert not proxied_by_environment(url)


@pytest.mark.parametrize(
    "url",
    [
        "wss://stream.binance.com:9443",
        "https://api.bybit.com",
        "http://10.0.0.1",
        "http://[2001:db8::1]",
    ],
)
def test_everything_else_goes_by_what_the_environment_says(url: str) -> None:
    """A private network may well be behind a proxy; NO_PROXY is the operator's word on it."""
    assert proxied_by_environment(url)
