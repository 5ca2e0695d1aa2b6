"""What every venue must do; a new venue is proved by being found and having a transcript."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.conversation import (
    Conversation,
    Transcript,
    TranscriptLine,
    play,
    transcript,
)
from tests.support.damage import damaged
from tests.support.examples import one_in

from tidegauge.core.errors import FeedError
from tidegauge.core.events import BookLost
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.core.trust import TrustReason
from tidegauge.venues import load
from tidegauge.wire.protocol import (
    BOOK_LINK,
    Drop,
    Purpose,
    Response,
    Send,
    VenueSpec,
    names_nothing,
)

START: Nanos = 1_760_000_000 * SECOND
VENUES = load()

every_venue = pytest.mark.parametrize("spec", VENUES.values(), ids=VENUES.keys())


def begin(spec: VenueSpec, script: Transcript) -> Conversation:
    conversation = Conversation(spec, script.instruments)
    conversation.open_all(START)
    return conversation


def is_json(line: TranscriptLine) -> bool:
    return line.text.startswith(("{", "["))


@every_venue
def test_it_subscribes_to_every_instrument_it_was_asked_for(spec: VenueSpec) -> None:
    """On opening, by the path or by a frame."""
    script = transcript(spec)
    conversation = begin(spec, script)
    asked = [*conversation.links.values()]
    asked += [output.text for output in conversation.said if isinstance(output, Send)]
    for instrument in script.instruments:
        assert any(instrument.name.lower() in text.lower() for text in asked)


@every_venue
def test_it_sends_what_the_transcript_says(spec: VenueSpec) -> None:
    """The subscriptions are spelt as the venue documents them."""
    script = transcript(spec)
    conversation = begin(spec, script)
    sent = [(o.link, json.loads(o.text)) for o in conversation.said if isinstance(o, Send)]
    for line in script.lines:
        if line.kind == "send":
            assert (line.link, json.loads(line.text)) in sent


@every_venue
def test_its_books_come_to_life(spec: VenueSpec) -> None:
    """The whole transcript, and nothing but it, makes every book LIVE with the right touch."""
    script = transcript(spec)
    conversation = begin(spec, script)
    play(conversation, script.lines, START)
    assert all(conversation.live(each.name) for each in script.instruments)
    assert conversation.touch(script.instruments[0].name) == script.touch
    assert conversation.count(BookLost) == conversation.count(FeedError) == 0


@every_venue
@pytest.mark.parametrize("told_of_the_end", [True, False])
def test_a_reopened_link_starts_anew(spec: VenueSpec, told_of_the_end: bool) -> None:
    """Nothing of the old epoch survives, and the new one comes to the same book."""
    script = transcript(spec)
    conversation = begin(spec, script)
    now = play(conversation, script.lines, START) + SECOND
    outputs = conversation.close(BOOK_LINK, now) if told_of_the_end else []
    outputs += conversation.open(BOOK_LINK, now + SECOND)
    lost = {output.instrument for output in outputs if isinstance(output, BookLost)}
    assert lost == {each.name for each in script.instruments}
    assert not any(conversation.live(each.name) for each in script.instruments)
    play(conversation, script.lines, now + 2 * SECOND)
    assert all(conversation.live(each.name) for each in script.instruments)
    assert conversation.touch(script.instruments[0].name) == script.touch


@every_venue
def test_one_book_can_be_started_afresh_alone(spec: VenueSpec) -> None:
    """A resync loses that book, asks for what brings it back, and leaves the others alone."""
    script = transcript(spec)
    conversation = begin(spec, script)
    now = play(conversation, script.lines, START)
    first, *others = [each.name for each in script.instruments]
    outputs = conversation.protocol.resync(first, TrustReason.CROSSED, now)
    lost = [output for output in outputs if isinstance(output, BookLost)]
    assert lost == [BookLost(instrument=first, reason=TrustReason.CROSSED)]
    assert all(conversation.live(name) for name in others)


@every_venue
def test_frames_about_other_instruments_are_passed_over(spec: VenueSpec) -> None:
    """A frame about what nobody asked for changes nothing and raises nothing."""
    script = transcript(spec)
    only = script.instruments[0]
    conversation = Conversation(spec, [only])
    conversation.open_all(START)
    play(conversation, script.lines, START)
    assert conversation.live(only.name)
    assert conversation.touch(only.name) == script.touch


@every_venue
def test_a_silent_link_is_noticed_and_not_hammered(spec: VenueSpec) -> None:
    """Ten minutes of nothing: something is tried, at most a few times a minute an instrument."""
    script = transcript(spec)
    conversation = begin(spec, script)
    conversation.said.clear()
    minutes = 10
    for second in range(60 * minutes):
        conversation.tick(START + second * SECOND)
    tried = [output for output in conversation.said if isinstance(output, Send | Drop)]
    assert tried
    assert len(tried) <= 12 * minutes * len(conversation.links) * len(script.instruments)


@every_venue
def test_its_catalogue_is_read(spec: VenueSpec) -> None:
    """Every instrument of the transcript is listed, with a tick and a step."""
    script = transcript(spec)
    listed = {each.name: each for each in spec.parse_catalogue(script.catalogue)}
    for instrument in script.instruments:
        found = listed[instrument.name]
        assert found.venue == spec.name
        assert found.tick > 0
        assert found.step > 0
    assert all(fetch.purpose is Purpose.CATALOGUE for fetch in spec.catalogue)
    assert spec.catalogue


@every_venue
def test_a_tape_of_it_names_its_instruments(spec: VenueSpec) -> None:
    """Where the venue can tell, the frames of a tape tell which books they are about."""
    if spec.named_in is names_nothing:
        pytest.skip("this venue's tapes need a catalogue")
    script = transcript(spec)
    named = {
        name for line in script.lines if line.kind == "recv" for name in spec.named_in(line.text)
    }
    assert named == {each.name for each in script.instruments}


@every_venue
@given(data=st.data())
def test_damaged_frames_raise_only_feed_errors(spec: VenueSpec, data: st.DataObject) -> None:
    """A frame that is refused changes nothing; one that is not can be recovered from."""
    script = transcript(spec)
    received = [i for i, line in enumerate(script.lines) if line.kind == "recv" and is_json(line)]
    at = data.draw(st.sampled_from(received))
    frame = data.draw(damaged(script.lines[at].text))
    conversation = begin(spec, script)
    refused = []

    def slip_in(index: int, now: Nanos) -> None:
        if index == at:
            try:
                conversation.receive(script.lines[at].link, frame, now)
            except FeedError as error:
                refused.append(error)

    now = play(conversation, script.lines, START, slip_in)
    spec.named_in(frame if isinstance(frame, str) else frame.decode(errors="replace"))
    if refused:
        assert all(conversation.live(each.name) for each in script.instruments)
        assert conversation.touch(script.instruments[0].name) == script.touch
    else:
        _recovers(conversation, script, now)


@every_venue
@given(data=st.data())
def test_damaged_answers_raise_only_feed_errors(spec: VenueSpec, data: st.DataObject) -> None:
    """A REST answer that makes no sense leaves the protocol able to use the next one."""
    script = transcript(spec)
    answers = [line for line in script.lines if line.kind == "http"]
    if not answers:
        return
    conversation = begin(spec, script)
    now = START
    for line in script.lines:
        now += SECOND
        if line.kind == "recv":
            conversation.receive(line.link, line.text, now)
        if conversation.fetches:
            break
    fetch = conversation.fetches.pop(0)
    body = data.draw(damaged(data.draw(st.sampled_from(answers)).text))
    response = Response(
        status=data.draw(st.sampled_from([200, 200, 0, 400, 403, 418, 429, 500])),
        body=body.encode() if isinstance(body, str) else body,
        retry_after=data.draw(st.sampled_from([None, 0.0, 5.0])),
    )
    conversation.protocol.fetched(fetch, response, now)
    if response.status == 200:
        _recovers(conversation, script, now)


@every_venue
@one_in(4)
@given(
    frame=st.one_of(
        st.text(),
        st.binary(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ).map(json.dumps),
    )
)
def test_random_frames_raise_only_feed_errors(spec: VenueSpec, frame: str | bytes) -> None:
    """Whatever comes over the wire, nothing but a feed error leaves the protocol."""
    script = transcript(spec)
    conversation = begin(spec, script)
    for link in conversation.links:
        try:
            conversation.receive(link, frame, START)
        except FeedError:
            continue
    play(conversation, script.lines, START)
    assert conversation.touch(script.instruments[0].name) == script.touch


@every_venue
@given(data=st.data())
def test_a_damaged_catalogue_raises_only_feed_errors(spec: VenueSpec, data: st.DataObject) -> None:
    """The catalogue is fetched at start: it must not be what stops the program."""
    body: Any = data.draw(damaged(transcript(spec).catalogue.decode()))
    try:
        spec.parse_catalogue(body.encode() if isinstance(body, str) else body)
    except FeedError:
        return


def _recovers(conversation: Conversation, script: Transcript, now: Nanos) -> None:
    """After a new connection the whole transcript leads to the right book again."""
    for link in conversation.links:
        conversation.close(link, now)
    now += 400 * SECOND
    conversation.fetches.clear()
    conversation.open_all(now)
    play(conversation, script.lines, now)
    assert conversation.touch(script.instruments[0].name) == script.touch
