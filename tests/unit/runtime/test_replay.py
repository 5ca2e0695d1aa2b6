"""Tapes made by hand, played through the code that reads live frames."""

import gzip
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from tests.support.conversation import transcript
from tests.support.own_tape import Run

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.runtime.monitor import MonitorPlan
from tidegauge.runtime.replay import ReplayOutcome, read_tape, replay
from tidegauge.venues import load
from tidegauge.wire.fleet import Fleet
from tidegauge.wire.shards import Orders
from tidegauge.wire.tape import Meta, TapeKind, meta_line

START: Nanos = 1_760_000_000 * SECOND
BINANCE = load()["binance"]
SOCKET = "wss://stream.binance.com:9443/stream"
DEPTH = "https://api.binance.com/api/v3/depth"


def tape(*, gap: Nanos = SECOND // 10) -> str:
    """The conversation of the conformance kit, as a tape; snapshots name their instrument."""
    lines = [f"{START}\topen\t{SOCKET}\t"]
    now = START
    for line in transcript(BINANCE).lines:
        now += gap
        if line.kind == "recv":
            lines.append(f"{now}\trecv\t{SOCKET}\t{line.text}")
        elif line.kind == "http":
            lines.append(f"{now}\thttp\t{DEPTH}?symbol={line.instrument}\t{line.text}")
    return "\n".join(lines) + "\n"


def played(path: Path, text: str) -> ReplayOutcome:
    path.write_text(text)
    return replay(path, MonitorPlan())


def test_a_tape_comes_to_the_books_that_the_venue_had(tmp_path: Path) -> None:
    """Snapshots are found on the tape, and every book ends LIVE."""
    outcome = played(tmp_path / "x.tsv", tape())
    assert outcome.tape == "x.tsv"
    assert (outcome.gaps, outcome.resyncs, outcome.malformed) == (0, 0, 0)
    assert {book.trust for book in outcome.books} == {"live"}
    first = next(book for book in outcome.books if book.symbol == "BTCUSDT")
    touch = transcript(BINANCE).touch
    assert [f"{each:f}".rstrip("0") for each in (first.best_bid, first.best_ask) if each] == [
        each.rstrip("0") for each in touch
    ]
    assert outcome.readings > 0


def test_the_same_tape_gives_the_same_hash_however_it_is_packed(tmp_path: Path) -> None:
    """Plain, gzip and zstd; a tape with another frame has another."""
    text = tape()
    packed: dict[str, Callable[[bytes], bytes]] = {
        "a.tsv": bytes,
        "b.tsv.gz": gzip.compress,
        "c.tsv.zst": zstandard.compress,
    }
    hashes = set()
    for name, pack in packed.items():
        (tmp_path / name).write_bytes(pack(text.encode()))
        hashes.add(replay(tmp_path / name, MonitorPlan()).hash)
    assert len(hashes) == 1
    shorter = "\n".join(text.splitlines()[:-1]) + "\n"
    assert played(tmp_path / "d.tsv", shorter).hash not in hashes


def test_a_tape_with_a_hole_of_years_is_played_at_once(tmp_path: Path) -> None:
    """Ticks nobody saw are not made up one by one."""
    lines = tape().splitlines()
    year = 365 * 86_400 * SECOND
    for index in range(len(lines) // 2, len(lines)):
        at, _, rest = lines[index].partition("\t")
        lines[index] = f"{int(at) + 50 * year}\t{rest}"
    outcome = played(tmp_path / "x.tsv", "\n".join(lines) + "\n")
    assert outcome.last_at - outcome.first_at > 50 * year
    assert outcome.elapsed_s < 10


def test_a_frame_that_is_damaged_is_counted_and_passed_over(tmp_path: Path) -> None:
    """A recording of a bad day is still a recording."""
    lines = tape().splitlines()
    at = lines[2].partition("\t")[0]
    lines.insert(2, f'{at}\trecv\t{SOCKET}\t{{"stream":"btcusdt@depth@100ms","data":[]}}')
    outcome = played(tmp_path / "x.tsv", "\n".join(lines) + "\n")
    assert outcome.malformed == 1
    assert {book.trust for book in outcome.books} == {"live"}


def test_a_tape_may_be_played_as_slowly_as_it_was_recorded(tmp_path: Path) -> None:
    """Twenty times as fast as the wall here; the outcome is the same."""
    path = tmp_path / "x.tsv"
    path.write_text(tape())
    quick = replay(path, MonitorPlan())
    slow = replay(path, MonitorPlan(), speed=20)
    assert slow.hash == quick.hash
    assert slow.elapsed_s >= (slow.last_at - slow.first_at) / SECOND / 20


def test_progress_is_told(tmp_path: Path) -> None:
    """Now and then, and at the first record."""
    path = tmp_path / "x.tsv"
    path.write_text(tape())
    told: list[int] = []
    replay(path, MonitorPlan(), progress=told.append)
    assert told[0] == 0


@pytest.mark.parametrize(
    ("content", "line", "word"),
    [
        (b"1\topen\tx\t\nnonsense\n", 2, "nonsense"),
        (b"1\topen\tx\t\n1\tshout\tx\t\n", 2, "shout"),
        (b"1\topen\tx\t\nsoon\trecv\tx\t\n", 2, "soon"),
        (b"\xff\xfe\n", 1, "UTF-8"),
    ],
)
def test_what_is_no_tape_is_told_with_its_line(
    content: bytes, line: int, word: str, tmp_path: Path
) -> None:
    """The operator can open the file there."""
    path = tmp_path / "x.tsv"
    path.write_bytes(content)
    with pytest.raises(OperatorError) as refusal:
        list(read_tape(path))
    assert f"line {line}:" in str(refusal.value)
    assert word in str(refusal.value)


def test_records_of_venues_we_do_not_know_are_passed_over(tmp_path: Path) -> None:
    """A tape may hold more than we understand."""
    other = json.dumps({"type": "l2update"})
    text = tape() + f"{START + 9 * SECOND}\trecv\twss://elsewhere.test/feed\t{other}\n"
    outcome = played(tmp_path / "x.tsv", text)
    assert outcome.hash == played(tmp_path / "y.tsv", tape()).hash


class Broken(Exception):
    """What our code fails with here."""


def test_a_frame_that_crashed_our_code_is_told_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or is passed over, where the tape says that it did so live, too."""
    run = Run("binance").live_through()
    at = next(n for n, line in enumerate(run.lines) if line.kind is TapeKind.RECV)
    poison = replace(run.lines[at], text="poison")
    told = meta_line(poison.at, Meta.CRASHED, "binance", shard="0", reason="Broken")
    received = Fleet.received

    def breaks(fleet: Fleet, shard: str, link: str, frame: str | bytes, now: Nanos) -> Orders:
        if frame == "poison":
            raise Broken("it is\npoison")
        return received(fleet, shard, link, frame, now)

    monkeypatch.setattr(Fleet, "received", breaks)
    for name, more in {"told": [told], "untold": []}.items():
        lines = [*run.lines[:at], poison, *more, *run.lines[at:]]
        text = "".join(f"{line.written()}\n" for line in lines)
        (tmp_path / f"{name}.tsv").write_text(text, encoding="utf-8")
    last = "".join(f"{line.written()}\n" for line in (*run.lines[:at], poison))
    assert replay(tmp_path / "told.tsv", MonitorPlan()).damage is None
    said = replay(tmp_path / "untold.tsv", MonitorPlan()).damage
    assert said is not None
    assert (
        f"line {at + 2}: Our own code fails on the line before this (Broken: it is poison)" in said
    )
    (tmp_path / "last.tsv").write_text(last, encoding="utf-8")
    said = replay(tmp_path / "last.tsv", MonitorPlan()).damage
    assert said is not None
    assert "fails on the last line (Broken" in said
