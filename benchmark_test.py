"""How fast is Tidegauge beside a textbook monitor? `python benchmark_test.py [--quick] [--json FILE]`

Both read the same frames, from JSON text to a database row, in one process: sequence check, exact
book, full-depth readings of both sides, statistics, row. They take turns, pass after pass, and their
results are compared message by message before anything is timed. Not timed: sockets, REST, and the
database itself. Ratios of one run mean something; absolute figures of two machines do not.
"""

import argparse
import gc
import gzip
import json
import platform
import statistics
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from sortedcontainers import SortedDict

from tidegauge import venues
from tidegauge.core.instrument import MILLISECOND, SECOND, Instrument
from tidegauge.core.reading import Reading, Taker
from tidegauge.runtime.monitor import Monitor, MonitorPlan, Record
from tidegauge.simulator.dialect import Request, Say
from tidegauge.simulator.exchange import Stage
from tidegauge.simulator.scenario import CALM
from tidegauge.simulator.venues import simulate
from tidegauge.sinks.encode import ReadingEncoder
from tidegauge.wire.feed import Listing, VenueFeed
from tidegauge.wire.protocol import BOOK_LINK, Fetch, Response

RECORDED = (
    Path(__file__).parent.parent / "shared/data/binance_usdm_BTCUSDT_2024-08-08.frames.tsv.gz"
)
START = 1_790_000_000 * SECOND
BANDS = (10, 50, 100)
SIZES = (Decimal(100_000), Decimal(500_000), Decimal(1_000_000))


@dataclass(frozen=True)
class Input:
    """Frames of one Binance USD-M book, and the snapshot they follow."""

    name: str
    snapshot: str
    frames: list[str]
    instrument: Instrument


# -- the textbook: written before any tuning, and frozen -----------------------------------------


class Textbook:
    """Plain Decimal SortedDicts, one walk a metric, mean and deviation over a deque of 300."""

    def __init__(self, snapshot: str) -> None:
        said = json.loads(snapshot)
        self.last = said["lastUpdateId"]
        self.bids = SortedDict({Decimal(p): Decimal(q) for p, q in said["bids"]})
        self.asks = SortedDict({Decimal(p): Decimal(q) for p, q in said["asks"]})
        self.history: dict[str, deque[float]] = {
            name: deque(maxlen=300) for name in ("depth", "spread", "imbalance")
        }

    def take(self, frame: str) -> dict[str, Any] | None:
        """Apply one frame and return its row; None for a frame older than the book."""
        data = json.loads(frame)["data"]
        if data["u"] < self.last:
            return None
        if not (data["pu"] <= self.last <= data["u"]):
            raise ValueError(f"gap after {self.last}")
        self.last = data["u"]
        for side, changes in ((self.bids, data["b"]), (self.asks, data["a"])):
            for price_text, size_text in changes:
                price, size = Decimal(price_text), Decimal(size_text)
                if size:
                    side[price] = size
                else:
                    side.pop(price, None)
        return self.measure()

    def measure(self) -> dict[str, Any]:
        bid, ask = self.bids.keys()[-1], self.asks.keys()[0]
        mid = (bid + ask) / 2
        row: dict[str, Any] = {"bid": bid, "ask": ask, "mid": mid}
        row["spread_bps"] = float(10_000 * (ask - bid) / mid)
        for bps in BANDS:
            low, high = mid * (1 - Decimal(bps) / 10_000), mid * (1 + Decimal(bps) / 10_000)
            row[f"bid_depth_{bps}"] = sum(p * q for p, q in self.bids.items() if p >= low)
            row[f"ask_depth_{bps}"] = sum(p * q for p, q in self.asks.items() if p <= high)
        for size in SIZES:
            row[f"sell_{size}"] = self.slippage(reversed(self.bids.items()), size, mid, -1)
            row[f"buy_{size}"] = self.slippage(iter(self.asks.items()), size, mid, 1)
        bids = sum(q for _, q in list(reversed(self.bids.items()))[:10])
        asks = sum(q for _, q in list(self.asks.items())[:10])
        row["imbalance"] = float((bids - asks) / (bids + asks))
        depth = float(row["bid_depth_10"] + row["ask_depth_10"])
        for name, value in (
            ("depth", depth),
            ("spread", row["spread_bps"]),
            ("imbalance", row["imbalance"]),
        ):
            row[f"z_{name}"] = self.z(self.history[name], value)
        return row

    @staticmethod
    def slippage(levels: Iterator[Any], size: Decimal, mid: Decimal, sign: int) -> float | None:
        left, base = size, Decimal(0)
        for price, quantity in levels:
            taken = min(left, price * quantity)
            base += taken / price
            left -= taken
            if not left:
                return float(10_000 * sign * (size / base - mid) / mid)
        return None

    @staticmethod
    def z(history: deque[float], value: float) -> float:
        deviation = statistics.pstdev(history) if len(history) > 1 else 0.0
        z = (value - statistics.fmean(history)) / deviation if deviation else 0.0
        history.append(value)
        return z


