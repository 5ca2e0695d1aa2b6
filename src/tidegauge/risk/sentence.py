"""An alert said plainly: what happened, how unusual it is, what it costs, what to do."""

from decimal import Decimal

from ..core.alert import Action, AlertKey, Severity
from ..core.instrument import SECOND, Nanos
from . import rules
from .inputs import Judged
from .rules import Evidence, Inputs
from .settings import CrunchSettings

ACTIONS = {
    Severity.INFO: Action.MONITOR,
    Severity.WARNING: Action.WIDEN_SPREAD,
    Severity.HIGH: Action.PAUSE_ASSET,
    Severity.CRITICAL: Action.PAUSE_ASSET,
}
ADVICE = {
    Action.MONITOR: "Keep watching.",
    Action.WIDEN_SPREAD: "Widen quotes and trade smaller.",
    Action.PAUSE_ASSET: "Pause quoting and large orders until it clears.",
}
SUBJECTS = {
    rules.BID_DEPTH: "bid depth",
    rules.ASK_DEPTH: "ask depth",
    rules.DEPTH: "depth",
}


def what_fires(
    key: AlertKey,
    found: Evidence,
    inputs: Inputs,
    *,
    severity: Severity,
    band: int | None,
    notional: Decimal | None,
    settings: CrunchSettings,
) -> str:
    """Return the sentence of an alert that fires because of `found`."""
    parts = [
        f"{_happened(found, band, notional)} on {key.venue} {key.symbol}{_unusual(found)}",
        _cost(inputs, notional),
        _lean(inputs, settings),
        ADVICE[ACTIONS[severity]],
    ]
    return " ".join(part if part.endswith(".") else f"{part}." for part in parts if part)


def what_cleared(key: AlertKey, *, lasted: Nanos, worst: Severity) -> str:
    """Return the sentence of an alert that resolved."""
    return (
        f"Liquidity on {key.venue} {key.symbol} is back to normal after {span_of(lasted)}; "
        f"it was {worst} at its worst. Resume as usual."
    )


def what_was_rebased(key: AlertKey, *, lasted: Nanos) -> str:
    """Return the sentence of an alert that a person ended by calling the new level normal."""
    return (
        f"The level that liquidity on {key.venue} {key.symbol} fell to {span_of(lasted)} ago "
        f"was declared its new normal; it has not recovered."
    )


def what_was_left(key: AlertKey, *, lasted: Nanos) -> str:
    """Return the sentence of an alert whose book is not watched any more."""
    return (
        f"{key.venue} {key.symbol} is no longer watched, {span_of(lasted)} after its liquidity fell; "
        f"nothing says that it recovered."
    )


def what_is_unseen(sentence: str) -> str:
    """Return the sentence of a firing alert whose book is not trusted any more."""
    return f"{sentence} The book cannot be seen now: nothing says that it recovered."


def _happened(found: Evidence, band: int | None, notional: Decimal | None) -> str:
    judged, cause = found.judged, found.cause
    size = "" if notional is None else f" {notional:,f}"
    if cause == rules.ONE_SIDED:
        return "The book has lost a whole side"
    if cause in (rules.SELL_FILL, rules.BUY_FILL):
        verb = "sell" if cause == rules.SELL_FILL else "buy"
        share = 0.0 if judged is None or judged.value is None else judged.value
        return f"A {verb} of{size} can no longer be filled (only {share:.0%} of it)"
    if found.limit is not None:
        return f"{_FLOORS[cause]} is {_number(found.value)}, past the limit of {found.limit:,g} set"
    assert judged is not None
    now, usual = _number(judged.value), _number(judged.baseline)
    if cause in SUBJECTS:
        gone = max(0.0, 1 - (judged.value or 0.0) / (judged.baseline or 1.0))
        subject = SUBJECTS[cause].capitalize()
        return f"{subject} within {band} bps is {now}, {gone:.0%} below its usual {usual},"
    if cause == rules.SPREAD:
        return f"The spread is {now} bps, usually {usual},"
    verb = "Selling" if cause == rules.SELL_SLIPPAGE else "Buying"
    return f"{verb}{size} slips {now} bps, usually {usual},"


_FLOORS = {
    rules.DEPTH_FLOOR: "Depth",
    rules.SPREAD_FLOOR: "The spread in bps",
    rules.SLIPPAGE_FLOOR: "Slippage in bps",
}


def _unusual(found: Evidence) -> str:
    judged = found.judged
    if judged is None or not judged.robust_z:
        return ""
    return f": {judged.robust_z:.1f} times its noise"


def _cost(inputs: Inputs, notional: Decimal | None) -> str:
    """Say what the reference size costs now."""
    sides = [
        f"a {verb} {_slip(judged, notional)}"
        for verb, judged in (("sell", inputs.sell), ("buy", inputs.buy))
        if judged is not None and judged.value is not None and notional is not None
    ]
    return f"For {notional:,f}, {' and '.join(sides)}" if sides else ""


def _slip(judged: Judged, notional: Decimal | None) -> str:
    bps = judged.value
    assert bps is not None
    assert notional is not None
    if bps >= _UNFILLED:
        return "cannot be filled"
    cost = float(notional) * bps / 10_000
    usual = "" if judged.baseline is None else f", usually {_number(judged.baseline)} bps"
    return f"costs {_number(bps)} bps ({cost:,.0f}{usual})"


_UNFILLED = 10_000.0


def _lean(inputs: Inputs, settings: CrunchSettings) -> str:
    """Name an unusual imbalance; it never fires alone."""
    judged = inputs.imbalance
    if judged is None or judged.value is None or judged.harm is None or judged.noise is None:
        return ""
    if judged.harm < settings.imbalance_named.at(judged.noise):
        return ""
    side = "bids" if judged.value > 0 else "asks"
    return f"The top of the book leans to the {side} (imbalance {judged.value:+.2f})"


def _number(value: float | None) -> str:
    """Write a number as people say it."""
    if value is None:
        return "unknown"
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def span_of(span: Nanos) -> str:
    """Write a span of time as people say it."""
    seconds = span // SECOND
    if seconds < _MINUTE:
        return f"{seconds} s"
    if seconds < 60 * _MINUTE:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


_MINUTE = 60
