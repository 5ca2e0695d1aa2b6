"""The venues' feeds and the daemons: who tells, how well, and what became of it."""

from datetime import datetime

from tidegauge.faces.figures import UNKNOWN
from tidegauge.runtime.window.across import OLD_AFTER_S, ShownDaemon, ShownHistogram, ShownVenue

from .cells import Line, line, padded, seconds
from .ladder import said
from .scene import Scene

HEALTH = {
    "well": ("● well", "good"),
    "starting": ("◌ starting", "warn"),
    "degraded": ("▲ degraded", "warn"),
}
HEAD = (
    ("  venue", 18),
    ("health", 11),
    ("live", 6),
    ("links", 6),
    ("age", 6),
    ("latency", 8),
    ("gaps", 6),
    ("resyncs", 8),
)
MORE = (("frames", 11), ("malformed", 10), ("audits", 7), ("differ", 7), ("clock", 8))
NAMED = 2
"""Columns that hold words."""


def feed_lines(scene: Scene, width: int) -> list[Line]:
    """Return a line a venue, and lines of the daemons behind them."""
    if not scene.feeds and not scene.daemons:
        why = "The database keeps none of it" if scene.stored else "no daemon tells of a venue"
        return said("not known", why, width)
    wide = width >= sum(size for _, size in (*HEAD, *MORE)) + 10
    heads = (*HEAD, *MORE) if wide else HEAD
    head = line(
        *(padded(name, size, "dim", right=n >= NAMED) for n, (name, size) in enumerate(heads)),
        padded("  why", max(0, width - sum(size for _, size in heads)), "dim"),
    )
    lines = [head, *(_feed(each, scene, width, wide=wide) for each in scene.feeds), line()]
    for daemon in scene.daemons:
        lines += _daemon(daemon, scene.at, width)
    return lines


def _feed(feed: ShownVenue, scene: Scene, width: int, *, wide: bool) -> Line:
    row = scene.row(feed.venue)
    health, ink = HEALTH.get(feed.health, (f"✖ {feed.health}", "bad"))
    numbers = [
        f"{feed.live}/{feed.books}",
        f"{feed.links_open}/{feed.links}",
        UNKNOWN if row is None else seconds(row.age_s),
        UNKNOWN if row is None else seconds(row.latency_s),
        f"{feed.gaps:,}",
        f"{feed.resyncs:,}",
    ]
    if wide:
        clock = UNKNOWN if feed.clock_offset_s is None else f"{feed.clock_offset_s * 1000:+.0f}ms"
        numbers += [
            f"{feed.frames:,}",
            f"{feed.malformed:,}",
            f"{feed.audits:,}",
            f"{feed.audit_differences:,}",
            clock,
        ]
    sizes = [size for _, size in ((*HEAD, *MORE) if wide else HEAD)]
    shown = [
        padded(text, size, right=True) for text, size in zip(numbers, sizes[NAMED:], strict=True)
    ]
    return line(
        padded(f"  {feed.venue}", sizes[0]),
        padded(health, sizes[1], ink),
        *shown,
        padded(f"  {_why(feed)}", width - sum(sizes), "warn"),
    )


def _why(feed: ShownVenue) -> str:
    """Say what is wrong with a feed, as far as it is known."""
    why = [f"{count} {reason}" for reason, count in feed.reasons.items()]
    if feed.quarantined is not None:
        why.append(feed.quarantined)
    if feed.health != "well" and feed.last_disconnect is not None:
        why.append(feed.last_disconnect)
    if feed.retry_at is not None:
        why.append(f"asked again at {feed.retry_at:%H:%M:%S}")
    if feed.put_off_until is not None:
        why.append(f"put off until {feed.put_off_until:%H:%M:%S}")
    return "; ".join(why)


def _daemon(daemon: ShownDaemon, now: datetime, width: int) -> list[Line]:
    old = daemon.age_s(now)
    seen = (
        f"last seen {seconds(old)} ago"
        if old > OLD_AFTER_S
        else f"up {seconds((now - daemon.started_at).total_seconds())}"
    )
    told = (
        f" daemon {daemon.id} ({daemon.version}), {seen}: {daemon.readings:,} readings,"
        f" feed to reading p99 {_p99(daemon.feed_to_reading)}, loop lag p99 {_p99(daemon.loop_lag)}"
    )
    lines = [line(padded(told, width, "bad" if old > OLD_AFTER_S else "dim"))]
    storage = daemon.storage
    if storage is None:
        lines.append(line(padded("   nothing is stored", width, "dim")))
    else:
        away = "THE DATABASE IS AWAY: " if storage.away else ""
        text = f"   {away}{storage.rows:,} rows stored, {storage.waiting:,} wait, {storage.dropped:,} dropped"
        lines.append(line(padded(text, width, "bad" if storage.away or storage.dropped else "dim")))
    if daemon.notifications_waiting:
        text = f"   {daemon.notifications_waiting} notifications wait"
        lines.append(line(padded(text, width, "warn")))
    return lines


def _p99(found: ShownHistogram) -> str:
    """Return the bound below which 99 in 100 observations lie."""
    if not found.count:
        return UNKNOWN
    for bound, count in zip(found.bounds, found.counts, strict=False):
        if count >= 0.99 * found.count:
            return f"≤ {bound * 1000:g} ms"
    return "above all bounds"
