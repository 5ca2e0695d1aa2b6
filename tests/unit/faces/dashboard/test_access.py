"""Where the API is, and the token for it, which nobody else sees."""

from pathlib import Path

import pytest

from tidegauge.core.errors import OperatorError
from tidegauge.faces.api.tokens import tokens_made
from tidegauge.faces.dashboard.access import VARIABLE, Access, access_to, checked_url


def test_an_address_is_used_without_the_slash_at_its_end() -> None:
    """And the stream is beside it, with TLS where the address has it."""
    assert checked_url("http://127.0.0.1:8787/") == "http://127.0.0.1:8787"
    assert Access("http://h:1", "t").stream == "ws://h:1/stream"
    assert Access(checked_url("https://h/api/"), "t").stream == "wss://h/api/stream"


@pytest.mark.parametrize(
    "url", ["", "8787", "ws://h:1", "http://", "http://h:99999", "http://h/?a=b", "http://h:0"]
)
def test_what_is_no_address_is_refused_before_anything_starts(url: str) -> None:
    """With how to write one."""
    with pytest.raises(OperatorError, match=r"no address of an API.*http://127"):
        checked_url(url)


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    """Others would see it in the list of processes."""
    with pytest.raises(OperatorError) as refused:
        checked_url("http://ann:hunter2@h:1")
    assert "hunter2" not in str(refused.value)


def test_the_token_is_of_the_data_directory_or_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that operates; the environment goes first. Neither shows in a repr."""
    monkeypatch.delenv(VARIABLE, raising=False)
    made = tokens_made(tmp_path)
    found = access_to("http://h:1", tmp_path)
    assert found.headers == {"Authorization": f"Bearer {made.operate}"}
    assert made.operate not in repr(found)
    monkeypatch.setenv(VARIABLE, " other ")
    assert access_to("http://h:1", tmp_path).token == "other"


def test_where_nothing_is_served_it_says_how_to_serve(tmp_path: Path) -> None:
    """With the folder that was looked at."""
    with pytest.raises(OperatorError, match=r"no API is served for .*tidegauge serve"):
        access_to(None, tmp_path)
