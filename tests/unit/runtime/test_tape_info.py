"""What is on a tape."""

from pathlib import Path

import pytest
from tests.support.own_tape import START, Run

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import SECOND
from tidegauge.runtime.tape_info import inspect
from tidegauge.wire.tape import Meta, TapeKind, meta_line, tick_line


def test_a_tape_of_ours_tells_its_run(tmp_path: Path) -> None:
    """Who wrote it, the instruments with our names, the lines of each link, holes and gaps."""
    run = Run("hyperliquid").live_through()
    run.note(meta_line(run.now, Meta.GAP, lines=4))
    run.note(tick_line(run.now + 30 * SECOND))
    (tmp_path / "x.tsv").write_text(run.text(), encoding="utf-8")
    found = inspect([tmp_path / "x.tsv"])
    assert found.header is not None
    assert (found.header["run"], found.header["program"], found.ended) == (
        "of hyperliquid",
        "0",
        True,
    )
    names = found.instruments["hyperliquid"]
    assert names == {name: f"our {name}" for name in run.told.fleet.feeds[0].keepers}
    assert found.frames[TapeKind.OPEN, "ws://127.0.0.1:1/touch#hyperliquid/0.touch"] == 1
    assert found.silences == [(run.now, 30 * SECOND)]
    assert (found.not_recorded, found.unknown, found.foreign) == (4, 0, False)
    assert (found.first_at, found.bytes) == (START, (tmp_path / "x.tsv").stat().st_size)
    assert found.damage is None


def test_a_plain_tape_tells_what_its_frames_show(tmp_path: Path) -> None:
    """And what is of nobody we know, or older than the line before."""
    run = Run("bybit-spot").live_through()
    heard = [line.text for line in run.lines if line.kind is TapeKind.RECV]
    lines = [
        f"{n + 5}\trecv\twss://stream.bybit.com/v5/public/spot\t{t}" for n, t in enumerate(heard)
    ]
    lines += ["1\trecv\twss://elsewhere.test/\t{}"]
    (tmp_path / "x.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    found = inspect([tmp_path / "x.tsv"])
    assert found.header is None
    assert set(found.instruments["bybit-spot"]) == set(run.told.fleet.feeds[0].keepers)
    assert (found.unknown, found.backwards, found.foreign) == (1, 1, False)
    (tmp_path / "y.tsv").write_text(lines[-1] + "\n", encoding="utf-8")
    assert inspect([tmp_path / "y.tsv"]).foreign
    other = run.text().replace("bybit-spot", "elsewhere")
    (tmp_path / "z.tsv").write_text(other, encoding="utf-8")
    assert inspect([tmp_path / "z.tsv"]).foreign


def test_what_is_damaged_is_told_with_what_comes_before(tmp_path: Path) -> None:
    """A file that is no tape at all is refused."""
    (tmp_path / "x.tsv").write_text("1\topen\tx\t\nnonsense\n")
    found = inspect([tmp_path / "x.tsv"])
    assert found.lines == 1
    assert found.damage is not None
    assert "line 2" in found.damage
    (tmp_path / "y.tsv").write_text("nonsense\n")
    with pytest.raises(OperatorError, match="is not a tape"):
        inspect([tmp_path / "y.tsv"])
