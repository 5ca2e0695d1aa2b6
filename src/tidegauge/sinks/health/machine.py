"""Checks of this machine: room for the embedded server, and what waits on disk for the database."""

import shutil
from pathlib import Path

from .finding import Finding, fail, ok, warn
from .spools import spools

MEGABYTE = 1024 * 1024
FULL = 256 * MEGABYTE
"""Bytes left on a disk below which a server may stop at any moment."""

NEARLY_FULL = 2048 * MEGABYTE
NEARLY_FULL_SHARE = 0.05


def disk(home: Path) -> Finding:
    """Whether there is room where the embedded server's data lie. `home` need not be there."""
    place = home
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        usage = shutil.disk_usage(place)
    except OSError as error:
        return fail("disk", f"{place} cannot be looked at: {error.strerror}", "Mount or repair it")
    said = (
        f"{usage.free / MEGABYTE:,.0f} MB of {usage.total / MEGABYTE:,.0f} MB are free at {place}"
    )
    fix = "Free space, keep fewer days (`tidegauge db prune`), or move: `tidegauge db move URL`"
    if usage.free < FULL:
        return fail("disk", said, fix)
    if usage.free < min(NEARLY_FULL, NEARLY_FULL_SHARE * usage.total):
        return warn("disk", said, fix)
    return ok("disk", said)


def spool(data_dir: Path) -> Finding:
    """Whether what waits for the database can be read, and whether its daemon still delivers it."""
    try:
        found = spools(data_dir)
    except OSError as error:
        return fail(
            "spool",
            f"the spool below {data_dir} cannot be read: {error.strerror or error}",
            "Run this as the daemon's user, or repair the disk",
        )
    damaged = sum(each.damaged for each in found)
    if damaged:
        return warn(
            "spool",
            f"{damaged:,} records of the spool are damaged and were passed over",
            "Look at the disk; what became of damaged segments is in docs/operations.md",
        )
    left = [each for each in found if each.records and not each.alive]
    if left:
        records = sum(each.records for each in left)
        return warn(
            "spool",
            f"{records:,} records of {len(left)} daemons that are gone wait for the database",
            "The next `tidegauge monitor` with this data directory delivers them",
        )
    records = sum(each.records for each in found)
    return ok("spool", f"{records:,} records wait in {len(found)} spools, all readable")


def quarantine(data_dir: Path) -> Finding:
    """Whether there are rows that no database would take."""
    try:
        found = sum(each.quarantined for each in spools(data_dir))
    except OSError as error:
        return fail("quarantine", f"it cannot be read: {error.strerror or error}", "See `spool`")
    if found:
        return warn(
            "quarantine",
            f"{found:,} rows were refused by the database and put aside",
            "They are not lost: docs/operations.md says where they are and how to look at them",
        )
    return ok("quarantine", "no row was put aside")
