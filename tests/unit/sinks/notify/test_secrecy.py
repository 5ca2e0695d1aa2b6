"""What is secret in an address shows nowhere, also not in part."""

from base64 import b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.sinks.notify.secrecy import LONGEST_SAID, MASK, Discretion, secrets_of

SLACK = "slack+https://hooks.slack.com/services/T0CANARY1/B0CANARY2/cAnArYcAnArYcAnArY003"
TELEGRAM = "telegram+https://1234567:AAcanary-_token0000@api.telegram.org/-100200"
MAIL = "smtps://bot%40example.com:p%C3%A4ss%2Fword1@mail.example.com?from=a@b.c&to=d@e.f"


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        (SLACK, ["T0CANARY1", "B0CANARY2", "cAnArYcAnArYcAnArY003", SLACK.partition("+")[2]]),
        (TELEGRAM, ["AAcanary-_token0000", "1234567:AAcanary-_token0000"]),
        (
            MAIL,
            [
                "p%C3%A4ss%2Fword1",
                "päss/word1",
                b64encode(b"bot@example.com:p\xc3\xa4ss/word1").decode(),
            ],
        ),
        (
            "https://hc-ping.com/0f8fad5b-d9cb-469f-a165-70867728950e",
            ["0f8fad5b-d9cb-469f-a165-70867728950e"],
        ),
        ("https://example.com/hook?key=abcdEFGH1234", ["abcdEFGH1234", "/hook?key=abcdEFGH1234"]),
    ],
)
def test_every_part_that_tells_is_known(url: str, parts: list[str]) -> None:
    """As written, decoded, and as a header carries it."""
    assert {url, *parts} <= set(secrets_of(url))


def test_plain_words_are_no_secrets() -> None:
    """Else `alerts` and `services` were masked in every line of the log."""
    assert set(secrets_of("alertmanager+http://alertmanager:9093/api/alerts")) == {
        *(
            "alertmanager+http://alertmanager:9093/api/alerts",
            "http://alertmanager:9093/api/alerts",
        ),
        quote("alertmanager+http://alertmanager:9093/api/alerts", safe=""),
        quote("http://alertmanager:9093/api/alerts", safe=""),
    }
    assert "services" not in secrets_of(SLACK)


@pytest.mark.parametrize("url", [SLACK, TELEGRAM, MAIL])
def test_what_is_said_is_masked(url: str) -> None:
    """An error that quotes the address, or a part of it."""
    discretion = Discretion(url)
    for secret in secrets_of(url):
        assert secret not in discretion.said(f"cannot reach {secret}: no route")
    assert MASK in discretion.said(f"cannot reach {url}: no route")
    assert url not in repr(discretion)


def test_a_piece_of_a_secret_hides_the_whole_sentence() -> None:
    """A server that cuts or splits what it repeats must not give it away."""
    discretion = Discretion(SLACK)
    assert discretion.said("no such token: cAnArYcAnAr...") == (
        "(what it said is not shown: it repeats a secret)"
    )
    assert discretion.said("ClientConnectorError: hooks.slack.com:443, services are down") == (
        "ClientConnectorError: hooks.slack.com:443, services are down"
    )


def test_what_is_said_is_one_short_printable_line() -> None:
    """It goes to a log, a table and a terminal."""
    said = Discretion(SLACK).said("\x1b[31mno\r\n\x00 way " + "x" * 500)
    assert said.startswith("[31mno way xxx")
    assert said.isprintable()
    assert len(said) == LONGEST_SAID


@given(st.text(), st.integers(0, 13), st.text())
def test_no_eight_characters_of_a_token_ever_show(before: str, at: int, after: str) -> None:
    """Whatever stands around them."""
    token = "cAnArYcAnArYcAnArY003"
    said = Discretion(SLACK).said(f"{before}{token[at : at + 8]}{after}")
    assert not any(token[place : place + 8] in said for place in range(len(token) - 7))


def test_an_address_that_cannot_be_taken_apart_is_a_secret_as_a_whole() -> None:
    """It may be nothing but a secret."""
    assert "https://[broken" in secrets_of("https://[broken")
