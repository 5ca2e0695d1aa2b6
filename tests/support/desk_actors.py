"""Three people, a market and a clock, around one desk: what may happen, and what must always hold."""

from random import Random

from tests.support.desk import Watched

from tidegauge.core.alert import ALL, AlertKey, Severity, Signal, pair_of
from tidegauge.core.desk import Matcher, Order, OrderKind, Silence
from tidegauge.core.incident import IncidentState
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.risk.desk.incidents import subject_of
from tidegauge.risk.ruleset import DeskRules, Maintenance, Route

KEYS = (
    *(
        AlertKey(signal=Signal.CRUNCH, symbol=symbol, venue=venue)
        for symbol in ("BTCUSDT", "ETHUSDT")
        for venue in ("binance", "bybit")
    ),
    AlertKey(signal=Signal.DIVERGENCE, symbol="BTCUSDT", venue=pair_of("binance", "bybit")),
    AlertKey(signal=Signal.BLIND, symbol="BTCUSDT", venue=ALL),
    AlertKey(signal=Signal.VENUE_DOWN, symbol=ALL, venue="binance"),
    AlertKey(signal=Signal.VENUE_DEGRADED, symbol=ALL, venue="binance"),
    AlertKey(signal=Signal.SYMBOL_DARK, symbol="BTCUSDT", venue=ALL),
)
ACTORS = ("anna", "ben", "chiara")
SPANS = (0, SECOND, 10 * SECOND, 61 * SECOND, 400 * SECOND, 4_000 * SECOND)
RULES = (
    DeskRules(
        routes=(
            Route(
                matcher=Matcher(severities=(Severity.CRITICAL,)), channels=("pager",), goes_on=True
            ),
            Route(matcher=Matcher(), channels=("slack",)),
        ),
        told_of=("opened", "escalated", "reopened", "acknowledged", "resolved"),
    ),
    DeskRules(
        routes=(Route(matcher=Matcher(symbols=("ETH*",)), channels=("mail",)),),
        opens_from=Severity.WARNING,
        burst=1,
        maintenance=(
            Maintenance(
                name="weekly",
                matcher=Matcher(venues=("bybit",)),
                day_starts=16 * 3_600 * SECOND,
                lasts=7_200 * SECOND,
            ),
        ),
        remind_after=None,
        inhibitions=(),
    ),
)
WANTED = (
    OrderKind.ACKNOWLEDGE,
    OrderKind.COMMENT,
    OrderKind.RESOLVE,
    OrderKind.SILENCE,
    OrderKind.EXPIRE_SILENCE,
)


