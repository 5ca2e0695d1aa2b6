"""Tapes played back: the same readings every time, in every container, and nothing else is read."""

import asyncio
import gzip
import itertools
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import zstandard
from tests.support.oracle import TouchOracle
from tests.support.recordings import BINANCE, BYBIT_FILE, HYPERLIQUID_FILE, Recording, tape_lines

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import SECOND
from tidegauge.risk.measure import MeasurePlan
from tidegauge.risk.ruleset import RuleSet
from tidegauge.risk.settings import CrunchSettings
from tidegauge.runtime.monitor import MonitorPlan
from tidegauge.runtime.replay import replay
from tidegauge.wire.tape import TapeKind, TapeLine

pytestmark = pytest.mark.recorded

FEW = MonitorPlan(
    measure=MeasurePlan(bands=(10,), notionals=(Decimal(100_000),), max_size_bps=()),
    rules=RuleSet(crunch=CrunchSettings(bands=(10,))),
)
FEW_SETTINGS = """\
readings:
  bands_bps: [10]
  notionals: [100000]
  max_size_bps: []
"""
THIN_SETTINGS = FEW_SETTINGS.replace("100000", "1000") + "  sample_every_s: 10\n"
WITHIN_S = 240.0
SPOT, USDM, THIN = BINANCE[1], BINANCE[2], BINANCE[4]


def frames_file(folder: Path, file: str) -> Path:
    return folder / f"{file}.frames.tsv.gz"


