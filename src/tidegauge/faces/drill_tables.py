"""Drills for people: what fired, when, at what cost, what was muted, who was told, and the verdict."""

from collections.abc import Iterator, Sequence

from tidegauge.core.instrument import MINUTE, SECOND, Nanos
from tidegauge.runtime.drill_outcome import AlertSeen, Cost, DrillOutcome, pages_by_channel
from tidegauge.runtime.drill_scorecard import Line, Scorecard
from tidegauge.simulator.drill_plan import Drill
from tidegauge.simulator.drills import DRILLS

from . import figures

MOST_FAILURES = 10


def listed() -> list[dict[str, object]]:
    """Return what there is to drill, for machines."""
    return [
        {"name": each.name, "what": each.said, "must": must(each), "lasts_s": each.lasts // SECOND}
        for each in DRILLS.values()
    ]


def list_of_drills() -> str:
    """Return what there is to drill, two lines each."""
    width = max(map(len, DRILLS))
    return "\n".join(
        line
        for each in DRILLS.values()
        for line in (f"{each.name:<{width}}  {each.said}", f"{'':<{width}}  expected: {must(each)}")
    )


def must(drill: Drill) -> str:
    """Say what is expected of a rule set."""
    parts = [
        f"{each.signal} on {each.venue or 'any venue'} within {span(each.within)}"
        for each in drill.expected
    ]
    parts += [f"one incident of {family}" for family in drill.incidents]
    if drill.most_pages:
        parts.append(f"at most {drill.most_pages} pages a channel")
    return ", ".join(parts) or "nothing fires, no incident, no page"


def report(outcome: DrillOutcome, drill: Drill) -> str:
    """Tell of one drill."""
    return "\n".join(figures.printable(line) for line in _lines(outcome, drill))


def _lines(outcome: DrillOutcome, drill: Drill) -> Iterator[str]:
    there = "" if drill.quiet and not drill.troubles else (
        f" The trouble is there from {minutes(outcome.begins_at)} to {minutes(outcome.ends_at)}."
    )  # fmt: skip
    yield f"{outcome.drill}, seed {outcome.seed}: {drill.said}"
    yield f"  {minutes(outcome.lasts)} of virtual time on {len(drill.books)} venues.{there}"
    yield from _told(outcome)
    yield f"{'PASSED' if outcome.passed else 'FAILED'}: {outcome.drill}"
    for check in outcome.checks:
        yield f"  {'ok ' if check.met else 'NOT'} {check.expected}: {check.came}"


def _told(outcome: DrillOutcome) -> Iterator[str]:
    if not outcome.alerts:
        yield "  Nothing fired."
    for alert in outcome.alerts:
        yield f"  {minutes(alert.fired_at)} {_alert(alert)}"
        yield f"      {alert.sentence}"
        if alert.cost is not None:
            yield f"      {_cost(alert.cost)}"
    for mute in outcome.mutes:
        times = f" ({mute.times} times)" if mute.times > 1 else ""
        yield f"  {minutes(mute.at)} muted, {mute.stage}: {mute.reason}{times}"
    for each in outcome.incidents:
        over = "open still" if each.resolved_at is None else f"resolved {minutes(each.resolved_at)}"
        impact = "" if each.impact_quote is None else f", impact {each.impact_quote}"
        alerts = f"{each.alerts} alert{'s' * (each.alerts != 1)}"
        yield (
            f"  incident of {each.family}, {each.worst}: opened {minutes(each.opened_at)}, {over};"
            f" {alerts}{impact}"
        )
    for page in outcome.pages:
        yield f"  {minutes(page.at)} page to {', '.join(page.channels)}: {page.title}"
    pages = pages_by_channel(outcome.pages)
    counted = ", ".join(f"{count} to {channel}" for channel, count in pages.items())
    yield f"  Pages: {counted or 'none'}. Nobody was notified."


def _alert(alert: AlertSeen) -> str:
    lasted = "" if alert.ended_at is None else f", for {span(alert.ended_at - alert.fired_at)}"
    when = f", after {span(alert.after)}" if alert.meant and alert.after is not None else ""
    rises = " then ".join(
        f"{severity}" if number == 0 else f"{severity} at {minutes(at)}"
        for number, (at, severity) in enumerate(alert.rises)
    )
    false = "FALSE: " if alert.false else ""
    return f"{false}{alert.signal} on {alert.venue} fired ({rises}){when}{lasted}"


def _cost(cost: Cost) -> str:
    """Say what the configured size would have cost when it fired."""
    what = f"A {cost.taker} of {float(cost.size):,.0f} on {cost.venue} at that moment"
    if cost.bps is None:
        return f"{what} could not be filled."
    usual = "" if cost.usual_bps is None else f", usually {cost.usual_bps:.2f}"
    more = "" if cost.extra is None else f": {cost.extra:,.0f} more"
    if cost.extra is not None and cost.extra < 1:
        more = ": no more"
    return f"{what}: {cost.bps:.2f} bps{usual}{more}."


def scorecard(card: Scorecard, seeds: Sequence[int]) -> str:
    """Tell of every drill of a rule set."""
    head = ("drill", "passed", "fires after", "at worst", "missed", "false", "incidents", "pages",
            "muted")  # fmt: skip
    rows = [head, *map(_row, card.lines)]
    passed, runs = (sum(getattr(line, name) for line in card.lines) for name in ("passed", "runs"))
    lines = [*columns(rows), ""]
    for line in card.lines:
        lines += [
            f"{line.drill}, seed {each.seed}: NOT {each.expected}: {each.came}"
            for each in line.failures[:MOST_FAILURES]
        ]
        if len(line.failures) > MOST_FAILURES:
            lines.append(f"{line.drill}: {len(line.failures) - MOST_FAILURES} more of these")
    lines.append(
        f"{'PASSED' if card.passed else 'FAILED'}: {passed} of {runs} drills, seeds {seeds[0]} to"
        f" {seeds[-1]}; {card.false_alerts} false alerts in {card.hours:,.0f} h of books."
    )
    return "\n".join(map(figures.printable, lines))


def _row(line: Line) -> tuple[str, ...]:
    return (
        line.drill,
        f"{line.passed}/{line.runs}",
        figures.UNKNOWN if line.after is None else span(line.after),
        figures.UNKNOWN if line.after_worst is None else span(line.after_worst),
        f"{line.missed}",
        f"{line.false_alerts}",
        f"{line.incidents / line.runs:.3g}",
        f"{line.pages / line.runs:.3g}",
        f"{line.muted / line.runs:.3g}",
    )


def columns(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows with their cells below each other: the first to the left, the others to the right."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    for first, *rest in rows:
        cells = [f"{cell:>{width}}" for cell, width in zip(rest, widths[1:], strict=True)]
        yield "  ".join([f"{first:<{widths[0]}}", *cells])


def minutes(at: Nanos) -> str:
    """Write an instant of a drill as minutes, seconds and a tenth."""
    whole, rest = divmod(at, MINUTE)
    return f"{whole}:{rest / SECOND:04.1f}"


def span(lasted: Nanos) -> str:
    """Write a span in seconds, or in minutes from two of them on."""
    return f"{lasted / SECOND:.1f} s" if lasted < 2 * MINUTE else minutes(lasted)
