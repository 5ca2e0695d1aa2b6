"""Runs a fire drill: a generated market through the real feeds, books, monitor and desk.

In virtual time, with a rule set of one's own. Nobody is notified and nothing is stored: what the
monitor and the desk emit is kept here, and judged by `drill_verdict`.
"""

from collections.abc import Iterator

from tidegauge.core.alert import Alert
from tidegauge.core.instrument import DAY, HOUR, MILLISECOND, SECOND, Nanos
from tidegauge.risk.ruleset import RuleSet
from tidegauge.simulator.drill_market import DrillPrice
from tidegauge.simulator.drill_plan import Drill
from tidegauge.simulator.drill_venue import DrillVenue
from tidegauge.simulator.drills import SYMBOL
from tidegauge.wire.effects import Effect

from .drill_costs import DrillCosts
from .drill_notes import DrillNotes, unheard
from .drill_outcome import Cost, DrillOutcome
from .drill_verdict import judged
from .monitor import Monitor, MonitorPlan

STARTS_AT: Nanos = 20_654 * DAY + 14 * HOUR
"""When each drill begins: Monday, 2026-07-20, 14:00 UTC. Maintenance windows of the rules count."""

STEP: Nanos = 125 * MILLISECOND
"""The venues take turns."""
_TICK: Nanos = SECOND // 2
_LEARN_EVERY: Nanos = 10 * SECOND
_NEVER: Nanos = 365 * DAY


def run_drill(drill: Drill, rules: RuleSet, seed: int) -> DrillOutcome:
    """Run a drill; the same rules and seed give the same outcome. Times in it are since it began."""
    rehearsal = _Rehearsal(drill, rules, seed)
    rehearsal.run()
    return judged(rehearsal.outcome(), drill, rules)


class _Rehearsal:
    """One drill while it runs, and what came of it."""

    def __init__(self, drill: Drill, rules: RuleSet, seed: int) -> None:
        self.drill = drill
        self.seed = seed
        self.now = STARTS_AT
        self.venues = {each.venue: DrillVenue(each, "BTC", SYMBOL, seed) for each in drill.books}
        self.price = DrillPrice(seed)
        self.costs = DrillCosts(self.venues, rules.stress.execution_size)
        self.notes = DrillNotes(STARTS_AT, self._cost)
        plan = MonitorPlan(rules=unheard(rules), write_every=_NEVER)
        self.monitor = Monitor(plan, self.notes.take)
        for venue in self.venues.values():
            self.monitor.watch(venue.feed)

    def run(self) -> None:
        """Let the whole of it happen."""
        for elapsed in range(0, self.drill.lasts, STEP):
            self.now = STARTS_AT + elapsed
            self.monitor.advance(self.now)
            self.price.step(STEP / SECOND)
            for venue in self._whose_turn(elapsed // STEP):
                self._tell(venue, elapsed)
            if elapsed % _TICK == 0:
                for venue in self.venues.values():
                    self._handle(venue, venue.tick(self.now))
            if elapsed < self.drill.begins_at and elapsed % _LEARN_EVERY == 0:
                self.costs.learn(self.now)

    def outcome(self) -> DrillOutcome:
        notes = self.notes
        return DrillOutcome(
            drill=self.drill.name,
            seed=self.seed,
            lasts=self.drill.lasts,
            begins_at=self.drill.begins_at,
            ends_at=self.drill.ends_at,
            alerts=tuple(notes.alerts.values()),
            incidents=tuple(notes.incidents.values()),
            pages=tuple(notes.pages),
            mutes=tuple(notes.mutes.values()),
            events=dict(sorted(notes.events.items())),
        )

    def _whose_turn(self, step: int) -> Iterator[DrillVenue]:
        for number, venue in enumerate(self.venues.values()):
            if (step - number) % (SECOND // STEP // venue.book.updates) == 0:
                yield venue

    def _tell(self, venue: DrillVenue, elapsed: Nanos) -> None:
        troubles = [each for each in self.drill.troubles if each.holds(venue.name, elapsed)]
        conditions = self.drill.conditions(venue.name, elapsed)
        self._handle(venue, venue.tell(self.now, self.price.bps, conditions, troubles))

    def _handle(self, venue: DrillVenue, effects: list[Effect]) -> None:
        while effects:
            effects = venue.take(self.monitor.handle(effects, self.now), self.now)

    def _cost(self, alert: Alert) -> Cost | None:
        return self.costs.cost(alert.key.venues, self.now)
