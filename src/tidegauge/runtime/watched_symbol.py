"""One symbol over all of its venues: what is judged of it, and what a restart must not lose."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from tidegauge.core.alert import ALL, Alert, Signal
from tidegauge.core.instrument import SECOND, Nanos, Symbol, VenueName
from tidegauge.core.reading import Taker
from tidegauge.core.trust import Trust
from tidegauge.risk.composite import Composite
from tidegauge.risk.divergence import Divergence, QuoteFacts
from tidegauge.risk.health import SymbolHealth
from tidegauge.risk.inputs import Judged
from tidegauge.risk.ruleset import RuleSet
from tidegauge.risk.signal_settings import DivergenceSettings, StressSettings
from tidegauge.risk.stress import Stress

from .kept import SymbolState
from .view import SymbolView
from .watched_book import WatchedBook

GATHERED_WITHIN: Nanos = 30 * SECOND
"""So long after a restart what was kept of a symbol waits for all of its venues."""


class WatchedSymbol:
    """One symbol: its books, and what is judged over all of them."""

    def __init__(self, symbol: Symbol, rules: RuleSet) -> None:
        self.symbol = symbol
        self.books: dict[VenueName, WatchedBook] = {}
        self.since: Nanos = 0
        self.trace = f"{ALL}/0/0"
        self.kept: SymbolState | None = None
        """What is still to be gone on with: once the venues it speaks of are watched again."""
        divergence, stress = settings_of(symbol, rules)
        self._rules = rules
        self._size: Decimal | None = stress.execution_size if symbol in rules.stress_of else None
        """What is to be executed at once; None: nobody said, and no book is known well enough."""
        self.divergence = Divergence(symbol, divergence, {}, stress.execution_size)
        self.stress = Stress(symbol, stress, {}, divergence.taker_bps)
        self.composite = Composite(rules.composite)
        self.health = SymbolHealth(symbol, rules.health)

    def live(self) -> dict[VenueName, WatchedBook]:
        """The books that may be believed now."""
        return {
            venue: book
            for venue, book in self.books.items()
            if book.keeper.trust is Trust.LIVE and book.keeper.quotable
        }

    def sample(self, at: Nanos) -> list[Alert]:
        """Judge what is judged at the cadence."""
        issued: list[Alert] = []
        self.since = self.since or at
        if self.kept is not None:
            late = at - self.since > GATHERED_WITHIN
            if not late and not self.books.keys() >= set(self.kept.venues):
                return issued
            issued += self.go_on(at)
        live = self.live()
        issued += self.divergence.sample(at, self.trace)
        self._fit_size(live.values())
        if self._size is not None:
            fresh = {venue: book.keeper.book for venue, book in live.items()}
            issued += self.stress.sample(fresh, at, self.trace)
        issued += self.health.tick(at, self.trace)
        self.composite.observe(self._parts(live.values()), at)
        return issued

    def impact(self, alert: Alert) -> Decimal | None:
        """What the configured size costs more than usual, in quote, as far as an alert speaks of it."""
        if alert.key.signal == Signal.STRESS:
            return self.stress.impact(Taker(alert.key.side))
        if alert.key.signal in (Signal.DIVERGENCE, Signal.EXECUTABLE):
            return self.divergence.impact(alert)
        return None

    def _fit_size(self, live: Iterable[WatchedBook]) -> None:
        """Where nobody said what is to be executed, no more than what a book takes on a usual day."""
        if self.symbol in self._rules.stress_of:
            return
        usual = [book.detector.reference_notional for book in live if book.detector is not None]
        largest = max((size for size in usual if size is not None), default=None)
        if largest is None:
            return
        size = min(self._rules.stress.execution_size, largest)
        if size != self._size:
            self._size = size
            self._adopt_sizes(replace(self._rules.stress, execution_size=size))

    def _adopt_sizes(self, stress: StressSettings) -> None:
        divergence, _stress = settings_of(self.symbol, self._rules)
        self.divergence.adopt(divergence, stress.execution_size)
        self.stress.adopt(stress, divergence.taker_bps)

    def _parts(self, live: Iterable[WatchedBook]) -> dict[str, float | None]:
        """What the score is made of. Of the books that are judged, half are at least as bad."""
        inputs = [book.detector.inputs for book in live if book.detector is not None]
        seen = [each for each in inputs if each is not None]
        slippages = [(each.sell, each.buy) for each in seen]
        total = len(self.books)
        return {
            "crunch": _middle(each.depth.harm for each in seen if each.depth is not None),
            "spread": _middle(_times(each.spread) for each in seen),
            "slippage": _middle(_worse(_times(sell), _times(buy)) for sell, buy in slippages),
            "divergence": self.divergence.judged_bps,
            "stress": self.stress.status().share,
            "health": 1 - len(self.live()) / total if total else None,
        }

    def terms(self) -> tuple[StressSettings, Mapping[VenueName, float]]:
        """By what a size is judged, and what a taker pays, in bps."""
        divergence, stress = settings_of(self.symbol, self._rules)
        return stress, divergence.taker_bps

    def adopt(self, rules: RuleSet) -> None:
        self._rules = rules
        _divergence, stress = settings_of(self.symbol, rules)
        self._size = stress.execution_size if self.symbol in rules.stress_of else None
        self._adopt_sizes(stress)
        self.composite.adopt(rules.composite)
        self.health.adopt(rules.health)

    def snapshot(self) -> SymbolState:
        return self.kept or SymbolState(
            venues=tuple(self.books),
            divergence=self.divergence.snapshot(),
            stress=self.stress.snapshot(),
            composite=self.composite.snapshot(),
            health=self.health.snapshot(),
        )

    def go_on(self, at: Nanos) -> list[Alert]:
        """Go on with what was kept, if it is not done yet; what cannot be, begins anew."""
        state, self.kept = self.kept, None
        if state is None:
            return []
        try:
            return self._restore(state, at)
        except ValueError:
            divergence, stress = settings_of(self.symbol, self._rules)
            facts = {venue: facts_of(book) for venue, book in self.books.items()}
            self.divergence = Divergence(self.symbol, divergence, facts, stress.execution_size)
            return []

    def _restore(self, state: SymbolState, at: Nanos) -> list[Alert]:
        issued = [*self.divergence.restore(state.divergence, at, self.trace)]
        self.stress.restore(state.stress, at)
        self.composite.restore(state.composite, at)
        self.health.restore(state.health, at)
        fire = (self.divergence, self.stress, self.health)
        return [*issued, *(alert for each in fire for alert in each.status().alerts)]

    def view(self) -> SymbolView:
        return SymbolView(
            symbol=self.symbol,
            score=self.composite.status(),
            divergence=self.divergence.status(),
            stress=self.stress.status(),
        )


def facts_of(book: WatchedBook) -> QuoteFacts:
    """Return what makes two quotes of one symbol comparable. Quotes that count as one another for
    finding an instrument are still apart here: it is their premium that tells of a depeg."""
    instrument = book.keeper.instrument
    return QuoteFacts(instrument.kind, instrument.quote)


def settings_of(symbol: Symbol, rules: RuleSet) -> tuple[DivergenceSettings, StressSettings]:
    """Return what is said of one symbol, in place of what is said of all."""
    divergence = rules.divergence_of.get(symbol, rules.divergence)
    return divergence, rules.stress_of.get(symbol, rules.stress)


def _times(judged: Judged | None) -> float | None:
    """How many times its usual an input is."""
    if judged is None or judged.value is None or not judged.baseline:
        return None
    return judged.value / judged.baseline


def _worse(one: float | None, other: float | None) -> float | None:
    return max((each for each in (one, other) if each is not None), default=None)


def _middle(values: Iterable[float | None]) -> float | None:
    """Return the upper median of what is known: half of the books are at least as bad."""
    known = sorted(value for value in values if value is not None)
    return known[len(known) // 2] if known else None
