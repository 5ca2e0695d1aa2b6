"""The instruments on a tape, by what its frames show."""

import json
from decimal import Decimal

import pytest

from tidegauge.core.instrument import InstrumentKind
from tidegauge.runtime.recorded_instruments import ENOUGH, recorded_instruments
from tidegauge.venues import load
from tidegauge.wire.tape import TapeKind, TapeLine

BINANCE = "wss://stream.binance.com:9443/stream"


def line(price: str, size: str, name: str = "BTCUSDT", conn: str = BINANCE) -> TapeLine:
    data = {
        "e": "depthUpdate",
        "E": 1,
        "s": name,
        "U": 1,
        "u": 1,
        "b": [[price, size]],
        "a": [],
    }
    frame = {"stream": f"{name.lower()}@depth@100ms", "data": data}
    text = json.dumps(frame, separators=(",", ":"))
    return TapeLine(at=1, kind=TapeKind.RECV, conn=conn, text=text)


def test_decimals_are_the_most_that_any_frame_shows() -> None:
    """Zeros at the end are the venue's habit, not its tick."""
    lines = [line("60000.10000000", "1.50000000"), line("60000.01000000", "0.00100000")]
    ((spec, (instrument,)),) = recorded_instruments(load().values(), lines)
    assert (spec.name, instrument.name, instrument.venue) == ("binance", "BTCUSDT", "binance")
    assert (instrument.tick, instrument.step) == (Decimal("0.01"), Decimal("0.001"))


def test_instruments_come_in_the_order_of_their_names() -> None:
    """Whatever came first on the tape: two replays are to be alike."""
    lines = [line("1", "1", "ETHUSDT"), line("1", "1", "BTCUSDT")]
    ((_, instruments),) = recorded_instruments(load().values(), lines)
    assert [each.name for each in instruments] == ["BTCUSDT", "ETHUSDT"]


def test_only_the_first_frames_are_looked_at() -> None:
    """A book refines its scale past them; a tape of a day is not read twice as slowly."""
    lines = [line("1.5", "1")] * ENOUGH + [line("1.12345", "1")]
    ((_, (instrument,)),) = recorded_instruments(load().values(), lines)
    assert instrument.tick == Decimal("0.1")


def test_a_tape_of_nobody_we_know_holds_nothing() -> None:
    """Its frames are passed over."""
    assert not list(recorded_instruments(load().values(), [line("1", "1", conn="wss://x.test/")]))


@pytest.mark.parametrize(
    ("venue", "name", "kind"),
    [
        ("deribit", "BTC-PERPETUAL", InstrumentKind.PERP),
        ("deribit", "BTC_USDC", InstrumentKind.SPOT),
        ("deribit", "BTC-25DEC26", InstrumentKind.FUTURE),
        ("deribit", "BTC-25DEC26-60000-C", InstrumentKind.OPTION),
        ("okx", "BTC-USDT", InstrumentKind.SPOT),
        ("okx", "BTC-USDT-SWAP", InstrumentKind.PERP),
        ("okx", "BTC-USD-220527", InstrumentKind.FUTURE),
        ("binance-futures", "BTCUSDT", None),
    ],
)
def test_a_name_tells_the_kind_where_the_venue_writes_it_so(
    venue: str, name: str, kind: InstrumentKind | None
) -> None:
    """Of an option only the book is kept: a tape without a catalogue must not make it a perp."""
    assert load()[venue].kind_of(name) is kind
