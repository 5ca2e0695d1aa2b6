"""What the live view shows over all books: a symbol's score, how far its venues are apart, whether a
size is safe; and what is open at the desk.
"""

from rich.text import Text

from tidegauge.core.alert import Severity
from tidegauge.core.incident import Incident, IncidentState
from tidegauge.core.reading import Taker
from tidegauge.risk.composite import Score, Weather
from tidegauge.risk.desk.view import DeskView
from tidegauge.risk.stress_report import Cost, StressReport
from tidegauge.runtime.view import MonitorView, SymbolView

from . import figures
from .figures import UNKNOWN

MOST_SYMBOLS, MOST_INCIDENTS = 6, 4

WEATHER_STYLE = {
    Weather.CALM: "green",
    Weather.WATCH: "yellow",
    Weather.STRESSED: "bold red",
    Weather.CRITICAL: "bold white on red",
}
SEVERITY_STYLE = {
    Severity.INFO: "cyan",
    Severity.WARNING: "yellow",
    Severity.HIGH: "bold red",
    Severity.CRITICAL: "bold white on red",
}


def symbol_lines(view: MonitorView) -> list[Text]:
    """One line a symbol, as far as there is room; the worst first."""
    if view.across is None:
        return []
    worst = sorted(view.across.symbols, key=lambda each: -(each.score.value or 0.0))
    lines = [
        Text(words_of(each), style=_style(each.score), no_wrap=True, overflow="ellipsis")
        for each in worst[:MOST_SYMBOLS]
    ]
    more = len(worst) - MOST_SYMBOLS
    return [*lines, Text(f"and {more} more symbols", style="dim")] if more > 0 else lines


def incident_lines(view: MonitorView) -> list[Text]:
    """What is open at the desk, the worst first, and how much is kept quiet."""
    if view.desk is None:
        return []
    open_ = sorted(view.desk.incidents, key=lambda each: (-each.severity, each.opened_at))
    lines = [
        Text(
            incident_words(each),
            style="dim" if each.state is IncidentState.MITIGATED else SEVERITY_STYLE[each.severity],
            no_wrap=True,
            overflow="ellipsis",
        )
        for each in open_[:MOST_INCIDENTS]
    ]
    more = len(open_) - MOST_INCIDENTS
    if more > 0:
        lines.append(Text(f"and {more} more incidents: tidegauge incidents list --open"))
    quiet = _quiet(view.desk)
    return [*lines, Text(quiet, style="dim")] if quiet else lines


def words_of(symbol: SymbolView) -> str:
    """A symbol over all of its venues, in one line of plain text."""
    return (
        f"{symbol.symbol} {_score(symbol.score)} | apart {_apart(symbol)}"
        f" | {_stress(symbol.stress.report)}"
    )


def incident_words(incident: Incident) -> str:
    """An incident in one line of plain text."""
    has = "nobody has it"
    if incident.acknowledged_by is not None:
        has = f"{figures.printable(incident.acknowledged_by)} has it"
    if incident.state is IncidentState.MITIGATED:
        has = f"nothing fires since {figures.clock(incident.mitigated_at or incident.updated_at)}"
    about = incident.family if incident.symbol == "*" else f"{incident.symbol} {incident.family}"
    return (
        f"{incident.id} {str(incident.severity).upper()} {about} since"
        f" {figures.clock(incident.opened_at)}, {len(incident.firing)} firing, {has};"
        f" {incident.action.replace('_', ' ')}"
    )


def _style(score: Score) -> str:
    return "dim" if score.weather is None else WEATHER_STYLE[score.weather]


def _score(score: Score) -> str:
    if score.value is None:
        return "score -"
    shares = sorted(
        ((part.share, part.name) for part in score.parts if part.share >= 1), reverse=True
    )
    parts = f" ({', '.join(f'{name} {share:.0f}' for share, name in shares[:3])})" if shares else ""
    return f"score {score.value:.0f} {score.weather}{parts}"


def _apart(symbol: SymbolView) -> str:
    divergence = symbol.divergence
    if divergence.judged_bps is None:
        return str(divergence.phase)
    left = f", {', '.join(divergence.left)} left" if divergence.left else ""
    return f"{divergence.judged_bps:.1f} bps{left}"


def _stress(report: StressReport | None) -> str:
    if report is None:
        return "stress -"
    sides = []
    for taker in (Taker.SELL, Taker.BUY):
        of = report.of(taker)
        if of.together is None:
            sides.append(f"{taker} {UNKNOWN}")
            continue
        judged = of.together.judged
        best = "" if of.best is None else f" best {of.best}"
        safe = figures.money(of.together.largest_safe)
        more = "+" if of.together.largest_at_least else ""
        sides.append(f"{taker} {_cost(judged)} {judged.safety}, safe to {safe}{more}{best}")
    return f"{figures.money(report.size)} in half the book: {'; '.join(sides)}"


def _cost(cost: Cost) -> str:
    if cost.slippage is None:
        return f"{cost.filled:.0%} filled"
    return f"{cost.slippage:.2%}"


def _quiet(desk: DeskView) -> str:
    waiting = sum(desk.waiting.values())
    parts = []
    if desk.silences:
        parts.append(f"{len(desk.silences)} silences")
    if waiting:
        parts.append(f"{waiting} incidents wait for the next digest")
    if desk.mutes:
        last = desk.mutes[-1]
        parts.append(f"last muted ({last.stage}): {figures.printable(last.reason)}")
    return "; ".join(parts)
