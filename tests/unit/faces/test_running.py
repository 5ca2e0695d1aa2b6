"""What a command does about names, signals and readers before and around the monitor."""

import asyncio
import os
import signal

import pytest
import typer

from tidegauge.core.errors import OperatorError
from tidegauge.faces import running
from tidegauge.runtime.settings import load_settings


def test_symbols_are_spelt_our_way_and_named_once() -> None:
    """`btcusdt` and `BTCUSDT ` are one symbol."""
    assert running.symbol_names(["btcusdt", "BTCUSDT ", "ETH-USD"]) == ("BTCUSDT", "ETH-USD")


@pytest.mark.parametrize("name", ["", "  ", "BTC USDT", "-X", "БТК", "X" * 65, "A\nB"])
def test_what_is_no_symbol_is_refused(name: str) -> None:
    """Before anything is started."""
    with pytest.raises(OperatorError, match="is not a symbol"):
        running.symbol_names([name])


@pytest.mark.parametrize(
    ("variable", "text", "words"),
    [
        ("TIDEGAUGE_ENDPOINTS__BINANSE__REST_URL", "http://x", ("endpoints.binanse", "'binance'")),
        ("TIDEGAUGE_SYMBOLS__X__INSTRUMENTS__BYBIT_SPOTS", "X", ("bybit-spots", "'bybit-spot'")),
        ("TIDEGAUGE_VENUES", "binance,krakem", ("krakem",)),
    ],
)
def test_a_setting_about_a_venue_there_is_not_is_refused(
    variable: str, text: str, words: tuple[str, ...]
) -> None:
    """It would do nothing, unseen."""
    loaded = load_settings(environ={variable: text}, dotenv=None)
    with pytest.raises(OperatorError) as refusal:
        running.check_names(loaded)
    for word in words:
        assert word in str(refusal.value)


def test_the_built_in_settings_name_only_venues_there_are() -> None:
    """And so does the file that comes with the project."""
    running.check_names(load_settings(environ={}, dotenv=None))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_unwinds_what_was_begun(number: signal.Signals) -> None:
    """Whatever is open is closed, once; a second signal does not cut that short."""
    closed: list[str] = []

    async def main() -> None:
        try:
            os.kill(os.getpid(), number)
            await asyncio.sleep(30)
        finally:
            os.kill(os.getpid(), number)
            await asyncio.sleep(0.05)
            closed.append("wholly")

    before = signal.signal(number, signal.default_int_handler)  # under nohup it would be ignored
    try:
        with pytest.raises(typer.Abort):
            running.run_loop(main())
    finally:
        signal.signal(number, before)
    assert closed == ["wholly"]


def test_a_cancellation_nobody_signalled_is_not_called_a_stop() -> None:
    """It would hide a bug."""

    async def main() -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        running.run_loop(main())


def test_a_reader_that_leaves_is_reported_and_does_not_end_the_process() -> None:
    """Rich would exit at once, and what was accepted would not be stored."""
    reader, writer = os.pipe()
    os.close(reader)
    console = running.PipedConsole(file=os.fdopen(writer, "w", buffering=1))
    with pytest.raises(BrokenPipeError):
        console.print("to nobody")
    with pytest.raises(BrokenPipeError):
        console.file.close()
