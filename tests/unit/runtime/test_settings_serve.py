"""Where the API is served, and to whom."""

import pytest
from pydantic import ValidationError

from tidegauge.runtime.settings import load_settings
from tidegauge.runtime.settings_serve import ServeSettings


def test_by_itself_it_is_served_to_this_machine() -> None:
    """At a port of its own, under no other name."""
    serve = ServeSettings()
    assert (serve.host, serve.port, serve.exposed) == ("127.0.0.1", 8787, False)
    assert serve.allowed_hosts == ()
    assert not serve.behind_tls


def test_variables_say_it() -> None:
    """Names are lowered, as a browser sends them."""
    said = {
        "TIDEGAUGE_SERVE__ALLOWED_HOSTS": "Desk.example, other.example",
        "TIDEGAUGE_SERVE__BEHIND_TLS": "true",
        "TIDEGAUGE_SERVE__PORT": "0",
    }
    serve = load_settings(environ=said, dotenv=None).settings.serve
    assert serve.allowed_hosts == ("desk.example", "other.example")
    assert serve.behind_tls
    assert serve.port == 0


@pytest.mark.parametrize("name", ["", "a b", "http://a", "a/b", "[::1]", "*", "a" * 300])
def test_a_name_is_a_name(name: str) -> None:
    """No URL, no pattern, no brackets."""
    with pytest.raises(ValidationError, match="must be a host name"):
        ServeSettings(host=name)
    with pytest.raises(ValidationError, match="must be a host name"):
        ServeSettings(allowed_hosts=(name,))
