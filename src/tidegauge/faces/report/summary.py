"""What happened, in plain words, from the numbers of a postmortem. What is not known is said so."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from tidegauge.sinks.postmortem.records import (
    HARM,
    AlertStory,
    Book,
    Figures,
    Metric,
    Number,
    Point,
    Postmortem,
)

from .shades import SEVERITIES, reason
from .wording import (
    UNKNOWN,
    bps,
    clock,
    counted,
    lasted,
    listed,
    moment,
    money,
    number,
    row_time,
    share,
)

SHORT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extreme:
    """The worst value of a metric over all books, and what is usual there."""

    venue: str
    point: Point
    usual: Number | None

    @property
    def of_usual(self) -> float | None:
        """Return how many times the usual it is; None without one."""
        return float(self.point[1]) / float(self.usual) if self.usual else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One figure of the head of a page."""

    name: str
    value: str
    note: str


def fired(postmortem: Postmortem) -> list[AlertStory]:
    """Return the alerts that fired, in the order in which their breaches began."""
    return [alert for alert in postmortem.alerts if alert.fired_at is not None]


def worst_of(postmortem: Postmortem, metric: Metric) -> Extreme | None:
    """Return where a metric was worst: against its usual where that is known, else by itself."""
    found: list[Extreme] = []
    for book in postmortem.books:
        figures = book.figures_of(metric)
        point = harmful(metric, figures)
        if point is not None:
            found.append(Extreme(venue=book.venue, point=point, usual=figures.usual))
    known = [each for each in found if each.of_usual is not None]
    if metric is Metric.DEPTH and len(known) == len(found):
        return min(known, key=lambda each: each.of_usual or 0, default=None)
    return max(found, key=lambda each: HARM[metric] * float(each.point[1]), default=None)


def harmful(metric: Metric, figures: Figures) -> Point | None:
    """Return the extreme of the harmful side."""
    return figures.most if HARM[metric] > 0 else figures.least


def sentences(postmortem: Postmortem) -> list[str]:
    """Return the summary, a sentence each."""
    return [
        *_how_it_began(postmortem),
        *_how_bad(postmortem),
        *_how_it_ended(postmortem),
        *_how_well_known(postmortem),
    ]


def _how_it_began(postmortem: Postmortem) -> list[str]:
    alerts = fired(postmortem)
    symbol = postmortem.asked.symbol
    if not alerts:
        if postmortem.alerts:
            return [f"Something began to breach on {symbol}, and no alert fired."]
        return [f"No alert fired on {symbol} in this span of {lasted(postmortem.span.lasts)}."]
    first = alerts[0]
    opened = moment(first.started_at, postmortem.span.since)
    before = first.started_at < postmortem.span.since
    began = f"It began at {opened} UTC{' (before this span)' if before else ''} on {first.venue}"
    others = _order_of_venues(alerts)[1:]
    if others:
        delay = lasted(others[-1].started_at - first.started_at)
        began += (
            f", the first of {len(others) + 1} venues to move;"
            f" {others[-1].venue} was the last, {delay} later"
        )
    assert first.fired_at is not None
    held = lasted(first.fired_at - first.started_at)
    count = counted(len(alerts), "alert")
    worst = max(alerts, key=lambda alert: SEVERITIES.get(alert.worst_severity, -1))
    return [
        f"{began}.",
        f"{count} fired, {worst.worst_severity} at worst, the first {held} after its breach began.",
    ]


def _order_of_venues(alerts: Iterable[AlertStory]) -> list[AlertStory]:
    """Return the first alert of each venue, in order."""
    first: dict[str, AlertStory] = {}
    for alert in sorted(alerts, key=lambda each: each.started_at):
        first.setdefault(alert.venue, alert)
    return list(first.values())


def _how_bad(postmortem: Postmortem) -> list[str]:
    said = [*_spread(postmortem), *_depth(postmortem), *_sale(postmortem)]
    return [*(said or ["How bad it was is not known."]), *_unfilled(postmortem)]


def _spread(postmortem: Postmortem) -> list[str]:
    worst = worst_of(postmortem, Metric.SPREAD)
    if worst is None:
        return []
    return [
        f"The spread reached {bps(worst.point[1])} bps{_where(worst, Metric.SPREAD, postmortem)}."
    ]


def _depth(postmortem: Postmortem) -> list[str]:
    worst = worst_of(postmortem, Metric.DEPTH)
    if worst is None:
        return []
    said = f"Depth within {postmortem.asked.band_bps} bps fell to {money(worst.point[1])}"
    part = worst.of_usual
    if part is not None and part < 1:
        said = f"{said}, {share(part)} of the usual,"
    return [f"{said}{_where(worst, Metric.DEPTH, postmortem)}."]


def _sale(postmortem: Postmortem) -> list[str]:
    worst = worst_of(postmortem, Metric.SELL)
    if worst is None or postmortem.size is None:
        return []
    said = f"Selling {money(postmortem.size)} cost up to {bps(worst.point[1])} bps"
    book = next(each for each in postmortem.books if each.venue == worst.venue)
    cost = next((each.worst_cost for each in book.costs if each.taker == "sell"), None)
    if cost is not None:
        said = f"{said}, or {money(cost)} of quote,"
    return [f"{said}{_where(worst, Metric.SELL, postmortem)}."]


