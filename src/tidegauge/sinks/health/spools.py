"""What waits on this machine's disk for the database. One door to the spool, whatever its files are."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from tidegauge.core.instrument import Nanos

SPOOL = "tidegauge.sinks.spool"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One daemon's spool. `alive`: its daemon runs. `oldest_at`: of the oldest record, UTC nanoseconds."""

    folder: str
    alive: bool
    records: int
    readings: int
    bytes: int
    oldest_at: Nanos | None
    damaged: int
    quarantined: int


def spools(data_dir: Path) -> Sequence[Waiting]:
    """Return the spools below `data_dir`; none where nothing was ever spooled."""
    if find_spec(SPOOL) is None:
        return ()
    return [
        Waiting(
            folder=str(each.folder),
            alive=each.alive,
            records=each.records,
            readings=each.readings,
            bytes=each.bytes,
            oldest_at=each.oldest_at,
            damaged=each.damaged,
            quarantined=each.quarantined,
        )
        for each in import_module(SPOOL).survey(data_dir)
    ]
