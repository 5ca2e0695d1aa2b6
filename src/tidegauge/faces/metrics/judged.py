"""Of each symbol over all of its venues, and of the desk: what is made of the numbers."""

from collections import Counter
from collections.abc import Iterator
from itertools import product

from prometheus_client.core import Metric

from tidegauge.core.alert import AlertState, Severity
from tidegauge.core.incident import Family, IncidentState
from tidegauge.risk.composite import Weather
from tidegauge.risk.stress_report import Safety

from .families import gauge, one_hot, put
from .feeds import ratio
from .labels import clean
from .seen import Seen

SEVERITIES = tuple(map(str, Severity))
WEATHERS = tuple(map(str, Weather))
ON = (AlertState.PENDING, AlertState.FIRING)
GOING_ON = (IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.MITIGATED)


def symbols(seen: Seen) -> Iterator[Metric]:
    """Yield the judgement of each symbol."""
    score = gauge("symbol_score", "From 0 (calm) to 100.", "symbol")
    weather = gauge("symbol_weather", "1 for the weather that it is, else 0.", "symbol", "weather")
    live = gauge("symbol_books_live", "Books that may be trusted.", "symbol")
    total = gauge("symbol_books", "Books watched.", "symbol")
    divergence = gauge(
        "symbol_divergence_ratio",
        "How far the widest pair of venues is apart beyond what is usual, as a share of the price.",
        "symbol",
    )
    left_out = gauge("symbols_left_out", "Symbols without series of their own: there are too many.")
    for each in seen.symbols:
        labels = (clean(each.symbol),)
        put(score, labels, each.score.value)
        one_hot(weather, labels, WEATHERS, each.score.weather)
        put(live, labels, each.live)
        put(total, labels, each.books)
        put(divergence, labels, ratio(each.divergence.judged_bps))
    put(left_out, (), seen.left_out)
    yield from (score, weather, live, total, divergence, left_out)


def stress(seen: Seen) -> Iterator[Metric]:
    """Yield what the expected execution size would cost in a worse market."""
    slippage = gauge(
        "stress_slippage_ratio",
        "What the execution size costs with part of every level gone; absent where it does not fill.",
        "symbol",
        "side",
    )
    filled = gauge("stress_filled_ratio", "How much of the size can be had then.", "symbol", "side")
    safe = gauge("stress_safe_size_quote", "The largest size that stays safe.", "symbol", "side")
    safety = gauge(
        "stress_safety", "1 for the safety that it is, else 0.", "symbol", "side", "safety"
    )
    for each in seen.symbols:
        for side in each.stress:
            labels = (clean(each.symbol), side.side)
            put(slippage, labels, side.slippage)
            put(filled, labels, side.filled)
            put(safe, labels, side.largest_safe)
            one_hot(safety, labels, Safety, side.safety)
    yield from (slippage, filled, safe, safety)


def desk(seen: Seen) -> Iterator[Metric]:
    """Yield how many alerts and incidents there are; nothing while no daemon is seen."""
    if not seen.names:
        return
    alerts = gauge("alerts", "Alerts that are on their way or fire.", "state", "severity")
    shown = Counter(
        (each.state, each.severity)
        for each in seen.picture.alerts.values()
        if seen.watches(each.symbol)
    )
    for key in product(ON, SEVERITIES):
        put(alerts, key, shown[key])
    incidents = gauge("incidents", "Incidents that are not over.", "family", "severity", "state")
    waits = gauge(
        "incident_unacknowledged_seconds",
        "How long the oldest incident of a severity has been open without anybody who has it.",
        "severity",
    )
    cases = [each for each in seen.picture.incidents.values() if seen.watches(each.symbol)]
    counted = Counter((each.family, each.severity, each.state) for each in cases)
    for case in product(Family, SEVERITIES, GOING_ON):
        put(incidents, case, counted[case])
    for severity in SEVERITIES:
        since = [
            each.opened_at
            for each in cases
            if (each.severity, each.state) == (severity, IncidentState.OPEN)
        ]
        put(waits, (severity,), seen.age_s(min(since)) if since else None)
    silences = gauge("silences", "Silences in force.")
    in_force = [s for s in seen.picture.silences.values() if s.starts_at <= seen.now < s.ends_at]
    put(silences, (), len(in_force))
    yield from (alerts, incidents, waits, silences)