# -- the product ----------------------------------------------------------------------------------


class Product:
    """The feed and the monitor the daemon runs, every reading made a row."""

    def __init__(self, given: Input) -> None:
        self.last: Reading | None = None
        self.rows = 0
        self.encoder = ReadingEncoder("benchmark")
        self.feed = VenueFeed(
            venues.load()["binance-futures"],
            [Listing(symbol="BTCUSDT", instrument=given.instrument)],
        )
        self.monitor = Monitor(MonitorPlan(write_every=0), self._row)
        self.monitor.watch(self.feed)
        self.now = START
        self._do(self.feed.opened(BOOK_LINK, self.now))
        asked = self._do(self.feed.received(BOOK_LINK, given.frames[0], self.now))
        answer = Response(status=200, body=given.snapshot.encode())
        self._do(self.feed.fetched(asked[0], answer, self.now))

    def take(self, frame: str) -> Reading | None:
        """Apply one frame and return its reading."""
        self.last = None
        self.now += 100 * MILLISECOND
        self.monitor.handle(self.feed.received(BOOK_LINK, frame, self.now), self.now)
        return self.last

    def _row(self, record: Record) -> None:
        if isinstance(record, Reading):
            self.rows += len(self.encoder.encode(record))
            self.last = record

    def _do(self, effects: list[Any]) -> list[Fetch]:
        left = self.monitor.handle(effects, self.now)
        return [effect for effect in left if isinstance(effect, Fetch)]


# -- inputs ---------------------------------------------------------------------------------------


def generated(messages: int) -> Input:
    """Frames of the market that the demo runs on."""
    stage = Stage(origin=START, speed=1.0, scenario=CALM)
    dialect, _ = simulate("binance-futures", ["BTCUSDT"], stage=stage, seed=1)
    streams = {"streams": "btcusdt@depth@100ms"}
    now = START
    frames: list[str] = []
    dialect.connected(1, "/public/stream", streams, now)
    snapshot = ""
    while len(frames) < messages:
        now += 50 * MILLISECOND
        frames += [said.text for said in dialect.advance(now) if isinstance(said, Say)]
        if frames and not snapshot:
            query = {"symbol": "BTCUSDT", "limit": "1000"}
            request = Request(method="GET", path="/fapi/v1/depth", query=query)
            snapshot = dialect.rest(request, now).body.decode()
    return Input("generated", snapshot, frames, _instrument())


def recorded(messages: int) -> Input | None:
    """Real frames, where the recordings are."""
    if not RECORDED.exists():
        return None
    snapshot, frames = "", []
    with gzip.open(RECORDED, "rt") as lines:
        for line in lines:
            _at, kind, _conn, text = line.rstrip("\n").split("\t", 3)
            if kind == "http":
                snapshot = text
            elif "depthUpdate" in text[:60]:
                frames.append(text)
            if len(frames) >= messages:
                break
    return Input("recorded", snapshot, frames, _instrument())


def _instrument() -> Instrument:
    spec = venues.load()["binance-futures"]
    return Instrument(
        venue=spec.name,
        name="BTCUSDT",
        kind=spec.kind,
        base="BTC",
        quote="USDT",
        tick=Decimal("0.10"),
        step=Decimal("0.001"),
    )


# -- comparing and timing -------------------------------------------------------------------------