def _where(worst: Extreme, metric: Metric, postmortem: Postmortem) -> str:
    at = row_time(worst.point[0], postmortem.grain, postmortem.span.since)
    usual = UNKNOWN if worst.usual is None else number(metric, worst.usual)
    against = "its usual is not known" if worst.usual is None else f"usually {usual}"
    return f" on {worst.venue} at {at} ({against})"


def _unfilled(postmortem: Postmortem) -> list[str]:
    if postmortem.size is None:
        return ["No cost of any size was stored."]
    short = [
        f"{book.venue} ({cost.taker}, {cost.unfilled:,} of {cost.asked:,} readings)"
        for book in postmortem.books
        for cost in book.costs
        if cost.unfilled
    ]
    if not short:
        return []
    return [f"{money(postmortem.size)} could not be filled at times on {listed(short)}."]


def _how_it_ended(postmortem: Postmortem) -> list[str]:
    alerts = fired(postmortem)
    if not alerts:
        return []
    open_still = sorted({alert.venue for alert in alerts if alert.ended_at is None})
    if open_still:
        since = lasted(postmortem.span.until - alerts[0].started_at)
        return [
            f"At the end of the span, {since} after it began, {listed(open_still)} fired still."
        ]
    ends = [alert.ended_at for alert in alerts if alert.ended_at is not None]
    took = lasted(max(ends) - alerts[0].started_at)
    at = moment(max(ends), postmortem.span.since)
    return [f"The last alert was resolved at {at}, {took} after it began."]


def _how_well_known(postmortem: Postmortem) -> list[str]:
    whole = postmortem.span.lasts
    missing = {book.venue: whole - book.known for book in postmortem.books}
    poor = [book for book in postmortem.books if missing[book.venue] > SHORT]
    silent = sorted({each.venue for each in postmortem.unknown} - missing.keys())
    said: list[str] = []
    if not poor:
        most = max(missing.values(), default=timedelta())
        but = f", but for {lasted(most)} at most" if most else ""
        said.append(f"Every book was trusted and read the whole time{but}.")
    else:
        told = [
            f"{book.venue} {share(book.known / whole)}{_why(book, postmortem)}" for book in poor
        ]
        others = ", all of it on the others" if len(poor) < len(postmortem.books) else ""
        said.append(
            f"How much of the span is known: {'; '.join(told)}{others}. Nothing is said of the rest."
        )
    if silent:
        said.append(f"Of {listed(silent)} there is no reading.")
    return said


def _why(book: Book, postmortem: Postmortem) -> str:
    """Say how much is missing, and for what most of it."""
    longest: dict[str, timedelta] = {}
    for each in postmortem.unknown:
        if each.venue == book.venue:
            longest[reason(each)] = longest.get(reason(each), timedelta()) + each.span.lasts
    if not longest:
        return ""
    missing = lasted(postmortem.span.lasts - book.known)
    return f" ({missing} missing, mostly: {max(longest, key=lambda name: longest[name])})"


def tiles(postmortem: Postmortem) -> list[Tile]:
    """Return the figures of the head."""
    alerts = fired(postmortem)
    found = [
        Tile(
            name="First to move",
            value=alerts[0].venue if alerts else UNKNOWN,
            note=f"at {clock(alerts[0].started_at)}" if alerts else "no alert fired",
        ),
        Tile(name="Lasted", value=_lasted(postmortem), note=counted(len(alerts), "alert")),
    ]
    size = "size" if postmortem.size is None else money(postmortem.size)
    named = (
        (Metric.SPREAD, "Widest spread", " bps"),
        (Metric.DEPTH, f"Least depth, {postmortem.asked.band_bps} bps", ""),
        (Metric.SELL, f"Dearest sale of {size}", " bps"),
    )
    for metric, name, unit in named:
        worst = worst_of(postmortem, metric)
        if worst is None:
            found.append(Tile(name=name, value=UNKNOWN, note="not known"))
            continue
        usual = (
            "usual not known" if worst.usual is None else f"usually {number(metric, worst.usual)}"
        )
        found.append(
            Tile(
                name=name,
                value=f"{number(metric, worst.point[1])}{unit}",
                note=f"{worst.venue}, {usual}",
            )
        )
    least = min(postmortem.books, key=lambda book: book.known)
    known = share(least.known / postmortem.span.lasts)
    return [*found, Tile(name="Known", value=known, note=f"of the span: {least.venue}, the least")]


def _lasted(postmortem: Postmortem) -> str:
    alerts = fired(postmortem)
    if not alerts:
        return UNKNOWN
    ends = [alert.ended_at for alert in alerts]
    if None in ends:
        return f"over {lasted(postmortem.span.until - alerts[0].started_at)}"
    return lasted(max(end for end in ends if end is not None) - alerts[0].started_at)
