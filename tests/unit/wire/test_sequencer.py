"""Whether an update follows: the venues' own rules, case by case."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.errors import SequenceGap
from tidegauge.wire.sequencer import (
    PATIENCE,
    ChainSequencer,
    LatestSequencer,
    PreviousIdSequencer,
    RangeSequencer,
    StepSequencer,
    Verdict,
)


def bridged(last: int) -> RangeSequencer:
    sequencer = RangeSequencer(last - 1)
    assert sequencer.judge(last, last) is Verdict.APPLY
    return sequencer


def chained(last: int) -> PreviousIdSequencer:
    sequencer = PreviousIdSequencer(last - 5)
    assert sequencer.judge(last - 5, last) is Verdict.APPLY
    return sequencer


class TestRange:
    """Binance spot: an update covers the ids U to u."""

    def test_a_snapshot_older_than_the_stream_is_fetched_again(self) -> None:
        """L=100 and the first update begins at 105: what lies between is missing."""
        sequencer = RangeSequencer(100)
        assert sequencer.judge(105, 110) is Verdict.REFETCH
        assert sequencer.last == 100

    def test_an_update_within_the_snapshot_is_old_news(self) -> None:
        """last=100, U=95, u=100."""
        assert RangeSequencer(100).judge(95, 100) is Verdict.IGNORE

    def test_an_update_that_straddles_the_snapshot_is_applied(self) -> None:
        """last=100, U=98, u=103 leads to 103."""
        sequencer = RangeSequencer(100)
        assert sequencer.judge(98, 103) is Verdict.APPLY
        assert sequencer.last == 103

    def test_the_first_update_may_begin_right_after_the_snapshot(self) -> None:
        """U = L + 1: the documented test, L inside [U, u], would reject it, yet all is there."""
        assert RangeSequencer(100).judge(101, 101) is Verdict.APPLY

    def test_the_next_update_begins_where_the_last_ended(self) -> None:
        """last=103, U=104, u=104."""
        assert bridged(103).judge(104, 104) is Verdict.APPLY

    def test_a_missing_id_is_a_gap_and_changes_nothing(self) -> None:
        """last=103, U=105, u=107."""
        sequencer = bridged(103)
        with pytest.raises(SequenceGap) as raised:
            sequencer.judge(105, 107)
        assert (raised.value.expected, raised.value.received) == (104, 105)
        assert sequencer.judge(104, 104) is Verdict.APPLY

    @given(st.lists(st.integers(1, 5), max_size=30), st.data())
    def test_dropping_any_update_is_noticed(self, lengths: list[int], data: st.DataObject) -> None:
        """Whatever the lengths of the updates, none can go missing unnoticed."""
        updates, first = [], 1
        for length in lengths:
            updates.append((first, first + length - 1))
            first += length
        if len(updates) < 3:
            return
        del updates[data.draw(st.integers(1, len(updates) - 2))]
        sequencer = RangeSequencer(0)
        with pytest.raises(SequenceGap):
            _ = [sequencer.judge(*update) for update in updates]


class TestPreviousId:
    """Binance USD-M: an update names the one before it."""

    def test_an_update_that_follows_the_snapshot_is_first(self) -> None:
        """L=100, pu=100, U=105, u=110: the documented test, U <= L <= u, would reject it."""
        sequencer = PreviousIdSequencer(100)
        assert sequencer.judge(100, 110) is Verdict.APPLY
        assert sequencer.last == 110

    def test_an_update_that_holds_the_snapshots_id_is_first(self) -> None:
        """U <= L <= u."""
        assert PreviousIdSequencer(100).judge(95, 100) is Verdict.APPLY

    def test_a_snapshot_older_than_the_stream_is_fetched_again(self) -> None:
        """L=100, pu=101, U=105, u=110."""
        assert PreviousIdSequencer(100).judge(101, 110) is Verdict.REFETCH

    def test_an_update_before_the_snapshot_is_old_news(self) -> None:
        """u < L."""
        assert PreviousIdSequencer(100).judge(90, 99) is Verdict.IGNORE

    def test_the_chain_goes_on_across_holes_in_the_ids(self) -> None:
        """last=110, pu=110, U=118, u=120."""
        assert chained(110).judge(110, 120) is Verdict.APPLY

    def test_a_broken_chain_is_a_gap(self) -> None:
        """last=110, pu=111, U=112, u=120."""
        sequencer = chained(110)
        with pytest.raises(SequenceGap):
            sequencer.judge(111, 120)
        assert sequencer.judge(110, 120) is Verdict.APPLY

    def test_an_update_that_comes_twice_is_old_news(self) -> None:
        """A second socket of a rollover repeats what the first one said."""
        sequencer = chained(110)
        assert sequencer.judge(105, 110) is Verdict.IGNORE
        assert sequencer.judge(110, 120) is Verdict.APPLY


class TestStep:
    """Bybit: updates are numbered one by one."""

    def test_the_next_number_is_applied(self) -> None:
        """last=7, u=8."""
        assert StepSequencer(7).judge(8) is Verdict.APPLY

    def test_a_number_that_was_seen_is_old_news(self) -> None:
        """last=7, u=7."""
        assert StepSequencer(7).judge(7) is Verdict.IGNORE

    def test_a_skipped_number_is_a_gap(self) -> None:
        """last=7, u=10."""
        with pytest.raises(SequenceGap):
            StepSequencer(7).judge(10)

    def test_number_one_tells_of_a_restart(self) -> None:
        """Only a snapshot will do; as a snapshot it needs no judging at all."""
        assert StepSequencer(7).judge(1) is Verdict.REFETCH


class TestChain:
    """OKX and Deribit: an update names the one before it, and ids may jump or go back."""

    def test_the_documented_reset_is_followed(self) -> None:
        """OKX's own example: (10, 15), a keepalive, a reset to 3, and on from there."""
        sequencer = ChainSequencer(10)
        for previous, last in ((10, 15), (15, 15), (15, 15), (15, 3), (3, 5)):
            assert sequencer.judge(previous, last) is Verdict.APPLY
        assert sequencer.last == 5

    @pytest.mark.parametrize("previous", [14, 16, 501, 0])
    def test_an_update_that_names_another_one_is_a_gap_and_changes_nothing(
        self, previous: int
    ) -> None:
        """last=15, (14, 16): older or newer, what lies between is not known."""
        sequencer = ChainSequencer(15)
        with pytest.raises(SequenceGap) as raised:
            sequencer.judge(previous, 16)
        assert (raised.value.expected, raised.value.received) == (15, previous)
        assert sequencer.judge(15, 9000) is Verdict.APPLY

    def test_what_was_told_before_is_no_gap(self) -> None:
        """It has been applied; what only has an old id might follow a reset that was missed."""
        sequencer = ChainSequencer(10)
        for previous, last in ((10, 15), (15, 20)):
            sequencer.judge(previous, last)
        assert sequencer.judge(10, 15) is Verdict.IGNORE
        assert sequencer.judge(15, 20) is Verdict.IGNORE
        with pytest.raises(SequenceGap):
            sequencer.judge(10, 14)

    def test_only_so_many_updates_are_remembered(self) -> None:
        """A connection lives for days."""
        sequencer = ChainSequencer(0)
        for last in range(1, 1_001):
            sequencer.judge(last - 1, last)
        assert sequencer.judge(999, 1000) is Verdict.IGNORE
        with pytest.raises(SequenceGap):
            sequencer.judge(0, 1)

    @given(
        ids=st.lists(st.integers(0, 40), min_size=3, max_size=20),
        drop=st.integers(1, 19),
    )
    def test_a_lost_update_is_noticed_at_once_or_changed_no_id(
        self, ids: list[int], drop: int
    ) -> None:
        """Whatever the ids, a chain with a link missing does not hold."""
        links = list(pairwise(ids))
        drop %= len(links)
        sequencer = ChainSequencer(ids[0])
        for previous, last in links[:drop]:
            assert sequencer.judge(previous, last) is Verdict.APPLY
        lost_id, following = links[drop], links[drop + 1 : drop + 2]
        if following and lost_id[0] != lost_id[1] and following[0] not in sequencer._told:
            with pytest.raises(SequenceGap):
                sequencer.judge(*following[0])


