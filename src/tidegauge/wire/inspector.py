"""Asks a venue by REST whether the books kept from its stream are right: now and then, and in doubt.

A book that falls silent is probed shortly before its patience ends, so that a quiet market is told
from a dead stream in time. A live book is audited at a cadence; what differs must differ again
before it counts.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TypeAlias

from tidegauge.core.errors import FeedError
from tidegauge.core.events import BookDelta, BookSnapshot, BookTouch
from tidegauge.core.instrument import MILLISECOND, MINUTE, SECOND, Nanos
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.trust import Trust

from .audit import BookAudit, Comparison
from .protocol import Audit, Fetch, Response
from .silence import Silence

AUDIT_EVERY: Nanos = 300 * SECOND
UNCHECKED_EVERY: Nanos = 60 * SECOND
"""How often a book is audited whose protocol has nothing to check it by any more."""

MARGIN: Nanos = 2 * SECOND
"""How long before the request the sizes of a book are remembered: answers come from caches."""

SETTLE: Nanos = SECOND
"""How long after the answer what it tells may still be on its way on the stream."""

CONFIRM_AFTER: Nanos = 10 * SECOND
ANSWER_WITHIN: Nanos = 15 * SECOND
PROBE_AHEAD: Nanos = 2_500 * MILLISECOND
"""How long before its patience ends a silent book is probed: an answer, and time to settle."""

LONGEST_LEAD: Nanos = 2 * SECOND
AUDITS_A_MINUTE, ASKED_A_MINUTE = 10, 20
"""Requests of the cadence, and all of them, in any minute; what is left is for probes."""

STRIKES = 2
"""A venue's REST that differs so often in a row, each time after a resync, is not comparable."""

OK, LIMITED, REFUSED = 200, {429: 60.0, 418: 120.0}, {401: 300.0, 403: 300.0, 451: 300.0}
"""HTTP statuses, and the seconds to ask for nothing where the venue does not say how long."""


class Found(StrEnum):
    QUIET = "quiet"
    """A silent book is as the venue's own: nothing was missed."""
    DEAD = "dead"
    """A silent book differs from the venue's, and no update came that would explain it."""
    SAME = "same"
    DIFFERENT = "different"
    """The same levels differed twice."""
    INCOMPARABLE = "incomparable"
    """They differ right after each resync, too: the venue's REST tells another book."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What an answer said of a book: `different` of `levels` differ."""

    instrument: str
    found: Found
    levels: int
    different: int


@dataclass(slots=True)
class AuditTally:
    """What the audits of one book found so far. `differences` are levels that differed twice."""

    audits: int = 0
    levels: int = 0
    differences: int = 0
    last_at: Nanos | None = None
    last_different: int = 0

    def add(self, levels: int, different: int, now: Nanos) -> None:
        """Count one audit."""
        self.audits += 1
        self.levels += levels
        self.differences += different
        self.last_at, self.last_different = now, different


Wanted: TypeAlias = list[Fetch | Finding]


@dataclass(slots=True)
class Case:
    """One book: when it is due, and the audit that is open."""

    keeper: BookKeeper
    silence: Silence
    every: Nanos
    due_at: Nanos | None = None
    audit: BookAudit | None = None
    probing: bool = False
    ask_at: Nanos = 0
    asked_at: Nanos | None = None
    told: BookSnapshot | None = None
    told_at: Nanos = 0
    number: int = 0
    first: Comparison | None = None
    strikes: int = 0
    tally: AuditTally = field(default_factory=AuditTally)

    def close(self) -> None:
        self.audit = self.asked_at = self.told = None
        self.probing = False


