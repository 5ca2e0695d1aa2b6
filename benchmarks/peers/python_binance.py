"""`python-binance`: `DepthCacheManager`, two dictionaries that are sorted whenever they are read.

Its futures manager keeps no book of changes, so the spot one is used. That removes a level only if
its size is spelt `0.00000000`, and wants each first id to follow the last: frames are told anew so.
"""

import json
from typing import Any

from .contestant import Levels, Number, Peer, at_once, library, snapshot_decoder


class _Rest:
    """The REST client: it knows one answer."""

    def __init__(self, answer: dict[str, object]) -> None:
        self._answer = answer

    async def get_order_book(self, **_asked: object) -> dict[str, object]:
        return self._answer


class DepthCacheBook:
    def __init__(self, snapshot: bytes) -> None:
        told = snapshot_decoder.decode(snapshot)
        answer = {
            "lastUpdateId": told.last,
            "bids": [list(level) for level in told.bids],
            "asks": [list(level) for level in told.asks],
        }
        self.last = told.last
        self.loads = library("orjson").loads
        self.manager: Any = library("binance.ws.depthcache").DepthCacheManager(
            _Rest(answer), "BTCUSDT", loop=object(), bm=object()
        )
        at_once(self.manager._init_cache())  # noqa: SLF001 (entering it would open a socket)
        self.cache = self.manager.get_depth_cache()

    def adapt(self, frame: bytes) -> bytes:
        data = json.loads(frame)["data"]
        data["U"], self.last = self.last + 1, max(self.last + 1, data["u"])
        data["u"] = self.last
        for side in ("b", "a"):
            data[side] = [[price, f"{size}{'0' * 5}"] for price, size in data[side]]
        return json.dumps(data).encode()

    def write(self, frame: bytes) -> None:
        self.write_prepared(self.loads(frame))

    def prepare(self, frame: bytes) -> Any:
        return self.loads(frame)

    def write_prepared(self, prepared: Any) -> None:
        at_once(self.manager._depth_event(prepared))  # noqa: SLF001 (`recv` waits for a socket)

    def read(self) -> object:
        return self.cache.get_bids()[0], self.cache.get_asks()[0]

    def touch(self) -> tuple[Number, Number]:
        return self.cache.get_bids()[0][0], self.cache.get_asks()[0][0]

    def levels(self) -> tuple[Levels, Levels]:
        bids, asks = self.cache.get_bids(), self.cache.get_asks()
        return [(row[0], row[1]) for row in bids], [(row[0], row[1]) for row in asks]


PEER = Peer(
    name="python-binance",
    package="python-binance",
    exact=False,
    user="orjson, then the depth cache manager, both sides sorted at each read",
    best="the same, JSON read beforehand",
    make=DepthCacheBook,
)
