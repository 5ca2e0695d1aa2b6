"""Who is let in, and what becomes of them when the file of the tokens changes."""

import hmac
from pathlib import Path

import pytest
import structlog

from tidegauge.faces.api.access import Access
from tidegauge.faces.api.sessions import Scope
from tidegauge.faces.api.tokens import FILE, tokens_made, tokens_renewed


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every question looks at the file again."""
    monkeypatch.setattr("tidegauge.faces.api.access.LOOK_EVERY_S", 0.0)


def test_each_token_gives_its_scope(tmp_path: Path) -> None:
    """The secret beside them is no token."""
    tokens, access = tokens_made(tmp_path), Access(tmp_path)
    reads, operates = access.by_token(tokens.read), access.by_token(tokens.operate)
    assert reads is not None
    assert operates is not None
    assert (reads.scope, operates.scope) == (Scope.READ, Scope.OPERATE)
    assert reads.name != operates.name
    for wrong in (tokens.secret, "", "\udcff", tokens.read + "\n"):
        assert access.by_token(wrong) is None


def test_a_token_is_compared_whole_however_wrong_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Digests of one length, with both tokens, by a comparison of constant time."""
    tokens, access = tokens_made(tmp_path), Access(tmp_path)
    lengths: list[tuple[int, int]] = []

    def compared(one: bytes, other: bytes) -> bool:
        lengths.append((len(one), len(other)))
        return hmac.compare_digest(one, other)

    spy = type("Spy", (), {"compare_digest": staticmethod(compared)})
    monkeypatch.setattr("tidegauge.faces.api.access.hmac", spy)
    for given in ("", "x", tokens.read[:-1] + "!", tokens.read, tokens.operate):
        lengths.clear()
        access.by_token(given)
        assert lengths == [(32, 32)] * 2


@pytest.mark.usefixtures("at_once")
def test_while_the_file_cannot_be_used_nobody_is_let_in(tmp_path: Path) -> None:
    """It is said once; when it can be used again, its tokens are in force again."""
    tokens, access = tokens_made(tmp_path), Access(tmp_path)
    (tmp_path / FILE).chmod(0o644)
    with structlog.testing.capture_logs() as lines:
        assert access.by_token(tokens.read) is None
        assert access.by_token(tokens.operate) is None
        assert access.sessions is None
    assert [line["event"] for line in lines] == ["api_tokens_unusable"]
    assert tokens.read not in str(lines)
    (tmp_path / FILE).chmod(0o600)
    assert access.by_token(tokens.read) is not None
    (tmp_path / FILE).unlink()
    assert access.by_token(tokens.read) is None


@pytest.mark.usefixtures("at_once")
def test_new_tokens_take_the_place_of_the_old(tmp_path: Path) -> None:
    """Cookies are of the tokens they were given for."""
    old, access = tokens_made(tmp_path), Access(tmp_path)
    assert access.sessions is not None
    name, cookie = access.sessions.cookie_name, access.sessions.cookie(Scope.READ)
    assert access.by_cookie({name: cookie}) is not None
    new = tokens_renewed(tmp_path)
    assert access.by_token(old.read) is None
    assert access.by_cookie({name: cookie}) is None
    assert access.by_token(new.read) is not None


def test_a_file_that_does_not_change_is_not_read_again(tmp_path: Path) -> None:
    """A session that was begun goes on."""
    tokens_made(tmp_path)
    access = Access(tmp_path)
    assert access.sessions is access.sessions