def verify(given: Input) -> int:
    """Compare the two message by message; return how many agreed. Raises `ValueError`."""
    textbook, product = Textbook(given.snapshot), Product(given)
    agreed = 0
    for number, frame in enumerate(given.frames):
        row = textbook.take(frame)
        reading = product.take(frame) if number else None
        if row is None or reading is None:
            continue
        for name, ours in _comparable(reading).items():
            theirs = row[name]
            if isinstance(ours, float) and isinstance(theirs, float):
                # The textbook rounds at every step, to 28 digits; we round once.
                equal = abs(ours - theirs) <= 1e-9 * max(1.0, abs(ours))
            else:
                equal = ours == theirs
            if not equal:
                raise ValueError(f"{given.name} message {number}: {name}: {ours} != {theirs}")
        agreed += 1
    return agreed


def _comparable(reading: Reading) -> dict[str, Any]:
    found: dict[str, Any] = {
        "bid": reading.best_bid,
        "ask": reading.best_ask,
        "mid": reading.mid,
        "spread_bps": reading.spread_bps,
        "imbalance": reading.imbalance,
    }
    for band in reading.bands:
        if band.bps in BANDS:
            found[f"bid_depth_{band.bps}"] = band.bid_quote
            found[f"ask_depth_{band.bps}"] = band.ask_quote
    for fill in reading.fills:
        if fill.notional in SIZES:
            word = "sell" if fill.taker is Taker.SELL else "buy"
            found[f"{word}_{fill.notional}"] = fill.slippage_bps
    return found


def timed(take: Callable[[str], object], frames: list[str]) -> list[int]:
    """Return the nanoseconds each frame took."""
    spent = []
    for frame in frames:
        before = time.perf_counter_ns()
        take(frame)
        spent.append(time.perf_counter_ns() - before)
    return spent


def compare(given: Input, passes: int) -> dict[str, Any]:
    """Let both take turns; return messages a second and latencies of each."""
    agreed = verify(given)
    spent: dict[str, list[list[int]]] = {"textbook": [], "tidegauge": []}
    for _ in range(passes):
        for name, runs in spent.items():
            take = Textbook(given.snapshot).take if name == "textbook" else Product(given).take
            gc.collect()
            runs.append(timed(take, given.frames[1:]))
    outcome: dict[str, Any] = {"input": given.name, "messages": len(given.frames), "equal": agreed}
    for name, runs in spent.items():
        rates = sorted(len(run) * 1e9 / sum(run) for run in runs)
        every = sorted(ns for run in runs for ns in run)
        outcome[name] = {
            "messages_per_s": round(statistics.median(rates), 1),
            "slowest_and_fastest_pass": [round(rates[0], 1), round(rates[-1], 1)],
            "p50_us": round(every[len(every) // 2] / 1000, 1),
            "p99_us": round(every[len(every) * 99 // 100] / 1000, 1),
            "max_us": round(every[-1] / 1000, 1),
        }
    ratio = outcome["tidegauge"]["messages_per_s"] / outcome["textbook"]["messages_per_s"]
    outcome["ratio"] = round(ratio, 2)
    return outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer messages and passes (< 60 s)")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    messages, passes = (150, 3) if options.quick else (600, 5)
    print(f"Python {platform.python_version()}, {platform.machine()}; {passes} passes in turn")
    outcomes = []
    for given in (generated(messages), recorded(messages)):
        if given is None:
            print(f"recorded: not here ({RECORDED.name}), left out")
            continue
        print(f"{given.name}: comparing, then timing ...", file=sys.stderr)
        outcome = compare(given, passes)
        outcomes.append(outcome)
        print(
            f"{outcome['input']}: {outcome['equal']} of {outcome['messages']} messages compared equal"
        )
        for name in ("textbook", "tidegauge"):
            figures = outcome[name]
            low, high = figures["slowest_and_fastest_pass"]
            print(
                f"  {name:10}{figures['messages_per_s']:>9,.0f} messages/s ({low:,.0f} to {high:,.0f}),"
                f" p50 {figures['p50_us']:,.0f} us, p99 {figures['p99_us']:,.0f} us"
            )
        print(f"  ratio {outcome['ratio']}")
    if options.json:
        options.json.write_text(json.dumps(outcomes, indent=2) + "\n")


if __name__ == "__main__":
    main()
