"""A divergence said plainly: which venue left, how unusual it is, what it costs, what to do."""

from collections.abc import Collection
from decimal import Decimal

from ..core.alert import PAIR, Alert
from ..core.instrument import Nanos, Symbol, VenueName
from .departures import Departure
from .pair import BPS, Pair, Quote
from .sentence import ACTIONS, ADVICE, span_of

CENT = Decimal("0.01")


class DivergenceTeller:
    """Says what alerts of divergence say. `size`: what is to be executed at once, in quote."""

    def __init__(self, symbol: Symbol, size: Decimal | None) -> None:
        self.symbol = symbol
        self.size = size

    def departed(self, departure: Departure) -> str:
        """Return the sentence of an alert that fires."""
        pair, left = departure.pair, departure.left
        said = [self._who(departure), _usual(pair), self._cost(departure.value)]
        if left is None:
            said.append("With no third venue to compare it cannot be said which of them left.")
        said.append(ADVICE[ACTIONS[departure.severity]])
        if left is not None:
            said.append(f"Do not price from {left.venue} until it is back.")
        return " ".join(each for each in said if each)

    def _who(self, departure: Departure) -> str:
        pair, value = departure.pair, departure.value
        beyond = "" if pair.alike else " beyond their usual premium"
        limit = f"from {departure.limit:g} bps on it counts"
        if departure.left is None:
            dear = pair.one if (pair.deviation or 0.0) > 0 else pair.other
            cheap = pair.beside(dear)
            return (
                f"{self.symbol} is {value:.1f} bps dearer on {dear.venue} than on {cheap.venue}"
                f"{beyond}; {limit}."
            )
        left = departure.left
        way = "above" if (pair.of(left) or 0.0) > 0 else "below"
        among = f"apart from {departure.strained} of {departure.others} others"
        return (
            f"{left.venue} has left the other venues of {self.symbol}: it is {value:.1f} bps {way} "
            f"{pair.beside(left).venue}{beyond}, and {among}; {limit}."
        )

    def impact(self, bps: float | None) -> Decimal | None:
        """Return what so many bps of the size are, in quote, to the hundredth; None: unknown."""
        if self.size is None or bps is None:
            return None
        return (self.size * Decimal(bps) / BPS).quantize(CENT)

    def _cost(self, bps: float) -> str:
        if (more := self.impact(bps)) is None:
            return ""
        return f"Executing {self.size:,f} on the wrong one of them costs {more:,.0f} more."

    def came_back(self, alert: Alert, lasted: Nanos) -> str:
        """Return the sentence of an alert that resolved."""
        who = " and ".join(alert.key.venue.split(PAIR))
        agree = "agree" if PAIR in alert.key.venue else "agrees with the others"
        return (
            f"{who} {agree} about {self.symbol} again after {span_of(lasted)}; "
            f"it was {alert.worst_severity} at its worst. Resume as usual."
        )

    def gone(self, venue: VenueName) -> str:
        """Return the sentence of an alert whose venue is compared no more."""
        return (
            f"{venue} is no longer compared with the other venues of {self.symbol}; "
            f"nothing says that they agree again."
        )

    def rebased(self, alert: Alert) -> str:
        """Return the sentence of an alert that a person ended by calling the difference normal."""
        return (
            f"The premium of {alert.key.venue.replace(PAIR, ' and ')} {self.symbol} as it is now was "
            f"declared the usual one; it has not come back."
        )

    def blind(self, fresh: Collection[Quote], others: Collection[Quote]) -> str:
        """Return the sentence of an alert that nothing can be compared."""
        seen = f"only {next(iter(fresh)).venue} is" if fresh else "none is"
        missing = ", ".join(quote.venue for quote in others)
        return (
            f"{self.symbol} cannot be compared across venues: {seen} live and fresh, and not "
            f"{missing}. A venue that leaves the others would not be noticed, and what it would "
            f"cost is unknown. Look why their feeds are gone, and trust no single price."
        )

    def seeing(self, alert: Alert, lasted: Nanos) -> str:
        """Return the sentence of a blindness that is over."""
        return f"{self.symbol} is compared across venues again after {span_of(lasted)}."


class ExecutableTeller(DivergenceTeller):
    """Says what alerts of an executable difference say."""

    def departed(self, departure: Departure) -> str:
        """Return the sentence of an alert that fires."""
        found = departure.pair.executable()
        assert found is not None
        whom = f" {departure.left.venue} has left the others." if departure.left is not None else ""
        beyond = "" if found.beyond is None or departure.pair.alike else _without(found.beyond)
        return (
            f"Buying {self.symbol} on {found.buy} and selling it on {found.sell} gains "
            f"{found.bps:.1f} bps after both fees{beyond}, on {found.size:f} of it.{whom} "
            f"{self._loss(departure)}"
            f"{ADVICE[ACTIONS[departure.severity]]}"
        )

    def _loss(self, departure: Departure) -> str:
        if (lost := self.impact(departure.value)) is None:
            return ""
        return f"Whoever quotes {self.size:,f} at these prices may lose {lost:,.0f}. "

    def came_back(self, alert: Alert, lasted: Nanos) -> str:
        """Return the sentence of an alert that resolved."""
        return (
            f"{alert.key.venue.replace(PAIR, ' and ')} {self.symbol}: nothing is left to take after "
            f"fees; it lasted {span_of(lasted)}. Resume as usual."
        )


def _without(bps: float) -> str:
    return f", {bps:.1f} without the usual premium"


def _usual(pair: Pair) -> str:
    """Say how unusual it is, where that is known."""
    if pair.alike or pair.premium is None:
        return ""
    noise = pair.noise
    times = (
        "" if not noise else f", {abs(pair.deviation or 0.0) / noise:.0f} times what that varies by"
    )
    return (
        f"{pair.one.venue} is {pair.raw:+.1f} bps from {pair.other.venue}, "
        f"usually {pair.premium:+.1f}{times}."
    )
