"""Spans cut out of tapes: what is kept, and that it plays."""

from pathlib import Path

import pytest
from tests.support.conversation import transcript
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
from tidegauge.wire.feed import Listing
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


def roll_in(run: Run, shard: str, names: list[str]) -> None:
    """Open a shard that carries these books, and hear of them."""

    def opened(link: str) -> None:
        run.act(lambda: run.told.opened(shard, link, run.now))

    def hear(link: str, text: str) -> None:
        run.act(lambda: run.told.received(shard, link, text, run.now))

    told = transcript(run.spec)
    for link in run.spec.links([each for each in told.instruments if each.name in names]):
        opened(link)
    for line in told.lines:
        if line.kind == "recv" and set(run.spec.named_in(line.text)) <= set(names):
            hear(line.link, line.text)
        run.act(lambda: run.told.tick(run.now))


def changing_run() -> tuple[Run, list[str]]:
    """Return a run of three shards: with one book, with a second added, and with that removed."""
    run = Run("bybit-linear")
    listings = [
        Listing(symbol=f"our {each.name}", instrument=each)
        for each in transcript(run.spec).instruments
    ]
    first, second = (each.instrument.name for each in listings[:2])
    run.obey(run.told.begin(listings[:1], run.now))
    roll_in(run, "0", [first])
    run.act(lambda: run.told.add(listings[1], run.now))
    run.act(lambda: run.told.add(listings[1], run.now))
    roll_in(run, "1", [first, second])
    assert run.told.fleet.shards == ["1"]
    run.now += 3 * SECOND
    run.act(lambda: run.told.tick(run.now))
    run.act(lambda: run.told.remove(second, run.now, "unwanted"))
    roll_in(run, "2", [first])
    assert run.told.fleet.shards == ["2"]
    return run, [first, second]


@pytest.mark.parametrize("index", [0, 1])
def test_a_cut_follows_what_was_added_and_removed(index: int, tmp_path: Path) -> None:
    """The one that stays rolls as often as it did; the other begins and ends where it did."""
    run, names = changing_run()
    (tmp_path / "x.tsv").write_text(run.text(), encoding="utf-8")
    span = Span(begin=START, end=LATE, names=frozenset({f"our {names[index]}"}))
    cut([tmp_path / "x.tsv"], tmp_path / "y.tsv", span)
    whole, part = verify(tmp_path / "x.tsv"), verify(tmp_path / "y.tsv")
    assert whole.good, whole.first
    assert part.good, part.first
    assert [book.instrument for book in part.books] == [names[index]]
    metas = [line.facts for line in TapeReader(tmp_path / "y.tsv") if line.kind is TapeKind.META]
    came, left = ("roll", "roll") if index == 0 else ("added", "removed")
    assert [facts["meta"] for facts in metas] == ["tape", "venue", came, left]
    assert [facts["next_shard"] for facts in metas[2:]] == [1, 2]
    if index == 0:
        played = [replay(tmp_path / name, MonitorPlan()) for name in ("x.tsv", "y.tsv")]
        assert played[0].books == played[1].books


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
