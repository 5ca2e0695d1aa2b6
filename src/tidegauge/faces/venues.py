"""`tidegauge venues`: what each venue supports, and how it is read."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from tidegauge import venues
from tidegauge.core.instrument import HOUR, MINUTE, SECOND, Nanos
from tidegauge.wire.protocol import Beside, Rate, VenueLimits, VenueSpec

from . import figures, running

WIDE = 160
"""Columns of a terminal from which on families and limits are listed, too."""

Names = Annotated[
    list[str] | None, typer.Argument(help="Venues or families to tell all about.", metavar="NAME")
]


def command(
    names: Names = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List the venues this build knows, and what each supports; of named ones, the details.

    Example: tidegauge venues okx
    """
    known = sorted(venues.load().values(), key=lambda spec: spec.name)
    chosen = venues.resolve(names) if names else known
    if as_json:
        typer.echo(json.dumps([described(spec) for spec in chosen], indent=2))
        return
    console = running.console_for(plain=False)
    if not names:
        console.print(_listed(chosen, wide=console.width >= WIDE))
        _say(console, "`tidegauge venues NAME` tells limits, documents and quirks.")
        return
    for place, spec in enumerate(chosen):
        if place:
            _say(console, "")
        _say(console, spec.name)
        console.print(_details(spec))


def described(spec: VenueSpec) -> dict[str, Any]:
    """Return what is known of a venue, as JSON has it. Spans are in seconds."""
    limits = spec.limits
    return {
        "name": spec.name,
        "family": spec.family,
        "kind": str(spec.kind),
        "depth": spec.depth,
        "checks": spec.checks,
        "beside": [str(each) for each in Beside if each in spec.beside],
        "audited": spec.audit is not None,
        "silence_limit_s": _seconds(spec.silence_limit),
        "limits": {
            "connects": _rate(limits.connects),
            "messages": _rate(limits.messages),
            "weight": _rate(limits.weight),
            "books_a_link": limits.books_a_link,
            "lifetime_s": _seconds(limits.lifetime),
        },
        "ws_url": spec.ws_url,
        "rest_url": spec.rest_url,
        "docs": spec.docs,
        "quirks": list(spec.quirks),
    }


def _listed(specs: list[VenueSpec], *, wide: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("venue", no_wrap=True)
    if wide:
        table.add_column("family", no_wrap=True)
    for name in ("kind", "lives"):
        table.add_column(name, no_wrap=True)
    for name in ("book", "checked by", "beside"):
        table.add_column(name)
    if wide:
        table.add_column("limits")
    for spec in specs:
        family, more = [], []
        if wide:
            family, more = [spec.family], ["; ".join(_allowed(spec.limits))]
        table.add_row(
            spec.name,
            *family,
            spec.kind,
            _span(spec.limits.lifetime),
            spec.depth,
            spec.checks,
            _beside(spec),
            *more,
        )
    return table


def _details(spec: VenueSpec) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    audited = ", and compared with a REST snapshot now and then" if spec.audit is not None else ""
    rows = [
        ("  family", spec.family),
        ("  kind", str(spec.kind)),
        ("  book", spec.depth),
        ("  checked by", f"{spec.checks or figures.UNKNOWN}{audited}"),
        ("  beside", _beside(spec)),
        ("  silent after", _span(spec.silence_limit)),
        ("  a link lives", _span(spec.limits.lifetime)),
        ("  allows", "; ".join(_allowed(spec.limits))),
        ("  stream", spec.ws_url),
        ("  REST", spec.rest_url),
        ("  docs", spec.docs),
        *(("  quirk", quirk) for quirk in spec.quirks),
    ]
    for name, said in rows:
        table.add_row(name, said)
    return table


def _beside(spec: VenueSpec) -> str:
    """Return what is told beside the book, in one order for all venues."""
    return ", ".join(each for each in Beside if each in spec.beside) or figures.UNKNOWN


def _allowed(limits: VenueLimits) -> list[str]:
    said = [f"{limits.books_a_link:,} books a socket", f"{_times(limits.connects)} connects"]
    if limits.messages is not None:
        said.append(f"{_times(limits.messages)} messages a socket")
    if limits.weight is not None:
        said.append(f"{_times(limits.weight)} of REST weight")
    return said


def _times(rate: Rate) -> str:
    return f"{rate.count:,} in {_span(rate.per)}"


def _span(span: Nanos | None) -> str:
    """Write a span as people say it, a dash where there is no limit."""
    if span is None:
        return figures.UNKNOWN
    for unit, name in ((HOUR, "h"), (MINUTE, "min")):
        if span >= unit and span % unit == 0:
            return f"{span // unit} {name}"
    return f"{span / SECOND:g} s"


def _seconds(span: Nanos | None) -> float | None:
    return None if span is None else span / SECOND


def _rate(rate: Rate | None) -> dict[str, float] | None:
    return None if rate is None else {"count": rate.count, "per_s": rate.per / SECOND}


def _say(console: Console, text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
