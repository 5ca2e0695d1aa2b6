"""Spans cut out of tapes: what is kept, and that it plays."""

from pathlib import Path

import pytest
from tests.support.own_tape import START, STEP, Run

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.runtime.monitor import MonitorPlan
from tidegauge.runtime.replay import replay
from tidegauge.runtime.tape_cut import Span, cut
from tidegauge.runtime.tape_file import TapeReader
from tidegauge.runtime.tape_runs import runs_of
from tidegauge.runtime.verify import verify
from tidegauge.venues import load
from tidegauge.wire.tape import Meta, TapeKind, place_of

LATE: Nanos = START + 10_000 * SECOND


@pytest.mark.parametrize("venue", sorted(load()))
def test_the_second_half_of_a_run_plays_by_itself(venue: str, tmp_path: Path) -> None:
    """Its books come to the same as in the whole, and nothing is found wrong with it."""
    run = Run(venue).live_through()
    (tmp_path / "x.tsv").write_text(run.text(), encoding="utf-8")
    middle = START + (run.now - START) // 2
    done = cut([tmp_path / "x.tsv"], tmp_path / "y.tsv.gz", Span(begin=middle, end=LATE))
    assert done.damage is None
    assert done.before > 0
    assert done.first_at is not None
    assert done.first_at >= middle
    whole, part = (replay(tmp_path / name, MonitorPlan()) for name in ("x.tsv", "y.tsv.gz"))
    assert part.books == whole.books
    assert part.incomparable == "it is cut from a longer one"
    assert verify(tmp_path / "y.tsv.gz").good


def test_a_cut_ends_where_it_should(tmp_path: Path) -> None:
    """Nothing later than --to, and the run's end is not its end."""
    run = Run("binance").live_through()
    (tmp_path / "x.tsv").write_text(run.text(), encoding="utf-8")
    end = START + 5 * STEP
    cut([tmp_path / "x.tsv"], tmp_path / "y.tsv", Span(begin=START, end=end))
    lines = list(TapeReader(tmp_path / "y.tsv"))
    assert max(line.at for line in lines) <= end
    metas = [line.facts["meta"] for line in lines if line.kind is TapeKind.META]
    assert metas == [Meta.TAPE, Meta.VENUE]


def test_only_what_is_asked_for_is_kept(tmp_path: Path) -> None:
    """One symbol of several: the frames of the others go, but its books stay whole."""
    run = Run("bybit-linear").live_through()
    (tmp_path / "x.tsv").write_text(run.text(), encoding="utf-8")
    names = list(run.told.fleet.feeds[0].keepers)
    assert len(names) > 1
    span = Span(begin=START, end=LATE, names=frozenset({f"our {names[0]}"}))
    cut([tmp_path / "x.tsv"], tmp_path / "y.tsv", span)
    whole, part = (replay(tmp_path / name, MonitorPlan()) for name in ("x.tsv", "y.tsv"))
    assert [book.symbol for book in part.books] == [f"our {names[0]}"]
    assert part.books[0] in whole.books
    assert part.frames < whole.frames
    span = Span(begin=START, end=LATE, venues=frozenset({"okx"}))
    with pytest.raises(OperatorError, match="holds nothing of that"):
        cut([tmp_path / "x.tsv"], tmp_path / "z.tsv", span)
    assert not (tmp_path / "z.tsv").exists()


def test_a_plain_tape_is_cut_from_its_last_opening(tmp_path: Path) -> None:
    """What was said over connections that ended before is of no use to the books."""
    run = Run("bybit-linear").live_through()
    plain = [line for line in run.lines if line.kind in (TapeKind.OPEN, TapeKind.RECV)]
    url = "wss://stream.bybit.com/v5/public/linear"
    texts = [f"{line.at}\t{line.kind}\t{url}\t{line.text}\n" for line in plain]
    again = [f"{line.at + 100 * SECOND}\t{line.kind}\t{url}\t{line.text}\n" for line in plain]
    (tmp_path / "x.tsv").write_text("".join(texts + again), encoding="utf-8")
    span = Span(begin=plain[-1].at + 100 * SECOND, end=LATE)
    cut([tmp_path / "x.tsv"], tmp_path / "y.tsv", span)
    lines = list(TapeReader(tmp_path / "y.tsv"))
    assert all(line.at >= START + 100 * SECOND for line in lines)
    assert {place_of(line) for line in lines} == {None}
    assert verify(tmp_path / "y.tsv").good


def test_the_good_part_of_a_damaged_tape_can_be_saved(tmp_path: Path) -> None:
    """And the damage is told."""
    text = Run("binance").live_through().text()
    (tmp_path / "x.tsv").write_text(text[: len(text) * 3 // 4], encoding="utf-8")
    done = cut([tmp_path / "x.tsv"], tmp_path / "y.tsv", Span(begin=START, end=LATE))
    assert done.damage is not None
    assert verify(tmp_path / "y.tsv").damage is None


def test_the_parts_of_a_run_belong_together(tmp_path: Path) -> None:
    """In the order of their numbers; anything else is a tape of its own."""
    header = '1\tmeta\t\t{"meta":"tape","format":1,"run":"r","segment":%d}\n'
    names = {"b.tsv": header % 0, "a.tsv": header % 1, "c.tsv": "1\topen\tx\t\n", "d.tsv": "no"}
    for name, text in names.items():
        (tmp_path / name).write_text(text)
    runs = runs_of(sorted(tmp_path.iterdir()))
    assert [[path.name for path in parts] for parts in runs] == [
        ["b.tsv", "a.tsv"],
        ["c.tsv"],
        ["d.tsv"],
    ]
