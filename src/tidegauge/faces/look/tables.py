"""What `status`, `top` and `quote` draw."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tidegauge.faces import figures
from tidegauge.faces.figures import UNKNOWN, printable
from tidegauge.runtime.window.across import (
    ShownDaemon,
    ShownHistogram,
    ShownStress,
    ShownSymbol,
    ShownVenue,
    worst_first,
)
from tidegauge.runtime.window.picture import Picture
from tidegauge.runtime.window.pricing import QuotedVenue, ShownQuote

WEATHER = {
    "calm": "green",
    "watch": "yellow",
    "stressed": "bold red",
    "critical": "bold white on red",
}
SEVERITIES = ("critical", "high", "warning", "info")
HEALTH = {"well": "green", "starting": "yellow", "degraded": "yellow"}
AGAINST = (
    "slippage and cost: from each venue's own mid, of the split from the median mid; "
    "best: by the price that comes out"
)
BAR = 10
"""How wide a score of 100 is drawn."""


def top_view(seen: Picture, reasons: Sequence[str]) -> RenderableType:
    """Draw all symbols by score, and why that may not be all."""
    return Group(_top_table(seen), *_reasons(reasons))


def _top_table(seen: Picture) -> RenderableType:
    if not seen.symbols:
        return Text("no symbol is judged yet: books are still looked up or warming")
    table = _table("symbol", "score", "", "weather", "books", "apart", "sell", "buy", "incidents")
    table.columns[2].no_wrap = True
    opened = Counter(each.symbol for each in seen.incidents.values() if each.state != "resolved")
    for each in worst_first(seen.symbols.values()):
        score = each.score
        style = WEATHER.get(score.weather or "", "dim")
        table.add_row(
            Text(printable(each.symbol)),
            Text(UNKNOWN if score.value is None else f"{score.value:.0f}"),
            Text("█" * round((score.value or 0) * BAR / 100), style=style),
            Text(score.weather or "warming", style=style),
            Text(f"{each.live}/{each.books}"),
            Text(_apart(each)),
            *(Text(_stressed(each, side)) for side in ("sell", "buy")),
            Text(str(opened[each.symbol]) if opened[each.symbol] else ""),
        )
    return table


def status_view(seen: Picture, reasons: Sequence[str]) -> RenderableType:
    """Draw how the daemons are, what is wrong first."""
    parts: list[RenderableType] = [Text(_in_short(seen, reasons), style="bold")]
    parts += _reasons(reasons)
    daemons = _table(
        "daemon", "up", "watches", "readings", "feed to reading", "loop lag", "storage"
    )
    for daemon in seen.daemons.values():
        daemons.add_row(*(Text(printable(cell)) for cell in _daemon(daemon)))
    venues = _table(
        "venue", "daemon", "health", "books", "links", "frames", "gaps", "resyncs", "why"
    )
    for venue in seen.venues.values():
        cells = _venue(venue)
        style = HEALTH.get(venue.health, "bold red")
        venues.add_row(
            *(Text(printable(cell), style=style if cell == venue.health else "") for cell in cells)
        )
    parts += [Text(), daemons, Text(), venues, Text(), *_desk(seen)]
    return Group(*parts)


def _in_short(seen: Picture, reasons: Sequence[str]) -> str:
    """Say how all is: the monitor may be well, and the market not."""
    if reasons:
        return "NOT ALL IS WELL"
    opened = sum(each.state != "resolved" for each in seen.incidents.values())
    firing = sum(each.state == "firing" for each in seen.alerts.values())
    if not opened and not firing:
        return "all is well"
    return f"the monitor is well; open incidents: {opened}, alerts that fire: {firing}"


def _reasons(reasons: Sequence[str]) -> list[Text]:
    return [Text(f"  {printable(why)}", style="yellow") for why in reasons]


def quote_table(quote: ShownQuote) -> RenderableType:
    """Draw what a size costs."""
    did = "selling" if quote.side == "sell" else "buying"
    head = Text(
        f"{did} {figures.price(quote.notional)} {quote.quote} of {quote.symbol}"
        f" at {quote.at:%H:%M:%S} UTC",
        style="bold",
    )
    table = _table("venue", "slippage", "average", "worst", "cost", "filled", "")
    for each in sorted(
        quote.venues, key=lambda each: (each.slippage_bps is None, each.slippage_bps)
    ):
        best = "best" if each.venue == quote.best else ""
        table.add_row(*(Text(printable(cell)) for cell in _quoted(each, best)))
    return Group(head, table, *_together(quote))


def _table(*names: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    numbers = (
        "score",
        "readings",
        "frames",
        "gaps",
        "resyncs",
        "slippage",
        "average",
        "worst",
        "cost",
    )
    for name in names:
        table.add_column(
            name,
            justify="right" if name in numbers else "left",
            overflow="fold",
            no_wrap=name in ("symbol", "venue"),
        )
    return table


def _apart(symbol: ShownSymbol) -> str:
    divergence = symbol.divergence
    if divergence.judged_bps is None:
        return divergence.phase
    left = f" {', '.join(divergence.left)}" if divergence.left else ""
    return f"{divergence.judged_bps:.1f} bps{left}"


def _stressed(symbol: ShownSymbol, side: str) -> str:
    found: ShownStress | None = next((each for each in symbol.stress if each.side == side), None)
    if found is None:
        return UNKNOWN
    more = "+" if found.largest_at_least else ""
    safe = "" if found.largest_safe is None else f" to {figures.money(found.largest_safe)}{more}"
    return f"{found.safety}{safe}"


def _daemon(daemon: ShownDaemon) -> tuple[str, ...]:
    up = daemon.at - daemon.started_at
    storage = daemon.storage
    stored = "nothing is stored"
    if storage is not None:
        away = "AWAY, " if storage.away else ""
        stored = f"{away}{storage.rows:,} rows, {storage.waiting:,} waiting"
    return (
        daemon.id,
        str(up).partition(".")[0],
        f"{len(daemon.symbols)} symbols" if len(daemon.symbols) > 3 else ", ".join(daemon.symbols),  # noqa: PLR2004
        f"{daemon.readings:,}",
        _percentiles(daemon.feed_to_reading),
        _percentiles(daemon.loop_lag),
        stored,
    )


def _percentiles(spans: ShownHistogram) -> str:
    """Write the bounds below which half, and 99 in 100, of a histogram lie."""
    if not spans.count:
        return UNKNOWN
    found = []
    for share in (0.5, 0.99):
        within = (
            bound
            for bound, count in zip(spans.bounds, spans.counts, strict=True)
            if count >= share * spans.count
        )
        bound = next(within, None)
        found.append("more" if bound is None else f"≤ {bound * 1000:g} ms")
    return f"p50 {found[0]}, p99 {found[1]}"


def _venue(venue: ShownVenue) -> tuple[str, ...]:
    why = venue.quarantined or (venue.last_disconnect if venue.health != "well" else None) or ""
    reasons = ", ".join(f"{count} {reason}" for reason, count in venue.reasons.items())
    return (
        venue.venue,
        venue.daemon,
        venue.health,
        f"{venue.live}/{venue.books}",
        f"{venue.links_open}/{venue.links}",
        f"{venue.frames:,}",
        f"{venue.gaps:,}",
        f"{venue.resyncs:,}",
        "; ".join(filter(None, (reasons, why))),
    )


def _desk(seen: Picture) -> list[RenderableType]:
    """Say what is open at the desk."""
    firing = Counter(each.severity for each in seen.alerts.values() if each.state == "firing")
    worst = sorted(firing.items(), key=lambda each: _rank(each[0]))
    told = ", ".join(f"{count} {name}" for name, count in worst) or "none"
    lines: list[RenderableType] = [Text(f"alerts firing: {told}")]
    opened = [each for each in seen.incidents.values() if each.state != "resolved"]
    for each in sorted(opened, key=lambda each: each.opened_at):
        who = each.acknowledged_by or "nobody has it"
        lines.append(
            Text(
                printable(
                    f"{each.id} {each.severity.upper()} {each.symbol} {each.family}, {each.state}"
                    f" since {_clock(each.opened_at)}, {who}; {each.action.replace('_', ' ')}"
                )
            )
        )
    return lines if opened else [*lines, Text("no incident is open")]


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S}"


def _quoted(each: QuotedVenue, best: str) -> tuple[str, ...]:
    if each.why is not None:
        return (
            each.venue,
            UNKNOWN,
            UNKNOWN,
            UNKNOWN,
            UNKNOWN,
            UNKNOWN,
            f"{each.trust}: {each.why}",
        )
    filled = UNKNOWN if each.filled_fraction is None else f"{each.filled_fraction:.0%}"
    bound = "at most" if each.filled else "at least"
    more = f"{bound}, the book may hold more" if each.floor else ""
    return (
        each.venue,
        UNKNOWN if each.slippage_bps is None else f"{each.slippage_bps:.2f} bps",
        UNKNOWN if each.average is None else f"{each.average:,.8g}",
        figures.price(each.worst),
        figures.money(each.cost),
        filled,
        ", ".join(filter(None, (best, more))),
    )


def _together(quote: ShownQuote) -> list[RenderableType]:
    """Say how to split the size, and whom nobody was asked of."""
    lines: list[RenderableType] = []
    together = quote.together
    if together is None:
        lines.append(Text("no venue has a book that can be believed now", style="bold red"))
    else:
        cost = UNKNOWN if together.slippage_bps is None else f"{together.slippage_bps:.2f} bps"
        split = ", ".join(f"{each.venue} {each.share:.0%}" for each in together.portions)
        lines.append(Text(printable(f"split over all: {cost}: {split}")))
        if together.filled < quote.notional:
            short = f"all together fill only {figures.price(together.filled)} {quote.quote}"
            lines.append(Text(short, style="bold red"))
    counted = "counted in the split and in what is best" if quote.fees_counted else "not counted"
    lines.append(Text(f"fees are {counted}", style="dim"))
    lines.append(Text(AGAINST, style="dim"))
    return [
        *lines,
        *(Text(printable(f"{name}: {why}"), style="dim") for name, why in quote.left_out),
    ]
