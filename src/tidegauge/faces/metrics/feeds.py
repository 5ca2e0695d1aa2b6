"""Of each venue's feed, and of each book it keeps."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from tidegauge.core.trust import Trust
from tidegauge.risk.health import Health

from .families import BPS, counter, gauge, one_hot, put
from .labels import clean, size
from .seen import Seen

COUNTED = (
    ("frames", "Frames that came from a venue."),
    ("updates", "Updates that books took."),
    ("connects", "Connections opened."),
    ("gaps", "Updates found missing."),
    ("resyncs", "Books begun anew."),
    ("malformed", "Frames or values that could not be understood."),
    ("audits", "Books compared with one told anew."),
    ("audit_differences", "Comparisons that found a difference."),
    ("clock_faults", "Times of a venue that cannot be right."),
)
STANDING = (
    ("books", "Books watched.", "books"),
    ("books_live", "Books that may be trusted.", "live"),
    ("links", "Sockets wanted.", "links"),
    ("links_open", "Sockets open.", "links_open"),
    ("clock_offset_seconds", "How far the venue's clock is behind ours.", "clock_offset_s"),
)


def venues(seen: Seen) -> Iterator[Metric]:
    """Yield what is counted of each feed."""
    feeds = [
        ((clean(each.venue), seen.names[each.daemon]), each)
        for each in seen.picture.venues.values()
        if each.daemon in seen.names
    ]
    for name, told in COUNTED:
        total = counter(f"venue_{name}", told, "venue", "daemon")
        for labels, each in feeds:
            put(total, labels, getattr(each, name))
        yield total
    for name, told, field in STANDING:
        now = gauge(f"venue_{name}", told, "venue", "daemon")
        for labels, each in feeds:
            put(now, labels, getattr(each, field))
        yield now
    health = gauge(
        "venue_health", "1 for the health that a feed has, else 0.", "venue", "daemon", "health"
    )
    for labels, each in feeds:
        one_hot(health, labels, Health, each.health)
    yield health


def books(seen: Seen) -> Iterator[Metric]:
    """Yield what is known of each book, whether it is trusted or not."""
    age = gauge("book_age_seconds", "How long ago a venue last told of a book.", "venue", "symbol")
    updates = counter("book_updates", "Updates that a book took.", "venue", "symbol")
    trust = gauge(
        "book_trust", "1 for the trust that a book has, else 0.", "venue", "symbol", "trust"
    )
    for each in seen.books:
        labels = (clean(each.venue), clean(each.symbol))
        put(age, labels, each.age_s)
        put(updates, labels, each.updates)
        one_hot(trust, labels, Trust, each.trust)
    yield from (age, updates, trust)


def readings(seen: Seen) -> Iterator[Metric]:
    """Yield what was measured of each book that is trusted."""
    of = ("venue", "symbol")
    levels = gauge("book_levels", "Prices at which something rests.", *of, "side")
    spread = gauge("book_spread_ratio", "The spread, as a share of the mid.", *of)
    imbalance = gauge("book_imbalance", "From -1 (all is asked) to 1 (all is bid).", *of)
    latency = gauge("book_latency_seconds", "How old the last frame was when it came in.", *of)
    depth = gauge(
        "book_depth_quote", "What rests within so many basis points of the mid.", *of, "bps", "side"
    )
    slippage = gauge(
        "book_slippage_ratio",
        "What taking a size costs against the mid, as a share of it; absent where it does not fill.",
        *(*of, "notional", "side"),
    )
    filled = gauge(
        "book_filled_ratio", "How much of a size can be had at all.", *of, "notional", "side"
    )
    for each in seen.books:
        reading = each.reading
        if reading is None:
            continue
        labels = (clean(each.venue), clean(each.symbol))
        put(levels, (*labels, "bid"), reading.bid_levels)
        put(levels, (*labels, "ask"), reading.ask_levels)
        put(spread, labels, ratio(reading.spread_bps))
        put(imbalance, labels, reading.imbalance)
        put(latency, labels, reading.latency_s)
        for band in reading.bands:
            put(depth, (*labels, str(band.bps), "bid"), band.bid)
            put(depth, (*labels, str(band.bps), "ask"), band.ask)
        for fill in reading.fills:
            of_size = (*labels, size(fill.notional), fill.side)
            put(slippage, of_size, ratio(fill.slippage_bps))
            put(filled, of_size, fill.filled_fraction)
    yield from (levels, spread, imbalance, latency, depth, slippage, filled)


def ratio(bps: float | None) -> float | None:
    """Return basis points as a share."""
    return None if bps is None else bps / BPS
