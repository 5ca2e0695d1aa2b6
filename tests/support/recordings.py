"""The recorded frames of ../shared/data, and what the recordings themselves say of the touch."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from tidegauge.core.instrument import VenueName
from tidegauge.wire.tape import TapeKind, TapeLine, parse_line


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One recorded book: the file it is in, and what it must come to (see the data's README).

    `updates` are the book updates of the file for this instrument.
    """

    file: str
    venue: VenueName
    instrument: str
    updates: int


BINANCE = (
    Recording(
        file="binance_spot_BTCUSDT_2024-08-08",
        venue="binance",
        instrument="BTCUSDT",
        updates=6_495,
    ),
    Recording(
        file="binance_spot_ETHUSDT_2024-08-08",
        venue="binance",
        instrument="ETHUSDT",
        updates=6_470,
    ),
    Recording(
        file="binance_usdm_BTCUSDT_2024-08-08",
        venue="binance-futures",
        instrument="BTCUSDT",
        updates=6_551,
    ),
    Recording(
        file="binance_usdm_ETHUSDT_2024-08-08",
        venue="binance-futures",
        instrument="ETHUSDT",
        updates=6_586,
    ),
    Recording(
        file="binance_spot_NEXOUSDT_2024-07-23_14h",
        venue="binance",
        instrument="NEXOUSDT",
        updates=42_350,
    ),
)
BYBIT_FILE = "bybit_v5_linear+spot_BTC_ETH_2026-08-09"
HYPERLIQUID_FILE = "hyperliquid_BTC_l2Book_2025-01-26_first30"


def tape_lines(folder: Path, file: str, *, most: int | None = None) -> Iterator[TapeLine]:
    """Read a frame file, at most so many lines of it."""
    with gzip.open(folder / f"{file}.frames.tsv.gz", "rt", encoding="utf-8", newline="\n") as text:
        yield from map(parse_line, islice(text, most))


def book_tickers(lines: Iterator[TapeLine]) -> list[tuple[int, tuple[str, str, str, str]]]:
    """Return Binance's own word on the touch: (update id, (bid, size, ask, size)), in order."""
    found = []
    for line in lines:
        if line.kind is TapeKind.RECV and "@bookTicker" in line.text:
            data: Any = msgspec.json.decode(line.text)["data"]
            found.append((data["u"], (data["b"], data["B"], data["a"], data["A"])))
    return found
