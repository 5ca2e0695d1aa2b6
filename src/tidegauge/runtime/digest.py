"""A hash over what a run found, by which a replay proves that it found the same."""

import hashlib

import msgspec

from tidegauge.core.alert import Alert
from tidegauge.core.incident import Transition
from tidegauge.core.reading import Reading


class Digest:
    """Takes readings, alerts and incidents in order; a live run and its replay each keep one."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.readings = 0
        self.alerts = 0

    def take(self, record: object) -> None:
        """Take any record; what is no reading, no alert and no transition of an incident is left out."""
        if not isinstance(record, Reading | Alert | Transition):
            return
        self._hash.update(msgspec.json.encode(record))
        if isinstance(record, Reading):
            self.readings += 1
        elif isinstance(record, Alert):
            self.alerts += 1

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
