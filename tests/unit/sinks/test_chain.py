"""Lines that carry the hash of the one before."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.incidents import a_story

from tidegauge.core.incident import Transition
from tidegauge.sinks.chain import (
    NO_HASH,
    BadLine,
    Chain,
    chain_of,
    first_line,
    glance,
    line_of,
    link_of,
    transition_of,
)

CHAIN = Chain(id="0" * 8, host="h#1", path="/x", began_at=7)
LINES = [line_of(n, NO_HASH, each) for n, each in enumerate(a_story(), 1)]


@pytest.mark.parametrize("transition", [each for each in a_story() if each.event.actor != "tom"])
def test_a_transition_comes_back_as_it_went_in(transition: Transition) -> None:
    """With its exact decimals, its severities as words, and its place."""
    line = line_of(3, "ab", transition)
    link = link_of(line)
    assert (link.sequence, link.previous_hash) == (3, "ab")
    assert transition_of(line) == transition
    assert json.loads(line)["incident"]["severity"] in ("high", "critical")
    told = glance(line)
    assert told is not None
    assert (told.id, told.symbol, told.version) == (
        *("INC-19b8-aa", "BTCUSDT"),
        transition.incident.version,
    )


def test_anybody_can_make_the_hash_again() -> None:
    """As the README says: SHA-256 of the line without its last member, sorted, without spaces."""
    line = LINES[2]
    said = json.loads(line)
    told = said.pop("hash")
    body = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert hashlib.sha256(body).hexdigest() == told
    assert line == body[:-1] + f',"hash":"{told}"}}'.encode()


def test_half_a_character_is_written_as_another() -> None:
    """A comment may hold anything; a line is text."""
    comment = transition_of(LINES[3]).event.comment
    assert "\x1b[31m[bold red]x[/]" in comment
    assert "\ud800" not in comment
    assert b"\n" not in LINES[3]
    assert link_of(LINES[3]).sequence == 4


@given(st.sampled_from(LINES), st.data())
def test_whatever_is_changed_in_a_line_shows(line: bytes, data: st.DataObject) -> None:
    """Any byte, taken out, put in or put in the place of another."""
    at = data.draw(st.integers(0, len(line) - 1))
    byte = data.draw(st.binary(min_size=1, max_size=1))
    for changed in (line[:at] + line[at + 1 :], line[:at] + byte + line[at:], line[:at]):
        with pytest.raises(BadLine):
            link_of(changed)
        assert glance(changed) is None
    if line[at : at + 1] != byte:
        with pytest.raises(BadLine):
            link_of(line[:at] + byte + line[at + 1 :])


@given(st.binary(max_size=200))
def test_what_is_no_line_is_refused(garbage: bytes) -> None:
    """By one error, whatever is asked of it."""
    for ask in (link_of, chain_of, transition_of):
        with pytest.raises(BadLine):
            ask(garbage)


def test_the_first_line_says_whose_trail_it_is() -> None:
    """It is number 0, follows nothing, and tells of no incident."""
    line = first_line(CHAIN)
    assert (link_of(line).sequence, link_of(line).previous_hash) == (0, NO_HASH)
    assert chain_of(line) == CHAIN
    assert glance(line) is None
    with pytest.raises(BadLine):
        transition_of(line)
    with pytest.raises(BadLine):
        chain_of(LINES[0])
