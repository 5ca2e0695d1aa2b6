"""Files of frames without times: whose they are, and what becomes of them."""

from pathlib import Path

import pytest
from tests.support.own_tape import Run

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import MILLISECOND
from tidegauge.runtime.bare_frames import START, bare_frames
from tidegauge.runtime.tape_file import TapeReader
from tidegauge.runtime.verify import verify
from tidegauge.venues import load
from tidegauge.wire.tape import TapeKind, TapeLine


def frames(venue: str) -> str:
    lines = Run(venue).live_through().lines
    return "".join(f"{line.text}\n" for line in lines if line.kind is TapeKind.RECV)


def read(path: Path) -> list[TapeLine]:
    return list(TapeReader(path, bare_frames(load().values())))


@pytest.mark.parametrize("venue", ["okx", "kraken", "deribit", "coinbase"])
def test_a_venue_is_known_by_its_frames(venue: str, tmp_path: Path) -> None:
    """Whatever the file is called; the frames are a millisecond apart."""
    (tmp_path / "x.jsonl").write_text(frames(venue))
    opened, first, second, *_ = read(tmp_path / "x.jsonl")
    assert opened.kind is TapeKind.OPEN
    assert opened.conn.startswith(load()[venue].ws_url)
    assert (first.at - START, second.at - first.at) == (MILLISECOND, MILLISECOND)
    (book, *_) = verify(tmp_path / "x.jsonl").books
    assert book.venue == venue


@pytest.mark.parametrize(
    ("name", "venue"),
    [
        ("x.jsonl", "bybit-spot"),
        ("bybit_linear.jsonl", "bybit-linear"),
        ("BYBIT-spot-1.jsonl", "bybit-spot"),
    ],
)
def test_the_name_decides_between_markets_that_speak_alike(
    name: str, venue: str, tmp_path: Path
) -> None:
    """Where it says nothing, it is the spot market."""
    (tmp_path / name).write_text(frames("bybit-linear"))
    assert read(tmp_path / name)[0].conn.startswith(load()[venue].ws_url)
    assert verify(tmp_path / name).books[0].venue == venue


def test_a_snapshot_may_lie_beside_the_file(tmp_path: Path) -> None:
    """It answers the protocol's request for the first instrument."""
    run = Run("binance").live_through()
    (tmp_path / "b_depth.jsonl").write_text(frames("binance"))
    body = next(line.text for line in run.lines if line.kind is TapeKind.HTTP)
    (tmp_path / "b_snapshot.json").write_text(body)
    lines = read(tmp_path / "b_depth.jsonl")
    assert [line.kind for line in lines[:2]] == [TapeKind.OPEN, TapeKind.HTTP]
    (tmp_path / "b_snapshot.json").unlink()
    assert [line.kind for line in read(tmp_path / "b_depth.jsonl")[:2]] == ["open", "recv"]


def test_frames_of_nobody_are_refused(tmp_path: Path) -> None:
    """JSON that no venue we know sends."""
    (tmp_path / "x.jsonl").write_text('{"a":1}\n' * 60)
    with pytest.raises(OperatorError, match="is of no venue we know"):
        read(tmp_path / "x.jsonl")
