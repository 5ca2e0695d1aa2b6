"""Checks of this machine: room for the embedded server, and what waits on disk for the database."""

import shutil
from pathlib import Path

from ..spool import SpoolState, SpoolSurvey
from .finding import Finding, fail, ok, warn

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


def spool(state: SpoolState, database: str = "") -> Finding:
    """Whether what waits can be read, and whether a daemon still delivers it.

    `database`: the identity of ours; what was left for another one no daemon of ours delivers.
    """
    damaged = sum(each.damaged for each in state.folders)
    if damaged or state.put_aside:
        return warn(
            "spool",
            f"{damaged} files of the spool are damaged, and {state.put_aside} were put aside: what "
            "could be read of them is delivered, the rest is lost",
            "Look at the disk; the files put aside are in spool/damaged, below the data directory",
        )
    left = [each for each in state.folders if each.rows and not each.alive]
    if astray := _astray(left, database):
        return astray
    if left:
        rows = sum(each.rows for each in left)
        return warn(
            "spool",
            f"{rows:,} rows of {len(left)} daemons that are gone wait for the database",
            "The next `tidegauge monitor` with this data directory delivers them",
        )
    rows = sum(each.rows for each in state.folders)
    return ok("spool", f"{rows:,} rows wait for the database, all readable")


def _astray(left: list[SpoolSurvey], database: str) -> Finding | None:
    """What daemons left that no daemon of ours takes."""
    if foreign := [each for each in left if each.is_foreign_to(database)]:
        names = ", ".join(sorted({each.database or "unreadable" for each in foreign}))
        return warn(
            "spool",
            f"{sum(each.rows for each in foreign):,} rows of {len(foreign)} daemons that are gone wait "
            f"for another database: {names}",
            "Start `tidegauge monitor` with that database, or `tidegauge db adopt` to have them in this",
        )
    if newer := [each for each in left if each.newer]:
        return warn(
            "spool",
            f"{sum(each.rows for each in newer):,} rows of {len(newer)} daemons that are gone were kept "
            "by a newer Tidegauge, and this one does not know what they are",
            "Start the newer version with this data directory: it delivers them",
        )
    return None


def quarantine(state: SpoolState) -> Finding:
    """Whether there are rows that the database would not take."""
    if state.quarantined:
        return warn(
            "quarantine",
            f"{state.quarantined:,} rows were refused by the database and put aside",
            "spool/quarantine.sqlite3, below the data directory, has them with the reasons: "
            "docs/operations.md says how to look at them",
        )
    return ok("quarantine", "no row was put aside")