async def run_cli(*arguments: object, seed: int = 0) -> tuple[int, str, str]:
    """Run `tidegauge` as a process of its own; return its exit code, output and errors."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tidegauge", *map(str, arguments)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONHASHSEED": str(seed)},
    )
    try:
        async with asyncio.timeout(WITHIN_S):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def twice(*arguments: object) -> list[dict[str, Any]]:
    """Replay in two processes that order their sets differently; return what each found."""
    runs = await asyncio.gather(*(run_cli("replay", *arguments, seed=seed) for seed in (1, 2)))
    outcomes = []
    for code, out, err in runs:
        assert (code, err) == (0, "")
        outcome = json.loads(out)
        del outcome["elapsed_s"]
        outcomes.append(outcome)
    return outcomes


@pytest.mark.parametrize(
    "recording",
    [
        pytest.param(each, id=each.file, marks=() if each in (USDM, THIN) else pytest.mark.campaign)
        for each in BINANCE
    ],
)
async def test_a_recording_replayed_twice_gives_identical_readings(
    recording: Recording, recorded: Path, tmp_path: Path
) -> None:
    """Two processes, one hash; and the books end where the recording does, without a gap."""
    config = tmp_path / "settings.yaml"
    # 14 hours of a thin book: fewer samples, and a size that does not walk it to its end.
    config.write_text(THIN_SETTINGS if recording is THIN else FEW_SETTINGS)
    one, other = await twice(frames_file(recorded, recording.file), "--json", "--config", config)
    assert one == other
    assert (one["gaps"], one["resyncs"], one["malformed"]) == (0, 0, 0)
    assert one["readings"] > recording.updates - 10
    (book,) = one["books"]
    assert (book["venue"], book["symbol"]) == (recording.venue, recording.instrument)
    assert book["trust"] == "live"
    assert book["updates"] > recording.updates - 10


@pytest.mark.parametrize("file", [BYBIT_FILE, HYPERLIQUID_FILE])
async def test_the_command_and_the_library_read_the_same(file: str, recorded: Path) -> None:
    """With all the figures of the default settings, in three processes: one hash."""
    path = frames_file(recorded, file)
    one, other = await twice(path, "--json")
    assert one == other
    assert one["hash"] == replay(path, MonitorPlan()).hash
    assert one["hash"] != replay(path, FEW).hash


def test_a_replay_applies_what_the_venue_told(recorded: Path, tmp_path: Path) -> None:
    """The oracle of the live path holds for a replay: it is the same code."""
    lines = list(tape_lines(recorded, USDM.file, most=20_000))
    oracle = TouchOracle(lines)
    outcome = replay(write(tmp_path / "usdm.tsv", lines), FEW, observer=oracle)
    assert (oracle.different, oracle.crossed, outcome.gaps) == ([], 0, 0)
    assert oracle.equal > 1_000


def test_a_changed_frame_changes_the_hash(recorded: Path, tmp_path: Path) -> None:
    """One digit of one size at the touch, in one frame of many, is another hash."""
    lines = list(tape_lines(recorded, SPOT.file, most=6_000))
    told = [index for index, line in enumerate(lines) if '"depthUpdate"' in line.text]
    altered = lines.copy()
    line = lines[told[len(told) // 2]]
    data = json.loads(line.text)
    best = max(data["data"]["b"], key=lambda level: (Decimal(level[1]) > 0, Decimal(level[0])))
    best[1] = str(Decimal(best[1]) + Decimal("0.0001"))
    altered[told[len(told) // 2]] = TapeLine(
        at=line.at, kind=line.kind, conn=line.conn, text=json.dumps(data)
    )
    before = replay(write(tmp_path / "one.tsv", lines), FEW)
    again = replay(write(tmp_path / "two.tsv", lines), FEW)
    after = replay(write(tmp_path / "three.tsv", altered), FEW)
    assert before.hash == again.hash
    assert before.readings == after.readings > 100
    assert before.hash != after.hash


@pytest.mark.parametrize("suffix", [".tsv", ".tsv.gz", ".tsv.zst"])
def test_a_tape_reads_the_same_in_every_container(
    suffix: str, recorded: Path, tmp_path: Path
) -> None:
    """Plain, gzip and zstd; of the compressed ones also several written one after another."""
    path = frames_file(recorded, BYBIT_FILE)
    copy = write(tmp_path / f"copy{suffix}", tape_lines(recorded, BYBIT_FILE))
    assert replay(copy, FEW).hash == replay(path, FEW).hash


def test_a_tape_is_paced_by_the_speed_it_is_asked_for(recorded: Path) -> None:
    """14 seconds of Hyperliquid at 20 times the speed take 0.7 seconds, and read the same."""
    path = frames_file(recorded, HYPERLIQUID_FILE)
    began = time.monotonic()
    paced = replay(path, FEW, speed=20)
    took = time.monotonic() - began
    assert took >= (paced.last_at - paced.first_at) / SECOND / 20 > 0.5
    assert paced.elapsed_s >= 0.5
    assert paced.hash == replay(path, FEW).hash


async def test_the_command_paces_a_tape_too(recorded: Path) -> None:
    """`--speed 10` holds the frames back; what it prints is for people."""
    began = time.monotonic()
    code, out, _ = await run_cli("replay", frames_file(recorded, HYPERLIQUID_FILE), "--speed", "10")
    assert code == 0
    assert time.monotonic() - began >= 1.4
    assert "hyperliquid/BTC live" in out


def test_a_silence_is_sampled_as_a_running_monitor_would_have(
    recorded: Path, tmp_path: Path
) -> None:
    """A quiet book enters its windows once a second, however long nothing is recorded."""
    lines = list(tape_lines(recorded, THIN.file, most=4_000))
    silent = [line for line in lines if line.kind is TapeKind.HTTP or "@depth" in line.text]
    outcome = replay(write(tmp_path / "thin.tsv", silent), FEW)
    seconds = (outcome.last_at - outcome.first_at) // SECOND
    updates = sum(line.kind is TapeKind.RECV for line in silent)
    assert max(b.at - a.at for a, b in itertools.pairwise(silent)) > 10 * SECOND
    assert outcome.readings == pytest.approx(seconds + updates, abs=5)


def test_each_book_gets_the_snapshot_that_was_recorded_for_it(
    recorded: Path, tmp_path: Path
) -> None:
    """Two instruments on one socket, whose answers came in the other order than the requests."""
    btc, eth = (list(tape_lines(recorded, each.file, most=3_000)) for each in BINANCE[:2])
    merged = sorted([*btc, *eth], key=lambda line: line.at)
    answers = [line for line in merged if line.kind is TapeKind.HTTP]
    for order in (answers, answers[::-1]):
        tape = [*order, *(line for line in merged if line.kind is not TapeKind.HTTP)]
        outcome = replay(write(tmp_path / "both.tsv", tape), FEW)
        assert {book.symbol: book.trust for book in outcome.books} == {
            "BTCUSDT": "live",
            "ETHUSDT": "live",
        }
        prices = {book.symbol: book.best_bid for book in outcome.books}
        assert prices["BTCUSDT"] is not None
        assert prices["ETHUSDT"] is not None
        assert prices["BTCUSDT"] > 10 * prices["ETHUSDT"]
        assert outcome.gaps == 0


def test_a_connection_opened_again_is_a_new_epoch(recorded: Path, tmp_path: Path) -> None:
    """Closed and opened on the tape: the book starts from nothing, and lives by its snapshot."""
    lines = list(tape_lines(recorded, BYBIT_FILE))
    linear = [line for line in lines if line.conn.endswith("/linear")]
    last = linear[-1]
    closed = TapeLine(at=last.at + 1, kind=TapeKind.CLOSE, conn=last.conn, text="")
    shift = last.at + SECOND - linear[0].at
    second = [
        TapeLine(at=line.at + shift, kind=line.kind, conn=line.conn, text=line.text)
        for line in linear
    ]
    once = replay(write(tmp_path / "once.tsv", linear), FEW)
    again = replay(write(tmp_path / "again.tsv", [*linear, closed, *second]), FEW)
    assert again.gaps == again.malformed == 0
    assert [book.sequence for book in again.books] == [book.sequence for book in once.books]
    assert [book.updates for book in again.books] == [2 * book.updates for book in once.books]
    assert [book.trust for book in again.books] == ["live", "live"]


# -- what is no tape -----------------------------------------------------------------------------


def torn(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


def garbled(path: Path) -> None:
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(64)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("suffix", "harm"),
    [
        (".tsv", torn),
        (".tsv.gz", torn),
        (".tsv.zst", torn),
        (".tsv.gz", garbled),
        (".tsv.zst", garbled),
    ],
)
def test_a_damaged_tape_is_played_up_to_the_damage(
    suffix: str, harm: Callable[[Path], None], recorded: Path, tmp_path: Path
) -> None:
    """Torn in the middle, or with zeros in it: the line is named, and what comes before is used."""
    path = write(tmp_path / f"tape{suffix}", tape_lines(recorded, BYBIT_FILE))
    harm(path)
    outcome = replay(path, FEW)
    assert re.search(r"is damaged: line [\d,]+: ", str(outcome.damage))
    assert 0 < outcome.frames < 1996
    assert outcome.readings > 0


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("notes.tsv", b"# Notes\n", "is not a tape: line 1: "),
        ("notes.tsv.gz", b"# Notes\n", "is not a tape: line 1: "),
        ("notes.tsv.zst", b"# Notes\n", "is not a tape: line 1: "),
        ("bytes.tsv", b"\xff\xfe\x00", "is not a tape: line 1: "),
        ("empty.tsv", b"", "is not a tape: line 1: it is empty"),
        ("empty.tsv.zst", b"", "is not a tape: line 1: it is empty"),
        ("kind.tsv", b"1\tshout\twss://x\t{}\n", "unknown kind of tape line"),
        ("time.tsv", b"soon\trecv\twss://x\t{}\n", "not a tape time"),
        ("foreign.tsv", b"1\trecv\twss://ws.example.org/v2\t{}\n", "No venue we know"),
    ],
)
def test_a_foreign_file_is_refused_in_one_line(
    name: str, content: bytes, said: str, tmp_path: Path
) -> None:
    """What it is not, where, and what a tape looks like."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(OperatorError) as refused:
        replay(path, FEW)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value).strip()


