"""What every venue must do with its own local venue: books, what is told beside them, audits."""

from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from functools import cache

import pytest
from tests.support.conversation import Conversation, transcript
from tests.support.rehearsal import Rehearsal

from tidegauge.core.book import OrderBook
from tidegauge.core.errors import FeedError
from tidegauge.core.events import BookLost, Liquidation, MarketEvent, Marks, Trade
from tidegauge.core.exact import parse
from tidegauge.core.instrument import HOUR, SECOND, InstrumentKind
from tidegauge.core.reading import Taker
from tidegauge.core.side import Side
from tidegauge.simulator.venues import DIALECTS
from tidegauge.venues import load
from tidegauge.wire.protocol import Beside, Purpose, VenueSpec

VENUES = load()
SYMBOLS = ("BTCUSDT", "ETHUSDT")
MORE_SYMBOLS = {"okx": ("BTC-USDT-SWAP",)}
"""Where one venue has instruments of more than one kind."""

SERVED_SECONDS = 70.0

every_venue = pytest.mark.parametrize("spec", VENUES.values(), ids=VENUES.keys())

TELLS: dict[Beside, Callable[[MarketEvent], bool]] = {
    Beside.TRADES: lambda event: isinstance(event, Trade),
    Beside.MARK: lambda event: isinstance(event, Marks) and event.mark is not None,
    Beside.FUNDING: lambda event: isinstance(event, Marks) and event.funding_rate is not None,
    Beside.OPEN_INTEREST: lambda event: (
        isinstance(event, Marks) and event.open_interest is not None
    ),
}
"""What an event must be to have told it. Liquidations are too rare to wait for."""


@cache
def served(name: str) -> Rehearsal:
    """A venue that was served for a while; looked at by several tests, changed by none."""
    if name not in DIALECTS:
        pytest.skip("it has no local venue")
    rehearsal = Rehearsal(VENUES[name], (*SYMBOLS, *MORE_SYMBOLS.get(name, ())))
    rehearsal.run(SERVED_SECONDS)
    return rehearsal


def told_beside(conversation: Conversation) -> list[MarketEvent]:
    return [each for each in conversation.said if isinstance(each, Trade | Marks | Liquidation)]


def test_every_venue_has_a_local_venue() -> None:
    """So that the demo, the drills and the tests can run any; a new venue gets its own last."""
    assert set(VENUES) <= set(DIALECTS)


@every_venue
def test_its_books_come_to_life_and_stay(spec: VenueSpec) -> None:
    """More than a minute without a loss, an error, or a crossed book."""
    rehearsal = served(spec.name)
    for name, keeper in rehearsal.conversation.keepers.items():
        assert rehearsal.conversation.live(name)
        assert not keeper.book.crossed
    assert rehearsal.conversation.count(BookLost) == 0
    assert rehearsal.conversation.count(FeedError) == 0


@every_venue
def test_it_tells_all_that_it_says_it_tells(spec: VenueSpec) -> None:
    """Each kind, of each instrument that can have it; and nothing else that is on the list."""
    rehearsal = served(spec.name)
    told = told_beside(rehearsal.conversation)
    for kind, tells in TELLS.items():
        of = {event.instrument for event in told if tells(event)}
        expected = {
            name
            for name, keeper in rehearsal.conversation.keepers.items()
            if kind in spec.beside
            and (kind is Beside.TRADES or keeper.instrument.kind is not InstrumentKind.SPOT)
        }
        assert of == expected, kind
    if Beside.LIQUIDATIONS not in spec.beside:
        assert not any(isinstance(event, Liquidation) for event in told)
        assert not any(isinstance(event, Trade) and event.liquidation for event in told)


@every_venue
def test_what_it_tells_can_be_read(spec: VenueSpec) -> None:
    """Of the market and of the transcript: known instruments, positive numbers, one id a trade."""
    script = transcript(spec)
    played = Conversation(spec, script.instruments)
    played.open_all(0)
    for line in script.lines:
        if line.kind == "recv":
            played.receive(line.link, line.text, 0)
    for conversation in (served(spec.name).conversation, played):
        ids = Counter[tuple[str, str]]()
        for event in told_beside(conversation):
            assert event.instrument in conversation.keepers
            readable(event)
            if isinstance(event, Trade):
                ids[event.instrument, event.id] += 1
        assert set(ids.values()) <= {1}


def readable(event: MarketEvent) -> None:
    """Assert that the numbers of an event are numbers, and of the sign they must have."""
    if isinstance(event, Trade | Liquidation):
        assert parse(event.price) > 0
        assert parse(event.size) > 0
    else:
        for text in (event.mark, event.index, event.open_interest):
            assert text is None or parse(text) > 0
        if event.funding_rate is not None:
            assert abs(parse(event.funding_rate.lstrip("-"))) < 1
            assert event.funding_interval is not None
    if isinstance(event, Trade):
        assert event.taker in Taker
        assert event.id


@every_venue
def test_its_audit_is_the_book(spec: VenueSpec) -> None:
    """What REST answers is the market's own book, level by level."""
    if spec.audit is None:
        pytest.skip("this venue has no book by REST")
    rehearsal = served(spec.name)
    for name, keeper in rehearsal.conversation.keepers.items():
        fetch = spec.audit.request(keeper.instrument)
        assert fetch.purpose is Purpose.AUDIT
        assert fetch.instrument == name
        answer = rehearsal.ask(fetch)
        snapshot = spec.audit.read(keeper.instrument, answer.body)
        assert snapshot.instrument == name
        units = keeper.instrument
        # The market of an inverse contract is counted in contracts.
        value = Decimal(1) if units.inverse else units.contract_value
        book = OrderBook(contract_value=value)
        book.apply_snapshot(snapshot.bids, snapshot.asks)
        market = rehearsal.exchange.books[name]
        listing = market.listing
        for side in Side:
            ours = [*book.walk(side)]
            ladder = market.ladder(side, len(ours))
            assert ours == [(tick * listing.tick, lots * listing.step) for tick, lots in ladder]
            assert len(ours) >= 10


@every_venue
def test_its_limits_make_sense(spec: VenueSpec) -> None:
    """Positive, and such that its own requests and a reconnect fit into them."""
    limits = spec.limits
    for rate in (limits.connects, limits.messages, limits.weight):
        assert rate is None or (rate.count > 0 and 0 < rate.per <= HOUR)
    assert limits.connects.count >= 2 * len(spec.links([]))
    assert limits.books_a_link >= 1
    assert limits.lifetime is None or limits.lifetime >= 60 * SECOND
    if limits.weight is not None:
        dearest = [*spec.catalogue]
        if spec.audit is not None:
            dearest.append(spec.audit.request(transcript(spec).instruments[0]))
        assert all(0 < fetch.weight <= limits.weight.count for fetch in dearest)
    assert limits.weight is not None or limits.weight_used is None


@every_venue
def test_it_says_what_people_want_to_know(spec: VenueSpec) -> None:
    """`tidegauge venues` shows it."""
    assert spec.checks
    assert spec.depth
    assert spec.docs.startswith("https://")
    assert spec.quirks
