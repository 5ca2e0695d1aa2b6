"""A hash over what a run found, by which a replay proves that it found the same."""

import hashlib

import msgspec

from tidegauge.core.alert import Alert
from tidegauge.core.reading import Reading


class Digest:
    """Takes readings and alerts in order; a live run and its replay each keep one."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.readings = 0
        self.alerts = 0

    def take(self, record: object) -> None:
        """Take any record; those that are neither reading nor alert are left out."""
        if not isinstance(record, Reading | Alert):
            return
        self._hash.update(msgspec.json.encode(record))
        if isinstance(record, Reading):
            self.readings += 1
        else:
            self.alerts += 1

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