class Room(Watched):
    """A desk with people around it. Each method is something that may happen at any time."""

    def __init__(self, first: int = 0) -> None:
        super().__init__(RULES[first])
        self.stale: tuple[bytes, int] | None = None
        self.mistold = False

    def market(self, key: AlertKey, severity: Severity) -> None:
        """An alert fires, gets worse, or fires on."""
        known = self.alerts.get(key)
        worst = severity if known is None else max(known.severity, severity)
        self.fire(key, worst)

    def calm(self, key: AlertKey) -> None:
        if key in self.alerts:
            self.clear(key)

    def look_away(self, key: AlertKey) -> None:
        if key in self.alerts:
            self.unsee(key, seen=self.alerts[key].unobserved_since is not None)

    def person(
        self, actor: str, kind: OrderKind, which: int, version: int | None, *, twice: bool
    ) -> None:
        """Somebody orders something of one of the last incidents, perhaps as of an old version."""
        known = list(self.reader.incidents.values())[-8:]
        incident = known[which % len(known)] if known else None
        silences = sorted(self.desk.quiet.silences)
        order = Order(
            id=f"{actor}-{self.ordered}",
            kind=kind,
            at=self.now,
            actor=actor,
            comment="\x1b[31m<b>look</b>\n",
            incident_id="INC-nobody" if incident is None else incident.id,
            version=None if version is None or incident is None else incident.version - version,
            silence=Silence(
                id="",
                matcher=Matcher(venues=(("binance", "by*")[which % 2],)),
                starts_at=self.now,
                ends_at=self.now + (1 + which) * 60 * SECOND,
                author=actor,
                comment="known",
            ),
            silence_id=silences[which % len(silences)] if silences else "none",
        )
        before = {each.id: each.version for each in self.reader.incidents.values()}
        outcome = self.order(order)
        after = {each.id: each.version for each in self.reader.incidents.values()}
        if not outcome.done:
            assert before == after
        if incident is not None and kind in WANTED[:3]:
            stale = version is not None and version != 0
            over = incident.state is IncidentState.RESOLVED and kind is not OrderKind.COMMENT
            assert outcome.done == (not stale and not over), outcome.said
        if twice:
            assert self.desk.order(order, self.now + SECOND) == outcome
            assert after == {each.id: each.version for each in self.reader.incidents.values()}

    def wait(self, span: Nanos) -> None:
        self.now += span
        self.desk.tick(self.now)

    def adopt(self, which: int) -> None:
        self.rules = RULES[which]
        self.desk.adopt(self.rules, self.now)

    def keep(self) -> None:
        """The state is kept; a crash may come any time later."""
        self.stale = self.kept(), len(self.all_events())

    def end_and_begin(self) -> None:
        """A restart that was meant: all is kept, and nothing changes by it."""
        before = self.desk.view(self.now)
        told = len(self.reader.pages)
        self.restart()
        assert len(self.reader.pages) == told
        after = self.desk.view(self.now)
        assert set(after.incidents) == set(before.incidents)
        assert set(after.alerts) == set(before.alerts)
        assert after.silences == before.silences
        self.hear()

    def crash(self, *, lost: bool) -> None:
        """A restart out of the blue: the log has all, the state is old, or gone."""
        events = self.all_events()
        if self.stale is None or lost:
            self.restart(lost=True, since=events)
        else:
            self.restart(state=self.stale[0], since=events)
        self.mistold = True
        self.hear()

    def hear(self) -> None:
        """The detectors, which kept their state, tell what fires."""
        for alert in self.alerts.values():
            self.desk.alert(alert, self.now)

    def check(self) -> None:
        """What must hold after each step."""
        desk, incidents = self.desk, self.desk.incidents
        current = {case.incident.id: case.incident for case in incidents.open.values()}
        assert set(current) == set(self.reader.open.values())
        assert all(self.reader.incidents[each] == current[each] for each in current)
        for alert in self.alerts.values():
            case = incidents.open.get(subject_of(alert))
            inside = case is not None and alert.id in case.incident.firing
            inhibited = desk.intake._inhibitions.held_by(alert.key) is not None
            mild = case is None and alert.severity < self.rules.opens_from
            assert inside or inhibited or mild or alert.id in incidents.dismissed, alert
            assert desk.intake.firing[alert.key].alert.id == alert.id
        if not self.mistold:
            assert not self.reader.repeated
            fires = {alert.id for alert in self.alerts.values()}
            for incident in current.values():
                assert set(incident.firing) <= fires


def anything(room: Room, random: Random, *, crashes: bool = False) -> None:
    """Let one thing happen."""
    dice = random.random()
    key = random.choice(KEYS)
    if dice < 0.30:
        room.market(key, random.choice(tuple(Severity)))
    elif dice < 0.50:
        room.calm(key)
    elif dice < 0.53:
        room.look_away(key)
    elif dice < 0.78:
        version = random.choice((None, None, 0, 1, -1))
        twice = random.random() < 0.1
        kind = random.choice(WANTED)
        room.person(random.choice(ACTORS), kind, random.randrange(8), version, twice=twice)
    elif dice < 0.995:
        room.wait(random.choice(SPANS))
    elif crashes and random.random() < 0.5:
        room.crash(lost=random.random() < 0.2)
    else:
        random.choice((room.keep, room.end_and_begin, lambda: room.adopt(random.randrange(2))))()
