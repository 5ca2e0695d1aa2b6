"""Who is told of an incident, and when: silence, routing, rate, digests."""

from collections.abc import Callable
from hashlib import blake2b

from ...core.alert import AlertKey, Severity
from ...core.desk import Muted, Page, PageKind
from ...core.incident import IncidentState
from ...core.instrument import Nanos
from ..ruleset import DeskRules
from . import wording
from .case import Case
from .channel import Channel, Entry
from .matching import fits
from .mutes import Mutes
from .quieting import Quiet

ALWAYS = frozenset(
    (
        PageKind.REMINDED,
        PageKind.ACKNOWLEDGEMENT_EXPIRED,
        PageKind.FLAPPING,
        PageKind.UNSILENCED,
    )
)
"""Told whatever `told_of` says: other rules decide whether they happen."""
_TO_THOSE_WHO_KNOW = frozenset((PageKind.RESOLVED, PageKind.ACKNOWLEDGED))
_NEWS = frozenset((PageKind.OPENED, PageKind.ESCALATED, PageKind.REOPENED))
_UNTAKEN = frozenset((PageKind.REMINDED, PageKind.ACKNOWLEDGEMENT_EXPIRED))
_AWAKE = (IncidentState.OPEN, IncidentState.ACKNOWLEDGED)


class Pager:
    """Makes the pages of incidents, and the digests of channels."""

    def __init__(
        self, rules: DeskRules, quiet: Quiet, mutes: Mutes, emit: Callable[[Page], None]
    ) -> None:
        self.rules = rules
        self.channels: dict[str, Channel] = {}
        self.owing: dict[str, Case] = {}
        self.told = 0
        self._quiet = quiet
        self._mutes = mutes
        self._emit = emit

    # -- one incident ----------------------------------------------------------------------------

    def tell(self, case: Case, kind: PageKind, now: Nanos, number: int | None = None) -> None:
        """Tell of an incident; `number` is the event it is about, else the last one."""
        if kind not in ALWAYS and kind not in self.rules.told_of:
            return
        number = number or case.incident.version
        muted = self.why_quiet(case, now)
        if muted is not None:
            stage, why = muted
            self._mutes.say(stage, f"{kind}: {why}", now, incident_id=case.incident.id)
            self._owe(case, kind, number)
            return
        channels = self._channels(case, kind)
        if not channels:
            if kind not in _TO_THOSE_WHO_KNOW:
                said = f"no route fits {case.lead()[0]} ({case.lead()[1]}): nobody is told"
                self._mutes.say(Muted.UNROUTED, said, now, incident_id=case.incident.id)
            return
        entry = _entry(case, kind, now, number)
        free = tuple(name for name in channels if self._leaves(case, entry, name, now))
        self.settle(case)
        if len(free) == len(channels):
            self._mutes.forget(incident_id=case.incident.id)
        if free:
            self.told += 1
            self._emit(_page(case, entry, free))

    def why_quiet(self, case: Case, now: Nanos) -> tuple[Muted, str] | None:
        """Return why nobody is paged of an incident: all that opens one, or else all of it, is
        silenced or maintained."""
        alerts = [(alert.key, alert.severity) for alert in case.firing.values()]
        opening = [each for each in alerts if each[1] >= self.rules.opens_from]
        why = None
        for key, severity in opening or alerts or [case.lead()]:
            why = self._quiet.why(key, severity, now)
            if why is None:
                return None
        return why

    def pay(self, now: Nanos) -> None:
        """Tell what was kept quiet about, where nothing keeps quiet any more."""
        for case in tuple(self.owing.values()):
            self.pay_one(case, now)

    def pay_one(self, case: Case, now: Nanos) -> None:
        """Tell what is owed of one incident, unless something still keeps quiet about it."""
        owed, state = case.told.owed, case.incident.state
        if owed is None or self.why_quiet(case, now) is not None:
            return
        kind, number = owed
        if kind is PageKind.RESOLVED or state in _AWAKE:
            self.settle(case)
            self._mutes.forget(incident_id=case.incident.id)
            self.tell(case, kind, now, number)

    def settle(self, case: Case) -> None:
        """Owe nothing more of an incident."""
        case.told.owed = None
        self.owing.pop(case.incident.id, None)

    def _owe(self, case: Case, kind: PageKind, number: int) -> None:
        """Remember what was kept quiet about. That it flaps is no news later; and whoever does not
        know of it yet is told of it, not reminded."""
        told = case.told
        if kind in _NEWS:
            told.owed = PageKind.UNSILENCED, number
        elif kind is PageKind.RESOLVED or (kind in _UNTAKEN and told.owed is None):
            told.owed = kind, number
        if told.owed is not None:
            self.owing[case.incident.id] = case

    def _channels(self, case: Case, kind: PageKind) -> tuple[str, ...]:
        known = case.told.channels
        if kind in _TO_THOSE_WHO_KNOW:
            return tuple(known)
        return tuple(dict.fromkeys((*self.route(*case.lead()), *known)))

    def route(self, key: AlertKey, severity: Severity) -> tuple[str, ...]:
        """Return whom to tell of what is like this."""
        names: dict[str, None] = {}
        for route in self.rules.routes:
            if fits(route.matcher, key, severity):
                names.update(dict.fromkeys(route.channels))
                if not route.goes_on:
                    break
        return tuple(names)

    def _leaves(self, case: Case, entry: Entry, name: str, now: Nanos) -> bool:
        """Whether a page leaves by a channel now; else it waits for the digest."""
        channel = self.channels.get(name)
        if channel is None:
            channel = self.channels[name] = Channel(name)
        every, told = self.rules.group_every, case.told.channels
        known = entry.kind in _TO_THOSE_WHO_KNOW
        # Who heard of it in a digest only hears of its end in one, too.
        alone = not known or told.get(name, False)
        # An end always leaves by itself where its beginning did, or a service that pairs the two would
        # hold it open: no more of them than of beginnings.
        ends = known and entry.kind is PageKind.RESOLVED
        if alone and (ends or channel.takes(now, burst=self.rules.burst, every=every)):
            channel.waiting.pop(case.incident.id, None)
            told[name] = True
            return True
        told.setdefault(name, False)
        channel.wait(entry, now, every=every)
        said = f"{entry.kind}: waits for the next digest of {name}"
        self._mutes.say(Muted.RATE, said, now, incident_id=case.incident.id)
        return False

    # -- digests ---------------------------------------------------------------------------------

    def digests(self, now: Nanos) -> None:
        """Send the digests that are due."""
        for channel in self.channels.values():
            if channel.due is not None:
                entries = channel.digest(now, burst=self.rules.burst, every=self.rules.group_every)
                if entries:
                    self.told += 1
                    self._emit(_digest(channel.name, entries, now))


