"""What is offered after a TAB: by the words themselves, and in a real bash."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support.cli import environment
from tests.support.incidents import a_story
from tests.support.programs import require_program

from tidegauge.faces import completing
from tidegauge.sinks.incident_log import IncidentLog


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory with three incidents, of which the oldest and the newest are open."""
    folder = tmp_path / "data"
    folder.mkdir()
    trail = IncidentLog(folder, time.time_ns())
    for name, steps in (("INC-1", 2), ("INC-2", None), ("INC-3", 1)):
        for each in a_story(name)[:steps]:
            trail.append(each)
    trail.close()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIDEGAUGE_DATA_DIR", str(folder))
    return folder


def test_incidents_are_offered_the_open_ones_first_and_the_newest_before(data_dir: Path) -> None:
    """From the trail on the disk; what in it cannot be read is passed over."""
    assert completing.incidents("INC") == ["INC-3", "INC-1", "INC-2"]
    assert completing.incidents("INC-2") == ["INC-2"]
    with (data_dir / "incidents.jsonl").open("ab") as file:
        file.write(b'{"half a li')
    assert completing.incidents("") == ["INC-3", "INC-1", "INC-2"]


def test_names_are_offered_as_they_are_spelt_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Symbols and channels of the settings; venues and their families; drills and questions."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIDEGAUGE_NOTIFY__CHANNELS__SLACK__URL", "https://example.com/x")
    assert completing.symbols("bt") == ["BTCUSDT"]
    assert completing.channels("") == ["slack"]
    assert completing.venue_names("bybit") == ["bybit", "bybit-linear", "bybit-spot"]
    assert completing.drills("step") == ["step-crunch"]
    assert completing.question_names("cost") == ["cost-to-sell"]


def test_settings_that_are_wrong_are_no_business_of_a_completion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is offered, and nothing is written over the line that is being typed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TIDEGAUGE_FEED__MAILBOX", "none of it")
    assert completing.symbols("") == completing.channels("") == completing.incidents("") == []


def test_every_argument_that_is_taught_is_one_there_is() -> None:
    """A command or a parameter that is renamed takes its completion along."""
    from tidegauge.faces.cli import app  # noqa: PLC0415

    completing.teach(app)
    known = {
        (path, name)
        for path, callback in completing._commands(app)
        for name in callback.__annotations__
    }
    assert set(completing.BY_ARGUMENT) <= known


TYPED = (("venues", "krak"), ("monitor", "--symbol", "B"), ("incidents", "show", ""))
OFFERED = [["kraken"], ["BTCUSDT"], ["INC-3", "INC-1", "INC-2"]]


def test_a_real_bash_is_offered_what_fits(data_dir: Path, tmp_path: Path) -> None:
    """By the script of `--show-completion`, word by word; no database is started for it."""
    require_program("bash")
    program = tmp_path / "tidegauge"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tidegauge "$@"\n')
    program.chmod(0o755)
    ask = "".join(
        f"COMP_WORDS=({' '.join(map(json.dumps, ('tidegauge', *words)))}); COMP_CWORD={len(words)};"
        ' COMPREPLY=(); _tidegauge_completion tidegauge; echo "${COMPREPLY[*]}"\n'
        for words in TYPED
    )
    path = environment(tmp_path)["PATH"]
    told = subprocess.run(
        ["bash", "-eu", "-c", f'eval "$(tidegauge --show-completion bash)"\nIFS=" "\n{ask}'],
        env={
            **environment(tmp_path, {"TIDEGAUGE_DATA_DIR": str(data_dir)}),
            "PATH": f"{tmp_path}:{path}",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (told.returncode, told.stderr) == (0, "")
    assert [line.split() for line in told.stdout.splitlines()] == OFFERED
    assert not (data_dir / "postgres").exists()
