"""Both ends of a tape: what is noted of a fleet, and a fleet played from it."""

from pathlib import Path

import pytest
from tests.support.own_tape import STEP, Run

from tidegauge.core.desk import Order, OrderKind
from tidegauge.core.errors import MalformedFrame
from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import SECOND
from tidegauge.risk.ruleset import RuleSet
from tidegauge.risk.settings import CrunchSettings
from tidegauge.runtime.monitor import MonitorPlan
from tidegauge.runtime.replay import ReplayOutcome, replay
from tidegauge.runtime.tape_fleet import tell
from tidegauge.venues import load
from tidegauge.wire.feed import Listing
from tidegauge.wire.fleet import Fleet
from tidegauge.wire.protocol import Fetch, Purpose, Response
from tidegauge.wire.tape import Meta, TapeKind, TapeLine, frame_line, meta_line, tick_line

OTHER = MonitorPlan(sample_every=7 * SECOND)


def played(run: Run, path: Path) -> ReplayOutcome:
    path.write_text(run.text(), encoding="utf-8")
    return replay(path, OTHER)


@pytest.mark.parametrize("venue", sorted(load()))
def test_what_a_run_found_is_found_again(venue: str, tmp_path: Path) -> None:
    """Of every venue: the plan is the tape's, the symbols are ours, and the hash is the run's."""
    run = Run(venue).live_through()
    outcome = played(run, tmp_path / "x.tsv")
    assert outcome.damage is None
    assert outcome.equal is True
    assert outcome.readings == run.monitor.readings
    assert {book.symbol[:4] for book in outcome.books} == {"our "}


def test_all_that_a_fleet_may_be_told_is_on_the_tape(tmp_path: Path) -> None:
    """Books that come and go, rolls, refusals, overflows, crashes, orders, other rules: each at its
    place."""
    run = Run("bybit-linear").live_through()
    told = run.told
    feed = told.fleet.feeds[0]
    name, keeper = next(iter(feed.keepers.items()))
    listing = Listing(symbol="again", instrument=keeper.instrument)
    run.act(lambda: told.remove(name, run.now, "nobody wants it", delisted=True))
    run.act(lambda: told.add(listing, run.now))
    run.act(lambda: told.roll("0", run.now, "because"))
    run.pace(SECOND)
    run.order(Order(id="1", kind=OrderKind.COMMENT, at=run.now, actor="ann", comment="?"))
    run.adopt(RuleSet(crunch=CrunchSettings(step_hold=SECOND)))
    run.say(FeedEvent(kind=FeedEventKind.QUARANTINED, venue="x", at=run.now, trace="x/0/0"))
    run.obey(told.overflowed(run.now, 3))
    run.act(lambda: told.refused("1", run.now, "HTTP 451"))
    run.act(lambda: told.closed("0", "book", run.now, "it ended"))
    run.obey(told.crashed("0", run.now, "a bug"))
    run.obey(told.stopped(run.now))
    kinds = {line.facts["meta"] for line in run.lines if line.kind is TapeKind.META}
    assert kinds >= set(Meta) - {Meta.GAP, Meta.END}
    outcome = played(run, tmp_path / "x.tsv")
    assert (outcome.damage, outcome.equal) == (None, True)


@pytest.mark.parametrize("venue", ["binance-futures", "bybit-linear", "hyperliquid"])
def test_readings_that_were_conflated_live_are_conflated_alike_in_a_replay(
    venue: str, tmp_path: Path
) -> None:
    """How far behind the loop was is no input of a replay; the pace that came of it is."""
    run = Run(venue).live_through(paced=600 * STEP)
    run.pace(0)
    run.sample()
    assert run.monitor.readings < Run(venue).live_through().monitor.readings
    outcome = played(run, tmp_path / "x.tsv")
    assert (outcome.damage, outcome.equal, outcome.readings) == (None, True, run.monitor.readings)


def test_an_answer_keeps_its_status_and_its_wait(tmp_path: Path) -> None:
    """A refusal is played as a refusal: the replay waits as long as the run did."""
    run = Run("binance")
    run.live_through()
    fetch = Fetch(purpose=Purpose.SNAPSHOT, path="/api/v3/depth", instrument="BTCUSDT")
    run.give("0", fetch, Response(status=429, body=b"\xff", retry_after=7.0))
    assert played(run, tmp_path / "x.tsv").equal is True


def test_the_query_of_an_address_is_noted_once() -> None:
    """It may name a hundred streams, and every frame has an address."""
    run = Run("binance").live_through()
    opened = [line.conn for line in run.lines if line.kind is TapeKind.OPEN]
    heard = {line.conn for line in run.lines if line.kind is TapeKind.RECV}
    assert all("?" in conn for conn in opened)
    assert heard == {"ws://127.0.0.1:1/book#binance/0.book"}


@pytest.mark.parametrize(
    "line",
    [
        frame_line(1, TapeKind.RECV, "wss://venue/ws", "{}"),
        frame_line(1, TapeKind.HTTP, "https://venue/x#binance/0", "{}"),
        meta_line(1, Meta.VENUE, "binance"),
        meta_line(1, Meta.VENUE, "binance", listings=[{"symbol": 1}]),
        meta_line(1, Meta.REMOVED, "binance"),
        TapeLine(at=1, kind=TapeKind.META, conn="binance", text="{}"),
    ],
)
def test_a_line_that_tells_too_little_is_malformed(line: TapeLine) -> None:
    """A tape that somebody edited is refused, not guessed at."""
    with pytest.raises(MalformedFrame):
        tell(Fleet(load()["binance"]), line)


def test_a_frame_that_was_sent_is_told_to_nobody() -> None:
    """It is on the tape for people."""
    fleet = Fleet(load()["binance"])
    assert tell(fleet, frame_line(1, TapeKind.SEND, "wss://v/ws#binance/0.book", "{}")) == []
    assert tell(fleet, tick_line(1, "binance")) == []
