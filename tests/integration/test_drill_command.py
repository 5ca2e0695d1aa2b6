"""`tidegauge drill` and `tidegauge rules tune`, from outside: what they print, and that they do nothing."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest
from tests.support.cli import environment, tidegauge
from tests.support.database import PATIENCE_S, until
from tests.support.recordings import HYPERLIQUID_FILE

from tidegauge.runtime.drill_scorecard import cores

DULL_RULES = """\
crunch:
  step:
    depth_harm: 19
    side_harm: 19
    slippage_harm: 19
  bleed:
    short_depth_harm: 19
"""


def test_a_drill_writes_nothing_and_is_the_same_to_the_last_byte(tmp_path: Path) -> None:
    """Neither folder nor file appears, whatever the order of sets; its rules are those in force."""
    data = tmp_path / "data"
    env = {"TIDEGAUGE_DATA_DIR": str(data)}
    told = [
        tidegauge(
            "drill", "step-crunch", "--json", cwd=tmp_path, env={**env, "PYTHONHASHSEED": seed}
        )
        for seed in ("0", "1")
    ]
    assert [each.code for each in told] == [0, 0], told[0].err
    assert told[0].out == told[1].out
    assert not list(tmp_path.iterdir()), "a drill leaves nothing behind"
    outcome = json.loads(told[0].out)
    assert outcome["drill"] == "step-crunch"
    assert all(check["met"] for check in outcome["checks"])
    assert outcome["pages"][0]["channels"] == ["everybody"]


def test_rules_that_fail_a_drill_end_it_with_1(tmp_path: Path) -> None:
    """What was not as expected is said, and it is no error of the program."""
    rules = tmp_path / "dull.yaml"
    rules.write_text(DULL_RULES, encoding="utf-8")
    told = tidegauge("drill", "step-crunch", "--rules", str(rules), "--seed", "3", cwd=tmp_path)
    assert told.code == 1
    assert told.complaints == []
    assert "FAILED: step-crunch" in told.out
    assert "NOT liquidity_crunch on binance fires" in told.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("step-crunhc",), "Unknown drill 'step-crunhc'. Did you mean 'step-crunch'?"),
        (("quake",), "Unknown drill 'quake'. Known: calm, divergence"),
        ((), "Say one of: the name of a drill, --all, --quality"),
        (("calm", "--all"), "Say one of"),
        (("calm", "--seeds", "3"), "--seeds goes with --all"),
        (("calm", "--rules", "none.yaml"), "none.yaml"),
    ],
)
def test_what_cannot_be_drilled_is_said_in_one_line(
    arguments: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    """With the nearest name there is."""
    told = tidegauge("drill", *arguments, cwd=tmp_path)
    assert told.code == 1
    (complaint,) = told.complaints
    assert said in complaint
    assert "Traceback" not in told.err


def test_the_list_is_for_people_and_machines(tmp_path: Path) -> None:
    """Thirteen drills, and what each expects."""
    assert "stablecoin-depeg" in tidegauge("drill", "list", cwd=tmp_path).out
    assert len(json.loads(tidegauge("drill", "list", "--json", cwd=tmp_path).out)) == 13


@pytest.mark.recorded
def test_two_files_of_rules_are_compared_on_drills_and_on_a_tape(
    tmp_path: Path, recorded: Path
) -> None:
    """Side by side, and in a sentence which is better at what."""
    for name, text in (("usual", "{}\n"), ("dull", DULL_RULES)):
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    tape = recorded / f"{HYPERLIQUID_FILE}.frames.tsv.gz"
    told = tidegauge(
        "rules", "tune", "usual.yaml", "dull.yaml", "--drill", "step-crunch", "--seeds", "2",
        "--tape", str(tape), cwd=tmp_path,
    )  # fmt: skip
    assert told.code == 0, told.err
    assert "A: usual.yaml" in told.out
    assert "B: dull.yaml" in told.out
    assert "A is better at the delay in step-crunch (2.5 s against" in told.out
    assert "of 1 books" in told.out
    assert "On the tapes both alert equally often (0)." in told.out


def test_a_drill_to_compare_on_has_to_be_there(tmp_path: Path) -> None:
    """Before anything is run."""
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("{}\n", encoding="utf-8")
    told = tidegauge("rules", "tune", "a.yaml", "b.yaml", "--drill", "clam", cwd=tmp_path)
    assert told.code == 1
    assert told.complaints == ["tidegauge: Unknown drill 'clam'. Did you mean 'calm'?"]


def is_drilling(pid: int) -> bool:
    """Whether a SIGTERM is taken for a stop by now; and on more cores than one, processes start."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (caught,) = [line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:")]
    if not int(caught, 16) & 1 << (signal.SIGTERM - 1):
        return False
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    # One of them only keeps the books of what the others share.
    return cores() == 1 or len(children) > 2


@pytest.mark.parametrize("command", [("drill", "--all"), ("rules", "tune", "a.yaml", "a.yaml")])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_drills_that_are_stopped_end_in_one_line(
    command: tuple[str, ...], number: signal.Signals, tmp_path: Path
) -> None:
    """A Ctrl-C reaches every process of the terminal, while they start; a SIGTERM ours alone."""
    (tmp_path / "a.yaml").write_text("{}\n", encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tidegauge", *command),
        cwd=tmp_path,
        env=environment(tmp_path),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        await until(lambda: is_drilling(process.pid))
        if number is signal.SIGINT:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        _out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    assert process.returncode == 130
    assert err.decode() == "tidegauge: stopped\n"