class TestLatest:
    """Hyperliquid: every message is whole, and only its time counts."""

    @pytest.mark.parametrize(
        ("time", "verdict"),
        [(999, Verdict.IGNORE), (1000, Verdict.APPLY), (1540, Verdict.APPLY)],
    )
    def test_only_an_older_message_is_ignored(self, time: int, verdict: Verdict) -> None:
        """time=1000, then 999, 1000 or 1540."""
        sequencer = LatestSequencer()
        sequencer.judge(1000)
        assert sequencer.judge(time) is verdict

    def test_a_clock_that_was_set_back_is_believed_in_the_end(self) -> None:
        """One absurd time must not silence a book for ever."""
        sequencer = LatestSequencer()
        sequencer.judge(9_000_000)
        verdicts = [sequencer.judge(1000 + i) for i in range(4)]
        assert verdicts == [*[Verdict.IGNORE] * 3, Verdict.APPLY]


@pytest.mark.parametrize("sequencer", [bridged(1000), chained(1000)])
def test_a_last_id_that_is_ahead_of_its_stream_is_disbelieved_in_the_end(
    sequencer: RangeSequencer | PreviousIdSequencer,
) -> None:
    """One absurd id must not turn all later updates into old news."""
    for update in range(PATIENCE):
        assert sequencer.judge(update, update) is Verdict.IGNORE
    with pytest.raises(SequenceGap):
        sequencer.judge(PATIENCE, PATIENCE)
