"""How storing goes, as one line."""

from tidegauge.core.instrument import SECOND
from tidegauge.runtime.view import StorageView

from . import figures

MIB = 1024 * 1024
OLD = 10 * SECOND


def in_order(storage: StorageView) -> bool:
    """Whether there is nothing that somebody should know."""
    return not (storage.away or storage.thinned or storage.spool_broken or storage.refused)


def stored_line(storage: StorageView | None) -> str:
    """Say how many rows are stored and where, and what keeps the others."""
    if storage is None:
        return "nothing is stored (dry run)"
    parts = [f"{storage.waiting:,} waiting"]
    if storage.away or storage.waited > OLD:
        parts.append(
            f"{storage.on_disk:,} of them safe on disk in {storage.spool_bytes / MIB:,.0f} MiB,"
            f" the oldest for {figures.age(storage.waited)}"
        )
    if storage.away:
        parts.append("THE DATABASE IS AWAY")
    elif storage.waited > OLD:
        parts.append(f"{storage.drain_rate:,.0f} a second go in")
    if storage.spool_broken:
        parts.append(f"THE DISK TAKES NOTHING: {figures.printable(storage.spool_broken)}")
    if storage.thinned:
        parts.append(storage.thinned)
    if storage.dropped:
        parts.append(f"{storage.dropped:,} dropped")
    if storage.refused:
        parts.append(f"{storage.refused:,} refused")
    return f"{storage.rows:,} rows in {storage.database} ({', '.join(parts)})"