async def test_the_command_refuses_with_one_line_and_no_traceback(tmp_path: Path) -> None:
    """A foreign file, a missing one and wrong speeds: nothing on standard output, exit code 1."""
    foreign = tmp_path / "notes.tsv.zst"
    foreign.write_bytes(b"# Notes\n")
    missing = tmp_path / "none.tsv"
    for arguments, said in [
        ((foreign, "--json"), "is not a tape: line 1: "),
        ((missing,), "There is no tape"),
        ((missing, "--speed=0"), "--speed"),
        ((missing, "--speed=nan"), "--speed"),
    ]:
        code, out, err = await run_cli("replay", *arguments)
        assert (code, out, err.count("\n")) == (1, "", 1)
        assert said in err


def write(path: Path, lines: Iterable[TapeLine]) -> Path:
    """Write a tape in the container its name asks for, a compressed one in two parts."""
    content = "".join(f"{line.written()}\n" for line in lines).encode()
    halves = (content[: len(content) // 2], content[len(content) // 2 :])
    match path.suffix:
        case ".gz":
            path.write_bytes(b"".join(gzip.compress(half) for half in halves))
        case ".zst":
            path.write_bytes(b"".join(zstandard.compress(half) for half in halves))
        case _:
            path.write_bytes(content)
    return path
