"""Binance spot, USD-M and COIN-M: diff depth streams over a REST snapshot.

developers.binance.com, "Web Socket Streams for Binance" and "USD-M Futures: Websocket Market
Streams", both with a section "How to manage a local order book correctly".
"""

from collections.abc import Callable
from functools import partial

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.instrument import HOUR, SECOND
from tidegauge.wire.protocol import Audit, Beside, Fetch, Purpose, Rate, VenueLimits, VenueSpec

from .books import BinanceProtocol
from .catalogue import coin_margined, parse_catalogue
from .frames import read_audit, read_envelope, read_touch
from .market import COIN_M, SPOT, USD_M, Market

DOCS = "https://developers.binance.com/docs"
CONNECTS = Rate(150, 300 * SECOND)
"""Half of what one address may try: others may share it."""


def _named_in(market: Market, frame: str) -> list[str]:
    """Return the instrument a recorded diff is about."""
    try:
        envelope = read_envelope(frame)
        if "@depth" in (envelope.stream or ""):
            return [market.update(envelope.data).s]
        return [market.update(frame).s] if envelope.kind == "depthUpdate" else []
    except MalformedFrame:
        return []


def _spec(
    market: Market,
    *,
    hosts: tuple[str, str],
    limits: VenueLimits,
    exchange_info: Fetch,
    default_name: Callable[[str], str] = str.upper,
    checks: str = "the chain of previous update ids",
    beside: frozenset[Beside] = frozenset(Beside),
    docs: str,
    depth: str,
    quirks: tuple[str, ...],
) -> VenueSpec:
    ws_url, rest_url = hosts
    return VenueSpec(
        name=market.name,
        family="binance",
        kind=market.kind,
        ws_url=ws_url,
        rest_url=rest_url,
        links=market.links,
        protocol=partial(BinanceProtocol, market),
        catalogue=(exchange_info,),
        parse_catalogue=partial(parse_catalogue, market),
        default_name=default_name,
        named_in=partial(_named_in, market),
        touches=read_touch,
        limits=limits,
        audit=Audit(request=market.audit, read=read_audit),
        beside=beside,
        checks=checks,
        docs=f"{DOCS}/{docs}",
        depth=depth,
        quirks=quirks,
    )


def _limits(*, messages: int, weight: int, books_a_link: int) -> VenueLimits:
    """`messages` a second leave room for the pongs, which count too."""
    return VenueLimits(
        connects=CONNECTS,
        messages=Rate(messages, SECOND),
        weight=Rate(weight, 60 * SECOND),
        weight_used="X-MBX-USED-WEIGHT-1M",
        books_a_link=books_a_link,
        lifetime=24 * HOUR,
    )


SPECS = (
    _spec(
        SPOT,
        hosts=("wss://stream.binance.com:9443", "https://api.binance.com"),
        limits=_limits(messages=4, weight=6000, books_a_link=90),
        exchange_info=Fetch(
            purpose=Purpose.CATALOGUE,
            path="/api/v3/exchangeInfo",
            params=(("showPermissionSets", "false"),),
            weight=20,
        ),
        checks="the ranges of update ids",
        beside=frozenset({Beside.TRADES}),
        docs="binance-spot-api-docs/web-socket-streams",
        depth="5,000 levels a side by REST (1,000 for many books), then every change each 100 ms",
        quirks=(
            "`binance` is this market alone: name the others to watch them too",
            "an unknown symbol is acknowledged and stays silent",
            "the snapshot is often older than the stream, and is then asked for again",
            "quiet pairs say nothing for up to a minute",
        ),
    ),
    _spec(
        USD_M,
        hosts=("wss://fstream.binance.com", "https://fapi.binance.com"),
        limits=_limits(messages=8, weight=2400, books_a_link=60),
        exchange_info=Fetch(purpose=Purpose.CATALOGUE, path="/fapi/v1/exchangeInfo", weight=1),
        docs="derivatives/usds-margined-futures",
        depth="1,000 levels a side by REST (about 25 bps of BTC), then every change each 100 ms",
        quirks=(
            "update ids have holes: only the previous id chains them",
            "book streams live under /public, trades and marks under /market",
            "open interest comes by REST, each 30 s; funding is taken to be for 8 h",
            "at most one liquidation a second and symbol is told",
        ),
    ),
    _spec(
        COIN_M,
        hosts=("wss://dstream.binance.com", "https://dapi.binance.com"),
        limits=_limits(messages=8, weight=2400, books_a_link=45),
        exchange_info=Fetch(purpose=Purpose.CATALOGUE, path="/dapi/v1/exchangeInfo", weight=1),
        default_name=coin_margined,
        docs="derivatives/coin-margined-futures",
        depth="1,000 levels a side by REST, then every change each 100 ms",
        quirks=(
            "inverse: sizes are contracts of 100 USD (BTC) or 10 USD",
            "update ids have holes: only the previous id chains them",
            "the weight of REST requests is shared with USD-M",
            "open interest comes by REST, each 30 s; funding is taken to be for 8 h",
        ),
    ),
)
