"""Of each daemon: whether it lives, how fast it is, and where its rows and pages go."""

from collections.abc import Iterator

from prometheus_client.core import Metric

from tidegauge.core.desk import Arrival
from tidegauge.runtime.window.across import ShownStorage

from .families import counter, gauge, histogram, put, put_histogram
from .labels import clean
from .seen import Seen


def daemons(seen: Seen) -> Iterator[Metric]:
    """Yield what is known of the daemons themselves."""
    up = gauge("up", "Whether a daemon has shown itself in the last 15 seconds.", "daemon")
    build = gauge("build_info", "The version that a daemon runs, always 1.", "daemon", "version")
    started = gauge("start_time_seconds", "When a daemon started, in Unix time.", "daemon")
    age = gauge("daemon_age_seconds", "How old is what a daemon showed last.", "daemon")
    readings = counter("readings", "Updates and samples judged.", "daemon")
    conflated = counter(
        "readings_conflated", "Updates judged together with a later one, to keep up.", "daemon"
    )
    crashes = counter("crashes", "Faults of our own that were survived.", "daemon")
    behind = gauge(
        "clock_behind_seconds", "How far the machine's clock is ahead of the daemon's.", "daemon"
    )
    for name in seen.dead:
        put(up, (name,), 0)
    for name, each in seen.daemons():
        put(up, (name,), 1)
        put(build, (name, clean(each.version)), 1)
        put(started, (name,), each.started_at.timestamp())
        put(age, (name,), each.age_s(seen.now))
        put(readings, (name,), each.readings)
        put(conflated, (name,), each.conflated)
        put(crashes, (name,), each.crashes)
        put(behind, (name,), each.clock_behind_s)
    yield from (up, build, started, age, readings, conflated, crashes, behind)


def latencies(seen: Seen) -> Iterator[Metric]:
    """Yield how fast the daemons are."""
    took = histogram(
        "feed_to_reading_seconds", "From a frame's arrival to the reading made of it.", "daemon"
    )
    lag = histogram("loop_lag_seconds", "How late the event loop woke a task that slept.", "daemon")
    for name, each in seen.daemons():
        put_histogram(took, (name,), each.feed_to_reading)
        put_histogram(lag, (name,), each.loop_lag)
    yield from (took, lag)


STORED = (
    ("writer_rows", "Rows that the database took.", "rows"),
    ("writer_batches", "Batches that the database took.", "batches"),
    ("writer_dropped", "Rows given up for want of room.", "dropped"),
    ("writer_refused", "Rows that the database refused.", "refused"),
)
WAITING = (
    ("writer_waiting_rows", "Rows accepted that the database has not.", "waiting"),
    ("spool_rows", "Rows that wait on the disk.", "on_disk"),
    ("spool_bytes", "What the spool takes on the disk.", "spool_bytes"),
    ("spool_age_seconds", "How long the oldest row has waited on the disk.", "waited_s"),
)


def storage(seen: Seen) -> Iterator[Metric]:
    """Yield where the rows go; nothing of a daemon that stores nothing."""
    stores = [(name, each.storage) for name, each in seen.daemons() if each.storage is not None]
    for title, told, field in STORED:
        total = counter(title, told, "daemon")
        for name, each in stores:
            put(total, (name,), getattr(each, field))
        yield total
    for title, told, field in WAITING:
        waiting = gauge(title, told, "daemon")
        for name, each in stores:
            put(waiting, (name,), getattr(each, field))
        yield waiting
    yield from _troubles(stores)


def _troubles(stores: list[tuple[str, ShownStorage]]) -> Iterator[Metric]:
    queue = gauge("writer_queue_rows", "Rows that wait in memory.", "daemon")
    away = gauge("database_away", "Whether the database takes nothing.", "daemon")
    thinned = gauge("spool_thinned", "Whether readings are left out as the spool fills.", "daemon")
    broken = gauge("spool_broken", "Whether the disk takes no rows.", "daemon")
    for name, each in stores:
        put(queue, (name,), max(0, each.waiting - each.on_disk))
        put(away, (name,), each.away)
        put(thinned, (name,), each.thinned is not None)
        put(broken, (name,), each.spool_broken is not None)
    yield from (queue, away, thinned, broken)


def notifications(seen: Seen) -> Iterator[Metric]:
    """Yield how pages fare."""
    total = counter(
        "notifications",
        "Attempts to tell a channel, by outcome: sent, retrying (tried again later) or failed (given up).",
        "daemon",
        "channel",
        "outcome",
    )
    waiting = gauge("notifications_waiting", "Pages that are not delivered yet.", "daemon")
    for name, each in seen.daemons():
        # All outcomes of a channel from its first page on: what begins at 1 shows no increase.
        for channel in sorted({key.rpartition("/")[0] for key in each.notifications}):
            for outcome in Arrival:
                count = each.notifications.get(f"{channel}/{outcome}", 0)
                put(total, (name, clean(channel), outcome), count)
        put(waiting, (name,), each.notifications_waiting)
    yield from (total, waiting)
