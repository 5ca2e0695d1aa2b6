"""From a venue's catalogue to the instruments to watch."""

from dataclasses import replace

import pytest
from tests.support.plain_venue import SPEC, instrument

from tidegauge.core.errors import FeedError, OperatorError, VenueRefused
from tidegauge.core.instrument import Instrument, InstrumentStatus
from tidegauge.runtime.catalogue import (
    CatalogueUnavailable,
    Selection,
    fetch_catalogue,
    refuse_unknown,
    select,
)
from tidegauge.runtime.outside import RestHost
from tidegauge.runtime.settings import SymbolSettings
from tidegauge.wire.protocol import Fetch, Response

AAA, BBB = instrument("AAA"), instrument("BBB")
READS = replace(SPEC, parse_catalogue=lambda body: [instrument(body.decode())])


class Answering(RestHost):
    """Answers every request in the same way."""

    def __init__(self, status: int, body: bytes = b"AAA") -> None:
        super().__init__("http://plain.test")
        self.answer = Response(status=status, body=body)

    async def fetch(self, fetch: Fetch) -> Response:
        return self.answer


def mapped(**names: str | None) -> SymbolSettings:
    return SymbolSettings(instruments=names)


def chosen(selection: Selection) -> list[tuple[str, str]]:
    return [(listing.symbol, listing.instrument.name) for listing in selection.listings]


def test_a_symbol_is_looked_up_by_its_mapping_or_its_usual_name() -> None:
    """The settings have the first word; none means: not on that venue."""
    symbols = {"ONE": mapped(plain="AAA"), "BBB": mapped(), "TWO": mapped(plain=None)}
    selection = select(SPEC, [AAA, BBB], symbols)
    assert chosen(selection) == [("ONE", "AAA"), ("BBB", "BBB")]
    assert selection.missing == ()


def test_a_symbol_that_is_not_listed_is_missing_with_the_nearest_name() -> None:
    """A slip of the finger is recognised, where somebody reads it."""
    for hints in (True, False):
        selection = select(SPEC, [instrument("BTCUSDT")], {"BTCUSDR": mapped()}, hints=hints)
        ((symbol, why),) = selection.missing
        assert symbol == "BTCUSDR"
        assert why.endswith("; did you mean BTCUSDT?" if hints else "plain lists no BTCUSDR")


@pytest.mark.parametrize(
    ("status", "watched"),
    [
        (InstrumentStatus.TRADING, True),
        (InstrumentStatus.HALTED, True),
        (InstrumentStatus.DELISTED, False),
    ],
)
def test_only_a_delisted_instrument_is_not_watched(status: InstrumentStatus, watched: bool) -> None:
    """One that is halted may trade again while we watch."""
    listed: Instrument = replace(AAA, status=status)
    selection = select(SPEC, [listed], {"AAA": mapped()})
    assert bool(selection.listings) is watched
    assert bool(selection.missing) is not watched


def test_a_symbol_that_one_venue_lists_is_not_refused() -> None:
    """The others simply do not have it."""
    have = select(SPEC, [AAA], {"AAA": mapped()})
    have_not = select(SPEC, [BBB], {"AAA": mapped()})
    refuse_unknown(["AAA"], [have_not, have])
    with pytest.raises(OperatorError, match="No venue lists the symbol AAA: plain lists no AAA"):
        refuse_unknown(["AAA"], [have_not, have_not])


def test_a_symbol_that_is_mapped_nowhere_says_so() -> None:
    """There is no venue to name."""
    with pytest.raises(OperatorError, match="none is mapped"):
        refuse_unknown(["AAA"], [])


async def test_a_catalogue_is_the_sum_of_its_requests() -> None:
    """Each answer is read on its own."""
    twice = replace(READS, catalogue=READS.catalogue * 2)
    assert await fetch_catalogue(twice, Answering(200)) == [AAA, AAA]


@pytest.mark.parametrize(
    ("status", "error", "why"),
    [
        (451, VenueRefused, "HTTP 451"),
        (403, VenueRefused, "HTTP 403"),
        (500, CatalogueUnavailable, "HTTP 500"),
        (0, CatalogueUnavailable, "no route"),
    ],
)
async def test_an_answer_that_is_none_says_what_it_calls_for(
    status: int, error: type[FeedError], why: str
) -> None:
    """Refused for good, or not to be had now."""
    with pytest.raises(error, match=why):
        await fetch_catalogue(READS, Answering(status, b"no route"))


def test_two_symbols_cannot_share_an_instrument() -> None:
    """The second is missing, with the reason, rather than silently not watched."""
    selection = select(SPEC, [AAA], {"ONE": mapped(plain="AAA"), "TWO": mapped(plain="AAA")})
    assert chosen(selection) == [("ONE", "AAA")]
    ((symbol, why),) = selection.missing
    assert symbol == "TWO"
    assert "ONE" in why
