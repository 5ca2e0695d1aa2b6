"""Send what daemons that are gone left to another database than it was meant for."""

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec.structs import replace

from ..locks import FileLock
from .folder import LOCK
from .label import Label, read_label, write_label
from .survey import SpoolSurvey, survey


def foreign(data_dir: Path, database: str) -> list[SpoolSurvey]:
    """Return the folders with rows that no daemon of `database` will take: those of the living are
    not among them. Raises `OSError`.
    """
    return [
        each
        for each in survey(data_dir).folders
        if (each.rows or each.damaged) and each.is_foreign_to(database)
    ]


def relabel(
    folders: Sequence[SpoolSurvey],
    database: str,
    wanted: Callable[[Label | None], bool] = lambda _label: True,
) -> list[SpoolSurvey]:
    """Mean the rows of `folders` for `database`, and return those for which it was done.

    Not for those of living daemons, nor for those that are not `wanted` by their labels (None: one that cannot be read).
    Raises `OSError`.
    """
    return [each for each in folders if _relabel(each.folder, database, wanted)]


def _relabel(folder: Path, database: str, wanted: Callable[[Label | None], bool]) -> bool:
    lock = FileLock(folder / LOCK)
    try:
        if not folder.is_dir() or not lock.try_exclusive():
            return False
        try:
            label: Label | None = read_label(folder) or Label()
        except OSError:
            label = None
        if not wanted(label):
            return False
        write_label(folder, replace(label or Label(), database=database))
        return True
    finally:
        lock.close()
