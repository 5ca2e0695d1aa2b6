"""What a request says of itself, read in one way only."""

from typing import Any

import pytest

from tidegauge.faces.api.asked import Asked
from tidegauge.faces.api.problems import Problem


def head(*headers: tuple[str, str], **more: Any) -> dict[str, Any]:
    """Return a request with these headers, in this order."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return {
        "type": "http",
        "method": "GET",
        "path": "/",
        "headers": raw,
        "client": None,
        "query_string": b"",
        **more,
    }


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("localhost", "localhost"),
        ("LocalHost:8787", "localhost"),
        ("[::1]", "::1"),
        ("[::1]:8787", "::1"),
        ("::1", ""),
        ("a:b:c", "a"),
    ],
)
def test_the_name_is_the_host_without_its_port(host: str, name: str) -> None:
    """An IPv6 address stands in brackets."""
    assert Asked.of(head(("host", host)), behind_tls=False).name == name


@pytest.mark.parametrize("twice", ["host", "origin", "authorization"])
def test_what_is_said_twice_is_refused(twice: str) -> None:
    """A proxy and we might read different ones."""
    headers = [("host", "localhost"), (twice, "localhost"), (twice, "evil.example")]
    with pytest.raises(Problem, match=twice) as refused:
        Asked.of(head(*headers), behind_tls=False)
    assert refused.value.status == 400


@pytest.mark.parametrize(
    ("said", "token"),
    [("Bearer abc", "abc"), ("bearer  abc ", "abc"), ("Basic abc", "Basic abc"), ("Bearer ", "")],
)
def test_a_token_is_what_follows_bearer(said: str, token: str) -> None:
    """Of another scheme it is all of it, which is no token of anybody's."""
    headers = head(("host", "localhost"), ("authorization", said))
    assert Asked.of(headers, behind_tls=False).token == token


@pytest.mark.parametrize(
    ("sent", "cookies"),
    [
        ("tidegauge-1=abc", {"tidegauge-1": "abc"}),
        ("a=b; tidegauge-1=abc; c=d", {"tidegauge-1": "abc"}),
        ("tidegauge-1=first; tidegauge-1=second", {"tidegauge-1": "first"}),
        ("tidegauge-1=abc; tidegauge-2=def", {"tidegauge-1": "abc", "tidegauge-2": "def"}),
        ("xtidegauge-1=abc; tidegauge=abc", {}),
        ("tidegauge-1", {"tidegauge-1": ""}),
        ('tidegauge-1="abc"', {"tidegauge-1": "abc"}),
        ("\xff=\xfe; ;;=", {}),
    ],
)
def test_our_cookies_are_found_among_others(sent: str, cookies: dict[str, str]) -> None:
    """Whatever else a browser sends, and those of other APIs of the machine."""
    headers = head(("host", "localhost"), ("cookie", sent))
    assert Asked.of(headers, behind_tls=False).cookies == cookies


def test_an_address_is_only_taken_from_a_proxy_that_is_there() -> None:
    """Else everybody could say to be somebody else."""
    headers = head(
        ("host", "localhost"),
        ("x-forwarded-for", "1.1.1.1"),
        ("x-forwarded-for", "2.2.2.2, 3.3.3.3"),
        client=("192.0.2.1", 1),
    )
    assert Asked.of(headers, behind_tls=False).address == "192.0.2.1"
    assert Asked.of(headers, behind_tls=True).address == "3.3.3.3"
    assert Asked.of(head(("host", "x")), behind_tls=True).address == "local"
