"""A textbook monitor. FROZEN: it was written before any tuning, and every ratio is to it.

It does what a careful first version would do: `json`, plain Decimals in SortedDicts, one walk a
metric, `statistics` over a deque. It is right, and therefore the oracle, too. If it were made faster
or slower, figures of different days would mean different things; so it is left alone.

Beside what was frozen (`__init__`, `take`, `measure`, `slippage`, `z`), `apply` is `take` without its
last line, `touch` reads the best prices and `line` makes the row text, so that each part of the benchmark
has its counterpart here. A test knows the hash of this file.
"""

import json
import statistics
from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from sortedcontainers import SortedDict

BANDS = (10, 50, 100)
SIZES = (Decimal(100_000), Decimal(500_000), Decimal(1_000_000))


class Textbook:
    """Plain Decimal SortedDicts, one walk a metric, mean and deviation over a deque of 300."""

    def __init__(self, snapshot: str | bytes) -> None:
        said = json.loads(snapshot)
        self.last = said["lastUpdateId"]
        self.bids = SortedDict({Decimal(p): Decimal(q) for p, q in said["bids"]})
        self.asks = SortedDict({Decimal(p): Decimal(q) for p, q in said["asks"]})
        self.history: dict[str, deque[float]] = {
            name: deque(maxlen=300) for name in ("depth", "spread", "imbalance")
        }

    def take(self, frame: str | bytes) -> dict[str, Any] | None:
        """Apply one frame and return its row; None for a frame older than the book."""
        return self.measure() if self.apply(frame) else None

    def apply(self, frame: str | bytes) -> bool:
        """Apply one frame; return whether it was newer than the book."""
        data = json.loads(frame)["data"]
        if data["u"] < self.last:
            return False
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
        return True

    def touch(self) -> tuple[Decimal, Decimal]:
        """Return the best bid and the best ask."""
        return self.bids.keys()[-1], self.asks.keys()[0]

    @staticmethod
    def line(row: dict[str, Any]) -> str:
        """Return a row as COPY reads it."""
        return "\t".join("\\N" if value is None else str(value) for value in row.values()) + "\n"

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