class Inspector:
    """Watches the silences of a feed's books, and has them compared with what REST tells.

    `audit` None, or `every` None, asks for nothing: silence then is judged by its length alone.
    """

    def __init__(
        self, keepers: Mapping[str, BookKeeper], audit: Audit | None, silence_limit: Nanos | None,
        *, every: Nanos | None = AUDIT_EVERY,
    ) -> None:  # fmt: skip
        self._audit = None if every is None else audit
        self.cases = {
            name: Case(
                keeper,
                Silence(silence_limit, probed=self._audit is not None),
                every=AUDIT_EVERY if every is None else every,
            )
            for name, keeper in keepers.items()
        }
        self._ticked_at: Nanos | None = None
        self._lead: Nanos = SECOND
        self._not_before: Nanos = 0
        self._asked: deque[Nanos] = deque()
        self._numbers = 0

    # -- what the feed tells ---------------------------------------------------------------------

    def applying(self, event: BookSnapshot | BookDelta | BookTouch) -> None:
        """Call before an event is applied to its book."""
        case = self.cases[event.instrument]
        if case.audit is None:
            return
        if isinstance(event, BookDelta):
            case.audit.before(event)
        else:
            # The book is told anew, or its touch runs ahead of it: what was noted speaks of another.
            case.close()

    def heard(self, name: str, now: Nanos, *, afresh: bool) -> None:
        """The venue told of this book, which is live; `afresh`: it was not before."""
        case = self.cases[name]
        if not afresh:
            case.silence.heard(now)
        else:
            case.silence.begin(now)
            case.first = None
        if case.probing:
            case.close()

    def lost(self, name: str) -> None:
        """The book is not synchronised any more."""
        case = self.cases[name]
        case.close()
        case.first = None

    def unchecked(self, name: str) -> None:
        """Nothing in the stream proves this book any more: look at it more often."""
        case = self.cases.get(name)
        if case is not None:
            case.every = min(case.every, UNCHECKED_EVERY)
            if case.due_at is not None and case.keeper.updated_at is not None:
                case.due_at = min(case.due_at, case.keeper.updated_at + case.every)

    def limit(self, name: str, now: Nanos) -> Nanos | None:
        """Return the silence at which a book must go stale now, lest its limit pass between ticks."""
        patience = self.cases[name].silence.patience(now)
        return None if patience is None else max(1, patience - self._lead)

    def silence(self, name: str) -> Silence:
        return self.cases[name].silence

    def tally(self, name: str) -> AuditTally:
        """Return what the audits of this book found since the start."""
        return self.cases[name].tally

    def inherit(self, other: "Inspector") -> None:
        """Take over what another feed of the same venue learned of the same books."""
        for name, case in self.cases.items():
            known = other.cases.get(name)
            if known is not None:
                case.silence.learn_from(known.silence)
                case.tally, case.every, case.strikes = known.tally, known.every, known.strikes

    # -- the passing of time ---------------------------------------------------------------------

    def tick(self, now: Nanos) -> Wanted:
        """Open what is due, ask, and judge the answers that have settled."""
        if self._ticked_at is not None:
            self._lead = min(max(0, now - self._ticked_at), LONGEST_LEAD)
        if self._audit is None:
            self._ticked_at = now
            return []
        wanted: Wanted = []
        for index, case in enumerate(self.cases.values(), start=1):
            if self._ticked_at is None:
                # Staggered: the audits of many books must not come at once.
                case.due_at = now + case.every * index // len(self.cases)
            wanted += self._look_at(case, self._audit, now)
        self._ticked_at = now
        return wanted

    def _look_at(self, case: Case, audit: Audit, now: Nanos) -> Wanted:
        if case.asked_at is not None and now - case.asked_at > ANSWER_WITHIN:
            self._failed(case, now)
        if case.told is not None:
            return self._judge(case, now) if now - case.told_at >= SETTLE else []
        if case.keeper.trust is not Trust.LIVE:
            return []
        self._open(case, now)
        if case.audit is None or case.asked_at is not None or now < case.ask_at:
            return []
        if not self._affords(now, AUDITS_A_MINUTE if not case.probing else ASKED_A_MINUTE):
            if not case.probing:
                case.close()  # it would remember sizes for as long as REST is closed to us
            return []
        return [self._ask(case, audit, now)]

    def _open(self, case: Case, now: Nanos) -> None:
        """Begin to remember a book that is due, or doubted."""
        if case.keeper.book.bids.touched or case.probing:
            return
        patience = case.silence.patience(now)
        if patience is not None:
            ahead = min(PROBE_AHEAD + self._lead, patience // 2)
            case.probing = case.silence.silent_for(now) >= patience - ahead
        due = case.due_at is not None and now >= case.due_at and not self._under_way()
        if case.audit is None and (case.probing or due):
            case.audit, case.ask_at = BookAudit(case.keeper.book), now + MARGIN
        if case.probing:
            # Nothing has changed for long: there is nothing to remember before asking.
            case.ask_at = now

    def _ask(self, case: Case, audit: Audit, now: Nanos) -> Fetch:
        self._asked.append(now)
        self._numbers += 1
        case.asked_at, case.number = now, self._numbers
        return replace(audit.request(case.keeper.instrument), number=self._numbers)

    def _under_way(self) -> bool:
        return any(case.audit is not None and not case.probing for case in self.cases.values())

    def _affords(self, now: Nanos, most: int) -> bool:
        while self._asked and now - self._asked[0] >= MINUTE:
            self._asked.popleft()
        return now >= self._not_before and len(self._asked) < most

    def _failed(self, case: Case, now: Nanos) -> None:
        """No answer that says anything: a probe is not repeated, an audit put off."""
        probing = case.probing
        case.close()
        case.probing = probing
        if case.due_at is not None:
            case.due_at = max(case.due_at, now + case.every // 2)

    # -- answers ---------------------------------------------------------------------------------

    def answered(self, fetch: Fetch, response: Response, now: Nanos) -> list[Finding]:
        """Read an answer to one of our requests. One that nobody waits for is ignored.

        Raises the `FeedError` of an answer that cannot be read.
        """
        case = self.cases.get(fetch.instrument or "")
        if case is None or self._audit is None or case.asked_at is None:
            return []
        if case.audit is None or fetch.number != case.number:
            return []
        if response.status != OK:
            status = response.status
            seconds = LIMITED.get(status) or REFUSED.get(status, 0.0)
            if status in LIMITED:
                seconds = response.retry_after or seconds
            self._not_before = max(self._not_before, now + int(seconds * SECOND))
            self._failed(case, now)
            return []
        try:
            told = self._audit.read(case.keeper.instrument, response.body)
            seen = case.audit.compare(told)
        except FeedError:
            self._failed(case, now)
            raise
        if case.probing and not seen.different:
            return self._quiet(case, seen, now)
        case.told, case.told_at = told, now
        return []

    def _quiet(self, case: Case, seen: Comparison, now: Nanos) -> list[Finding]:
        case.close()
        case.strikes = 0
        case.silence.confirmed(now)
        return [self._finding(case, Found.QUIET, seen.levels, 0)]

    def _judge(self, case: Case, now: Nanos) -> Wanted:
        """Compare with what came until now: what REST told may have been on its way."""
        assert case.audit is not None
        assert case.told is not None
        seen = case.audit.compare(case.told)
        probing, first = case.probing, case.first
        assert case.asked_at is not None
        nothing_came = case.silence.silent_for(now) > now - case.asked_at
        case.close()
        if probing:
            return self._probed(case, seen, now)
        case.first, case.due_at = None, now + case.every
        if seen.different and first is None:
            case.first, case.due_at = seen, now + CONFIRM_AFTER - MARGIN
            return []
        lasting = 0 if first is None else first.lasting(seen)
        found = Found.SAME
        if lasting:
            case.strikes += 1
            found = Found.DIFFERENT if case.strikes <= STRIKES else Found.INCOMPARABLE
        else:
            case.strikes = 0
        case.tally.add(seen.levels, lasting, now)
        finding = self._finding(case, found, seen.levels, lasting)
        # What was not asked in doubt answers it all the same.
        quiet = nothing_came and not seen.different
        return [finding, *self._quiet(case, seen, now)] if quiet else [finding]

    def _probed(self, case: Case, seen: Comparison, now: Nanos) -> Wanted:
        if not seen.different:
            return [*self._quiet(case, seen, now)]
        if case.strikes > STRIKES:
            case.probing = True  # a REST book that always differs proves nothing
            return []
        return [self._finding(case, Found.DEAD, seen.levels, len(seen.different))]

    @staticmethod
    def _finding(case: Case, found: Found, levels: int, different: int) -> Finding:
        return Finding(
            instrument=case.keeper.instrument.name, found=found, levels=levels, different=different
        )
