"""Where spot, USD-M and COIN-M differ: paths, weights, ids and streams."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from tidegauge.core.instrument import Instrument, InstrumentKind, VenueName
from tidegauge.wire.protocol import BOOK_LINK, Fetch, Purpose
from tidegauge.wire.sequencer import PreviousIdSequencer, RangeSequencer

from .frames import AUDIT_LIMIT, FuturesUpdate, SpotUpdate, read_futures, read_spot

MARKET_LINK = "market"
"""The link for what is told beside the book, where the venue routes it apart."""

DEPTH_STREAM = "depth@100ms"
DERIVATIVE_STREAMS = ("aggTrade", "markPrice@1s", "forceOrder")
STREAMS_IN_PATH = 100
FEW_BOOKS = 10
"""So many books may each have the dearest snapshot; more of them are content with a smaller one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """One Binance market. `weights` is what a depth request of at most so many levels costs.

    `snapshots` is how many levels to ask for where there are few books, and where there are many.
    `market_path` is the route of what is told beside the book, None where it has none of its own.
    """

    name: VenueName
    kind: InstrumentKind
    rest: str
    book_path: str
    market_path: str | None = None
    beside: tuple[str, ...] = DERIVATIVE_STREAMS
    weights: Mapping[int, int]
    snapshots: tuple[int, int]
    update: Callable[[msgspec.Raw | str | bytes], SpotUpdate | FuturesUpdate] = read_futures
    sequencer: type[RangeSequencer] | type[PreviousIdSequencer] = PreviousIdSequencer
    interest: bool = True

    def depth(self, name: str, limit: int, purpose: Purpose = Purpose.SNAPSHOT) -> Fetch:
        return Fetch(
            purpose=purpose,
            path=f"{self.rest}/depth",
            params=(("symbol", name), ("limit", str(limit))),
            instrument=name,
            weight=next(weight for most, weight in self.weights.items() if limit <= most),
        )

    def audit(self, instrument: Instrument) -> Fetch:
        return self.depth(instrument.name, AUDIT_LIMIT, Purpose.AUDIT)

    def open_interest(self, name: str) -> Fetch:
        return Fetch(
            purpose=Purpose.MARKS,
            path=f"{self.rest}/openInterest",
            params=(("symbol", name),),
            instrument=name,
        )

    def levels(self, books: int) -> int:
        """Return how many levels to ask for, so that all of `books` can be had in a minute."""
        few, many = self.snapshots
        return few if books <= FEW_BOOKS else many

    def streams(self, link: str, names: Sequence[str]) -> list[str]:
        """Return the streams that `link` carries for these instruments."""
        kinds: tuple[str, ...] = ()
        if link == BOOK_LINK:
            kinds = (DEPTH_STREAM,)
        if link == (BOOK_LINK if self.market_path is None else MARKET_LINK):
            kinds += self.beside
        return [f"{name.lower()}@{kind}" for kind in kinds for name in names]

    def links(self, instruments: Sequence[Instrument]) -> Mapping[str, str]:
        """Name the first streams in the path; the rest are subscribed to once it is open."""
        names = [instrument.name for instrument in instruments]
        paths = {BOOK_LINK: self.book_path}
        if self.market_path is not None:
            paths[MARKET_LINK] = self.market_path
        return {
            link: f"{path}?streams={'/'.join(self.streams(link, names)[:STREAMS_IN_PATH])}"
            for link, path in paths.items()
        }


SPOT = Market(
    name="binance",
    kind=InstrumentKind.SPOT,
    rest="/api/v3",
    book_path="/stream",
    beside=("aggTrade",),
    weights={100: 5, 500: 25, 1000: 50, 5000: 250},
    snapshots=(5000, 1000),
    update=read_spot,
    sequencer=RangeSequencer,
    interest=False,
)
FUTURES_WEIGHTS = {50: 2, 100: 5, 500: 10, 1000: 20}
USD_M = Market(
    name="binance-futures",
    kind=InstrumentKind.PERP,
    rest="/fapi/v1",
    # The un-routed /stream still answers, but only for what /public carries.
    book_path="/public/stream",
    market_path="/market/stream",
    weights=FUTURES_WEIGHTS,
    snapshots=(1000, 1000),
)
COIN_M = Market(
    name="binance-coinm",
    kind=InstrumentKind.PERP,
    rest="/dapi/v1",
    # No routes are documented for this host: everything comes over one socket.
    book_path="/stream",
    weights=FUTURES_WEIGHTS,
    snapshots=(1000, 1000),
)
