"""Coinbase Advanced Trade: recorded frames reach their end."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.conversation import Conversation, instrument
from tests.support.recordings import tape_lines

from tidegauge.core.events import BookLost, Trade
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.venues import load
from tidegauge.wire.protocol import BOOK_LINK, Drop, Note
from tidegauge.wire.tape import TapeKind

SPEC = load()["coinbase"]
RECORDING = "coinbase_advanced_BTC_ETH_2026-08-09_first500"


def _play(conversation: Conversation, lines: Iterator[tuple[Nanos, str]]) -> None:
    ticked = 0
    for at, text in lines:
        if not ticked:
            ticked = at
            conversation.open_all(at)
        while at - ticked >= SECOND:
            ticked += SECOND
            conversation.tick(ticked)
        conversation.receive(BOOK_LINK, text, at)


@pytest.mark.recorded
def test_the_recorded_books_reach_the_last_frame(recorded: Path) -> None:
    """500 frames in sequence with a 5 MB snapshot among them, and never a crossed book."""
    updates = dict.fromkeys(("BTC-USD", "ETH-USD"), 0)
    levels = dict.fromkeys(updates, 0)
    crossed = 0

    def count(keeper: Any) -> None:
        nonlocal crossed
        updates[keeper.instrument.name] += 1
        levels[keeper.instrument.name] = keeper.changes
        crossed += keeper.book.crossed

    conversation = Conversation(SPEC, [instrument(SPEC, name) for name in updates], count)
    lines = [line for line in tape_lines(recorded, RECORDING) if line.kind is TapeKind.RECV]
    assert max(len(line.text) for line in lines) == 5_079_380 - 1
    _play(conversation, ((line.at, line.text) for line in lines))
    assert len(lines) == 500
    assert all(conversation.live(name) for name in updates)
    assert conversation.count(BookLost) == conversation.count(Drop) == crossed == 0
    assert updates == {"BTC-USD": 186, "ETH-USD": 174}
    assert levels == {"BTC-USD": 46_890, "ETH-USD": 24_535}
    assert conversation.count(Trade) == 50
    assert not any(
        isinstance(each, Note) and each.kind == "trades_missed" for each in conversation.said
    )
    named = {name for line in lines for name in SPEC.named_in(line.text)}
    assert named == set(updates)


@pytest.mark.recorded
def test_the_captured_frames_reach_their_end(recorded: Path) -> None:
    """The acknowledgement among the updates is counted with them."""
    conversation = Conversation(SPEC, [instrument(SPEC, "BTC-USD")])
    file = recorded / "mini_2026-08-24_tickvault" / "coinbase_l2.jsonl"
    frames = file.read_text(encoding="utf-8").splitlines()
    _play(conversation, ((SECOND + index, text) for index, text in enumerate(frames)))
    keeper = conversation.keepers["BTC-USD"]
    assert conversation.live("BTC-USD")
    assert conversation.count(BookLost) == 0
    assert (keeper.sequence, keeper.updates) == (11, 11)
    assert conversation.touch("BTC-USD") == ("78856.05", "78856.06")
