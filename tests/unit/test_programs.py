"""A test that lacks a program is skipped, or fails where everything must be here."""

import pytest
from tests.support.programs import require_program


def test_a_program_that_is_here_is_found() -> None:
    """Its path is what the test then runs."""
    assert require_program("sh").name == "sh"


def test_a_program_that_is_absent_skips_the_test_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """The summary of a run says what was left out, and why."""
    monkeypatch.delenv("TIDEGAUGE_REQUIRE_ALL", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-program is not here"):
        require_program("no-such-program")


def test_where_everything_must_be_here_absence_is_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CI machine that lost a program must not turn green."""
    monkeypatch.setenv("TIDEGAUGE_REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match="no-such-program is needed"):
        require_program("no-such-program")
