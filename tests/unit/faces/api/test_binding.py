"""The socket: for this machine, unless it is said otherwise."""

import socket

import pytest

from tidegauge.core.errors import OperatorError
from tidegauge.faces.api.binding import bound, url_of
from tidegauge.runtime.settings_serve import ServeSettings


def test_by_itself_only_this_machine_is_served() -> None:
    """At an address of its own, under a port that is told."""
    settings = ServeSettings(port=0)
    with bound(settings) as at:
        host, port = at.getsockname()
        assert host == "127.0.0.1"
        assert url_of(at, settings) == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_an_address_that_others_reach_has_to_be_meant(host: str) -> None:
    """It is refused with what would allow it, and allowed when that is said."""
    with pytest.raises(OperatorError, match=r"serve\.exposed"):
        bound(ServeSettings(host=host, port=0))
    if host == "::" and not socket.has_dualstack_ipv6():
        return
    settings = ServeSettings(host=host, port=0, exposed=True)
    with bound(settings) as at:
        assert url_of(at, settings).startswith(("http://127.0.0.1:", "http://[::1]:"))


def test_a_port_that_is_taken_is_named() -> None:
    """In one line, with what to do."""
    with bound(ServeSettings(port=0)) as at:
        port = at.getsockname()[1]
        with pytest.raises(OperatorError, match=f"127.0.0.1:{port}.*--port") as refused:
            bound(ServeSettings(port=port))
    assert "\n" not in str(refused.value)


def test_a_host_that_is_not_known_is_named() -> None:
    """It is never looked for elsewhere."""
    with pytest.raises(OperatorError, match=r"no-such-host\.invalid"):
        bound(ServeSettings(host="no-such-host.invalid", port=0))
