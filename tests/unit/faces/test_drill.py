"""How far the drills are, on a terminal and in a log."""

import sys

import pytest

from tidegauge.faces.drill import drilling


def test_a_log_has_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    """Every ten seconds, with the drill that is on; no line for what is done sooner."""
    times = iter([0.0, 9.0, 10.5, 10.5, 15.0, 21.0, 21.0])
    with drilling(26, lambda: next(times)) as told:
        for number, name in ((1, "calm"), (2, "step-crunch"), (3, "depeg"), (7, "slow-bleed")):
            told(number, name)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "drilling 2 of 26: step-crunch\ndrilling 7 of 26: slow-bleed\n"


def test_a_terminal_shows_every_drill(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one line that is gone at the end."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with drilling(26, lambda: 0.0) as told:
        told(7, "slow-bleed")
    assert "drilling 7 of 26: slow-bleed" in capsys.readouterr().err
