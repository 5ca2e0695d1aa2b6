"""What went no further, and why: said once, and kept for a while."""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterable

from ...core.desk import Mute, Muted
from ...core.instrument import Nanos

KEPT = 500
REMEMBERED = 20_000


class Mutes:
    """`say` hands a mute on when it is another than was last said of the same alert or incident."""

    def __init__(self, emit: Callable[[Mute], None]) -> None:
        self.lately: deque[Mute] = deque(maxlen=KEPT)
        self._emit = emit
        self._said: OrderedDict[tuple[str | None, str | None], tuple[Muted, str]] = OrderedDict()

    def say(
        self,
        stage: Muted,
        reason: str,
        now: Nanos,
        *,
        alert_id: str | None = None,
        incident_id: str | None = None,
    ) -> None:
        """An alert, or a page of an incident, goes no further."""
        about = alert_id, incident_id
        if self._said.get(about) == (stage, reason):
            return
        mute = Mute(at=now, stage=stage, reason=reason, alert_id=alert_id, incident_id=incident_id)
        self._remember(mute)
        self._emit(mute)

    def forget(self, *, alert_id: str | None = None, incident_id: str | None = None) -> None:
        """It went further, or is over: what is said of it next is new."""
        self._said.pop((alert_id, incident_id), None)

    def restore(self, mutes: Iterable[Mute]) -> None:
        """Go on with what was said before a restart."""
        for mute in mutes:
            self._remember(mute)

    def _remember(self, mute: Mute) -> None:
        self.lately.append(mute)
        self._said[mute.alert_id, mute.incident_id] = (mute.stage, mute.reason)
        if len(self._said) > REMEMBERED:
            self._said.popitem(last=False)