def _entry(case: Case, kind: PageKind, now: Nanos, number: int) -> Entry:
    incident = case.incident
    over = kind is PageKind.RESOLVED
    return Entry(
        incident_id=incident.id,
        key=f"{incident.id}/{number}/{kind}",
        kind=kind,
        at=now,
        severity=incident.worst_severity if over else incident.severity,
        symbol=incident.symbol,
        title=wording.title(case, kind),
    )


def _page(case: Case, entry: Entry, channels: tuple[str, ...]) -> Page:
    incident = case.incident
    return Page(
        key=entry.key,
        kind=entry.kind,
        at=entry.at,
        severity=entry.severity,
        title=entry.title,
        text=wording.text(case, entry.kind, entry.at),
        channels=channels,
        of=(incident.id,),
        symbol=incident.symbol,
        starts_at=incident.opened_at,
        ends_at=incident.resolved_at if entry.kind is PageKind.RESOLVED else None,
        labels=wording.labels(case),
    )


def _digest(channel: str, entries: tuple[Entry, ...], now: Nanos) -> Page:
    """Make one page of what waited. Its key follows from what it tells, so that the same digest
    made again after a restart is the same notification."""
    told = blake2b("\n".join(sorted(entry.key for entry in entries)).encode(), digest_size=8)
    symbols = {entry.symbol for entry in entries}
    return Page(
        key=f"digest/{told.hexdigest()}",
        kind=PageKind.DIGEST,
        at=now,
        severity=max(entry.severity for entry in entries),
        title=wording.digest_title(entries),
        text=wording.digest_text(entries),
        channels=(channel,),
        of=tuple(entry.incident_id for entry in entries),
        symbol=symbols.pop() if len(symbols) == 1 else "",
        labels={"alertname": "digest", "incidents": str(len(entries))},
    )
