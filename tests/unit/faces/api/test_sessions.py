"""A code is good once, for five minutes; a cookie until it is over."""

from pathlib import Path

import pytest

from tidegauge.faces.api.sessions import (
    CODE_LASTS_S,
    MOST_CODES,
    SESSION_LASTS_S,
    Scope,
    Sessions,
)


class Clock:
    """A time that is set."""

    def __init__(self) -> None:
        self.at = 1_800_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock() -> Clock:
    """The time."""
    return Clock()


@pytest.fixture
def sessions(clock: Clock, tmp_path: Path) -> Sessions:
    """Those of one secret."""
    return Sessions(b"secret", tmp_path / "ended", clock)


def test_a_code_is_good_once(sessions: Sessions) -> None:
    """Of the scope it was made for; another code is as good as before."""
    (one, until), (other, _) = sessions.code(Scope.READ), sessions.code(Scope.OPERATE)
    assert until == 1_800_000_000.0 + CODE_LASTS_S
    assert sessions.redeem(one) is Scope.READ
    assert sessions.redeem(one) is None
    assert sessions.redeem(other) is Scope.OPERATE
    assert sessions.redeem("") is None


def test_a_code_is_good_for_five_minutes(sessions: Sessions, clock: Clock) -> None:
    """At the end of the last second it is not."""
    early, late = sessions.code(Scope.READ)[0], sessions.code(Scope.READ)[0]
    clock.at += CODE_LASTS_S - 0.001
    assert sessions.redeem(early) is Scope.READ
    clock.at += 0.001
    assert sessions.redeem(late) is None


def test_codes_that_nobody_uses_do_not_pile_up(sessions: Sessions) -> None:
    """The oldest is forgotten."""
    codes = [sessions.code(Scope.READ)[0] for _ in range(MOST_CODES + 1)]
    assert sessions.redeem(codes[0]) is None
    assert sessions.redeem(codes[1]) is Scope.READ


def test_a_cookie_outlives_a_restart_and_ends_by_itself(
    sessions: Sessions, clock: Clock, tmp_path: Path
) -> None:
    """It names a session of its own, for what it counts against."""
    cookie = sessions.cookie(Scope.OPERATE)
    restarted = Sessions(b"secret", tmp_path / "ended", clock)
    principal = restarted.principal(cookie)
    assert principal is not None
    assert (principal.scope, principal.by_cookie) == (Scope.OPERATE, True)
    assert restarted.principal(sessions.cookie(Scope.OPERATE)) != principal
    clock.at += SESSION_LASTS_S
    assert restarted.principal(cookie) is None


def test_a_cookie_of_another_secret_is_none(
    sessions: Sessions, clock: Clock, tmp_path: Path
) -> None:
    """Nor one that was changed in any place, nor what was never one."""
    cookie = sessions.cookie(Scope.READ)
    assert Sessions(b"another", tmp_path / "ended", clock).principal(cookie) is None
    changed = [
        cookie[:at] + ("A" if cookie[at] != "A" else "B") + cookie[at + 1 :]
        for at in range(len(cookie) - 1)
    ]
    assert not any(sessions.principal(each) for each in changed)
    assert not any(sessions.principal(each) for each in ("", ".", "a.b", "\xe9", "x" * 10_000))


def test_a_session_that_was_ended_is_over(sessions: Sessions) -> None:
    """Another of the same browser is not."""
    one, other = sessions.cookie(Scope.READ), sessions.cookie(Scope.READ)
    sessions.end(one)
    sessions.end("no cookie")
    assert sessions.principal(one) is None
    assert sessions.principal(other) is not None


def test_that_a_session_was_ended_outlives_a_restart(
    sessions: Sessions, clock: Clock, tmp_path: Path
) -> None:
    """Until its cookie would have expired; what else is in the file does no harm."""
    one, other, later = (sessions.cookie(Scope.READ) for _ in range(3))
    sessions.end(one)
    sessions.end(other)
    kept = tmp_path / "ended"
    kept.write_bytes(kept.read_bytes() + b"half a li\n\n\xff \xff\nx 9e99\n")
    restarted = Sessions(b"secret", kept, clock)
    assert [restarted.principal(each) for each in (one, other)] == [None, None]
    clock.at += SESSION_LASTS_S - 1
    restarted.end(later)
    assert len(kept.read_text().splitlines()) == 3
    clock.at += 2
    restarted.end(restarted.cookie(Scope.READ))
    assert len(kept.read_text().splitlines()) == 1


def test_a_log_out_that_can_not_be_written_holds_all_the_same(
    clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As long as the process lasts; the log says that it is not longer."""
    sessions = Sessions(b"secret", tmp_path / "no" / "folder", clock)
    cookie = sessions.cookie(Scope.READ)
    sessions.end(cookie)
    assert sessions.principal(cookie) is None
    assert "api_log_out_not_written" in capsys.readouterr().out


def test_two_secrets_name_their_cookies_apart(tmp_path: Path) -> None:
    """A browser keeps one jar for all ports of a machine: else a second API would log it out."""
    names = {Sessions(each, tmp_path / "ended").cookie_name for each in (b"a", b"b")}
    assert len(names) == 2
    assert all(name.startswith("tidegauge-") for name in names)
