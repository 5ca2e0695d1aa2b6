"""The page of a postmortem: one HTML file that asks nobody for anything. Pure.

`render(postmortem)` is a function of the records alone. Whatever a venue or a person said is
escaped; the script, the styles and nothing else may run, by their hashes.
"""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from tidegauge import __version__
from tidegauge.sinks.postmortem.records import Grain, Metric, Number, Postmortem, Query

from . import wording
from .charts import HEIGHT, WIDTH, Plot, plot_of, time_ticks
from .lanes import lanes_of
from .shades import Shade, alert_shades, gathered, told, unknown_shades
from .story import named, timeline_of
from .summary import fired, sentences, tiles
from .tables import alert_rows, book_rows, cost_rows

COLOURS = 8
"""How many lines have a colour of their own; the next begin again."""

DIGITS = 6
"""Of a number that the script shows under the cursor; prices are whole."""

LEAST_SCORED = 300
"""What the monitor itself wants before it judges (min_samples)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A plot with its words: its title, what it shows, the query behind it, and its extra shades."""

    plot: Plot
    title: str
    about: str
    description: str
    query: Query
    unfilled: tuple[Shade, ...] = ()


def render(postmortem: Postmortem) -> str:
    """Return the page."""
    plots = figures_of(postmortem)
    script, style = asset("page.js"), asset("page.css")
    return template().render(
        p=postmortem,
        version=__version__,
        summary=sentences(postmortem),
        tiles=tiles(postmortem),
        worst=_worst_severity(postmortem),
        fired=fired(postmortem),
        figures=plots,
        ticks=time_ticks(postmortem.span),
        alert_shades=alert_shades(postmortem),
        unknown_shades=unknown_shades(postmortem),
        lanes=lanes_of(postmortem),
        timeline=timeline_of(postmortem),
        books=book_rows(postmortem),
        costs=cost_rows(postmortem),
        alerts=alert_rows(postmortem),
        data=embedded(_data(postmortem, plots)),
        style=Markup(style),  # noqa: S704 (a file of ours)
        script=Markup(script),  # noqa: S704
        policy=policy(script, style),
        grid=(WIDTH, HEIGHT),
        colours=COLOURS,
        rough=_rough(postmortem),
        grain_told=_grain(postmortem.grain),
    )


def figures_of(postmortem: Postmortem) -> list[Figure]:
    """Return the plots in the order of the page."""
    band, size = postmortem.asked.band_bps, wording.money(postmortem.size)
    rows = (
        (Metric.MID, "Mid", "price, in quote", "readings"),
        (Metric.SPREAD, "Spread", "bps of the mid", "readings"),
        (Metric.DEPTH, f"Depth within {band} bps", "bids and asks together, in quote", "depth"),
        (Metric.BIDS, f"Bids within {band} bps", "what a seller meets, in quote", "depth"),
        (Metric.ASKS, f"Asks within {band} bps", "what a buyer meets, in quote", "depth"),
        (Metric.SELL, f"Slippage of selling {size}", "bps below the mid", "slippage"),
        (Metric.BUY, f"Slippage of buying {size}", "bps above the mid", "slippage"),
        (Metric.DEPTH_Z, "How unusual: depth", "robust z of ln depth, up is thinner", "depth"),
        (Metric.SPREAD_Z, "How unusual: spread", "robust z of ln spread, up is wider", "readings"),
    )
    return [
        Figure(
            plot=plot_of(postmortem, metric),
            title=title,
            about=about,
            description=_description(postmortem, metric),
            query=postmortem.query(query),
            unfilled=_unfilled(postmortem, metric),
        )
        for metric, title, about, query in rows
    ]


def _description(postmortem: Postmortem, metric: Metric) -> str:
    """Say what a plot shows, for who cannot see it."""
    said = []
    for book in postmortem.books:
        of = book.figures_of(metric)
        if of.last is None or of.least is None or of.most is None:
            said.append(f"{book.venue}: nothing stored")
            continue
        least, most, last = (wording.number(metric, at[1]) for at in (of.least, of.most, of.last))
        low, high = (
            wording.row_time(at, postmortem.grain, postmortem.span.since)
            for at in (of.least[0], of.most[0])
        )
        said.append(f"{book.venue}: from {least} (at {low}) to {most} (at {high}), last {last}")
    return "; ".join(said) + "."


def _unfilled(postmortem: Postmortem, metric: Metric) -> tuple[Shade, ...]:
    """Return when the size could not be filled, over all books."""
    pieces = [
        (span, f"{book.venue}: not filled, {told(span)}")
        for book in postmortem.books
        for cost in book.costs
        if cost.taker == metric.value
        for span in cost.unfilled_spans
    ]
    return tuple(gathered(pieces, postmortem.span, "unfilled"))


def _data(postmortem: Postmortem, plots: Sequence[Figure]) -> dict[str, Any]:
    """Return what the script needs to tell a value under the cursor."""
    span = postmortem.span
    return {
        "since": round(span.since.timestamp() * 1000),
        "until": round(span.until.timestamp() * 1000),
        "grid": [WIDTH, HEIGHT],
        "plots": {
            figure.plot.metric.value: {
                "low": figure.plot.scale.low,
                "high": figure.plot.scale.high,
                "zero": figure.plot.scale.zero,
                "lines": [
                    {
                        "venue": line.venue,
                        "runs": [
                            [list(columns), [_written(value, figure.plot) for value in values]]
                            for columns, values in line.runs
                        ],
                    }
                    for line in figure.plot.lines
                ],
            }
            for figure in plots
            if figure.plot.scale is not None
        },
    }


def _written(value: Number, plot: Plot) -> str | float:
    """Return a number for JSON: a mid with every digit as text, others with six."""
    if isinstance(value, Decimal) and plot.metric is Metric.MID:
        return f"{value:f}"
    return float(f"{value:.{DIGITS}g}")


def embedded(data: Any) -> Markup:
    """Return data as JSON that no text in it can end or escape, whatever it says."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return Markup(text)  # noqa: S704 (no < is left in it)


def policy(script: str, style: str) -> str:
    """Return the content security policy: this script and this style, and nothing from anywhere."""
    return (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)};"
        " base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


@cache
def asset(name: str) -> str:
    """Return a file of the page."""
    return files(__package__).joinpath("assets", name).read_text("utf-8")


@cache
def template() -> Template:
    """Return the page's template, which escapes whatever it is given."""
    environment = Environment(
        loader=PackageLoader(__package__, "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words: Mapping[str, Any] = vars(wording)
    for name in (
        "clock",
        "instant",
        "lasted",
        "bps",
        "price",
        "money",
        "share",
        "counted",
        "number",
    ):
        environment.filters[name] = words[name]
    environment.filters["named"] = named
    environment.globals["moment"] = wording.moment
    return environment.get_template("page.html")


def _worst_severity(postmortem: Postmortem) -> str:
    order = ("critical", "high", "warning", "info")
    found = {alert.worst_severity for alert in fired(postmortem)}
    return next((severity for severity in order if severity in found), "calm")


def _rough(postmortem: Postmortem) -> list[str]:
    """Return the books whose usual is of few rows, or of none."""
    return [
        f"{book.venue} ({wording.counted(book.usual_of, 'row')})"
        for book in postmortem.books
        if book.usual_of < LEAST_SCORED and postmortem.grain is Grain.READINGS
    ]


def _grain(grain: Grain) -> str:
    if grain is Grain.READINGS:
        return "Drawn from every stored reading"
    return f"Drawn from the rollups, a row a {grain.value.removesuffix('s')}: averages, with the worst of each in a thin line"
