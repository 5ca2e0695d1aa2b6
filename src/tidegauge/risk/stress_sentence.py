"""The stress of a size said plainly: what it would cost, how much is safe, what to do."""

from decimal import Decimal
from fractions import Fraction

from ..core.alert import Alert, Severity
from ..core.instrument import Nanos, Symbol
from ..core.reading import Taker
from .sentence import span_of
from .signal_settings import StressSettings
from .stress_report import Cost, StressReport, TakerStress
from .stress_split import Split

VERBS = {Taker.SELL: "Selling", Taker.BUY: "Buying"}
FEW = 100

MOST_PORTIONS = 4
"""Venues of a split that are named; the rest is summed up."""


def what_is_stressed(
    symbol: Symbol, report: StressReport, taker: Taker, settings: StressSettings, severity: Severity
) -> str:
    """Return the sentence of an alert that fires; the report has books."""
    found = report.of(taker)
    assert found.together is not None, "nothing is judged without a book"
    limit = settings.unsafe if severity >= Severity.HIGH else settings.elevated
    parts = [
        _happened(symbol, report, taker, found.together.judged),
        f"{'Unsafe' if severity >= Severity.HIGH else 'Elevated'} is from {limit * 100:.3g}%",
        _now(report, found.together.now),
        _most(found),
        "" if found.split is None else _cheapest(report, found.split),
        "Hold larger orders back until it clears."
        if severity >= Severity.HIGH
        else "Execute less at once.",
    ]
    return " ".join(part if part.endswith(".") else f"{part}." for part in parts if part)


def what_is_safe_again(
    symbol: Symbol, taker: Taker, size: Decimal, alert: Alert, lasted: Nanos
) -> str:
    """Return the sentence of an alert that resolved."""
    return (
        f"{VERBS[taker]} {money(size)} of {symbol} is safe again after {span_of(lasted)}; "
        f"it was {alert.worst_severity} at its worst. Execute as usual."
    )


def what_was_left(symbol: Symbol, taker: Taker) -> str:
    """Return the sentence of an alert whose symbol is watched no more."""
    return (
        f"{symbol} is no longer watched; nothing says that {VERBS[taker].lower()} it is safe again."
    )


def money(amount: Decimal | float) -> str:
    """Write an amount of quote, cut off: whole from a hundred on, below it with two decimals."""
    exact = Fraction(amount)
    return f"{int(exact):,d}" if exact >= FEW else f"{int(exact * 100) / 100:.2f}"


def _lost(report: StressReport, share: float) -> str:
    return f"{share:.2%} ({money(float(report.size) * share)})"


def _happened(symbol: Symbol, report: StressReport, taker: Taker, judged: Cost) -> str:
    venues = report.compared
    where = f"on {venues[0]}" if len(venues) == 1 else f"split over {len(venues)} fresh venues"
    what = f"{VERBS[taker]} {_sized(report)} of {symbol} {where}, with {judged.haircut:.0%} of every level gone,"
    if judged.slippage is None and not judged.floor:
        return f"{what} cannot be done: {judged.filled:.0%} of it would fill"
    share = judged.at_least if judged.floor else judged.slippage
    assert share is not None, "what breaches is known"
    return f"{what} loses {'at least ' if judged.floor else ''}{_lost(report, share)}"


def _now(report: StressReport, now: Cost) -> str:
    if now.slippage is None:
        return f"As it stands {now.filled:.0%} of it fills"
    return f"Now it loses {'at most ' if now.floor else ''}{_lost(report, now.slippage)}"


def _most(found: TakerStress) -> str:
    together = found.together
    if together is None or together.largest_safe is None:
        return ""
    if not together.largest_safe:
        return "No size is safe"
    least = "at least " if together.largest_at_least else ""
    return f"Safe is {least}{money(together.largest_safe)}"


def _cheapest(report: StressReport, split: Split) -> str:
    if len(report.compared) == 1:
        return ""
    named = [f"{each.venue} {money(each.quote)}" for each in split.portions[:MOST_PORTIONS]]
    rest = len(split.portions) - len(named)
    return f"Cheapest now: {', '.join(named)}{f' and {rest} more' if rest else ''}"


def _sized(report: StressReport) -> str:
    return f"{money(report.size)} {report.quote}".rstrip()
