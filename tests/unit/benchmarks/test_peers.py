"""Other projects' books: absent ones say so, and one that differs from ours ends the run."""

from dataclasses import replace
from typing import Any

import pytest
from benchmarks import contest
from benchmarks.equality import Unequal
from benchmarks.inputs import DEEP, load
from benchmarks.parts import QUICK, Missing
from benchmarks.peers import ours
from benchmarks.peers.contestant import Contestant, Peer, library


def absent(snapshot: bytes) -> Contestant:
    book: Contestant = library("no_such_package_of_anybody").Book(snapshot)
    return book


class Forgetful(ours.OurBook):
    """A book that loses the last bid of a message."""

    def write_prepared(self, prepared: Any) -> None:
        bids, asks = prepared
        super().write_prepared((bids[:-1], asks))


def test_a_peer_that_is_not_here_is_named_with_the_way_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The others are timed; without any, the part says so."""
    lone = replace(ours.PEER, name="theirs", make=absent)
    monkeypatch.setattr(contest, "PEERS", (lone,))
    with pytest.raises(Missing, match="make bench-peers"):
        contest.run(QUICK)


def test_a_peer_that_differs_is_shown_before_anything_is_timed() -> None:
    """By either way of taking frames."""
    peer: Peer = replace(ours.PEER, name="theirs", make=Forgetful)
    with pytest.raises(Unequal, match=r"theirs \(best\)"):
        contest._verified(peer, load(DEEP, 60))


def test_our_own_book_equals_itself_both_ways() -> None:
    """The comparison is not a tautology: it compares text read twice."""
    assert len(contest._verified(ours.PEER, load(DEEP, 30))) == 31
