"""How a report writes instants, spans and numbers. Unknown is a dash."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tidegauge.faces import figures
from tidegauge.sinks.postmortem.records import Grain, Metric, Number

UNKNOWN = "\N{EN DASH}"
MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LEAST_SHOWN = 0.01
HUNDRED = 100


def clock(at: datetime | None) -> str:
    """Write an instant as hh:mm:ss.t, UTC, rounded down."""
    if at is None:
        return UNKNOWN
    own = at.astimezone(UTC)
    return f"{own:%H:%M:%S}.{own.microsecond // 100_000}"


def instant(at: datetime | None) -> str:
    """Write an instant with its date, to the second, UTC."""
    return UNKNOWN if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def moment(at: datetime | None, beside: datetime) -> str:
    """Write an instant; with its date where it is not that of `beside`."""
    if at is None:
        return UNKNOWN
    same = at.astimezone(UTC).date() == beside.astimezone(UTC).date()
    return clock(at) if same else f"{at.astimezone(UTC):%m-%d} {clock(at)}"


def row_time(at: datetime | None, grain: Grain, beside: datetime) -> str:
    """Write when a row was: a reading's instant, or the minute or hour that a rollup is of."""
    if at is None or grain is Grain.READINGS:
        return moment(at, beside)
    own = at.astimezone(UTC)
    text = f"{own:%H:%M}" if grain is Grain.MINUTES else f"{own:%H}:00"
    return text if own.date() == beside.astimezone(UTC).date() else f"{own:%m-%d} {text}"


def lasted(span: timedelta | None) -> str:
    """Write how long something took: 0.4 s, 25 s, 3 min 10 s, 2 h 5 min, 3 d 4 h."""
    if span is None:
        return UNKNOWN
    seconds = span.total_seconds()
    if seconds < MINUTE:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    for unit, name, small, part in ((DAY, "d", HOUR, "h"), (HOUR, "h", MINUTE, "min")):
        if whole >= unit:
            return _pair(whole // unit, name, whole % unit // small, part)
    return _pair(whole // MINUTE, "min", whole % MINUTE, "s")


def _pair(large: int, name: str, small: int, part: str) -> str:
    return f"{large} {name} {small} {part}" if small else f"{large} {name}"


def bps(value: Number | None) -> str:
    """Write basis points: two digits behind the point, more for less than a hundredth."""
    if value is None:
        return UNKNOWN
    number = float(value)
    if number and abs(number) < LEAST_SHOWN:
        return f"{number:.1g}"
    return f"{number:,.2f}" if abs(number) < HUNDRED else f"{number:,.0f}"


def score(value: Number | None) -> str:
    """Write a z with its sign."""
    if value is None:
        return UNKNOWN
    return f"{float(value):+.1f}".replace("+0.0", "0.0").replace("-0.0", "0.0")


def price(value: Number | None) -> str:
    """Write a price with every digit that counts."""
    return UNKNOWN if value is None else figures.price(Decimal(value))


def money(value: Number | None) -> str:
    """Write an amount of quote, short."""
    return UNKNOWN if value is None else figures.money(value)


def share(value: float | None) -> str:
    """Write a share of 1 in percent; never 100 % or 0 % for what is not quite that."""
    if value is None:
        return UNKNOWN
    if value in (0, 1):
        return f"{value:.0%}".replace("%", " %")
    return f"{min(max(value * 100, 0.1), 99.9):.1f}".removesuffix(".0") + " %"


def number(metric: Metric, value: Number | None) -> str:
    """Write a value in the unit of its metric."""
    match metric:
        case Metric.MID:
            return price(value)
        case Metric.DEPTH | Metric.BIDS | Metric.ASKS:
            return money(value)
        case Metric.DEPTH_Z | Metric.SPREAD_Z:
            return score(value)
        case _:
            return bps(value)


def listed(words: Sequence[str]) -> str:
    """Join words as a sentence does: a, b and c."""
    if len(words) < 2:  # noqa: PLR2004 (one word needs no and)
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def counted(count: int, thing: str, plural: str | None = None) -> str:
    """Write 1 alert, 2 alerts, no alert."""
    if count == 0:
        return f"no {thing}"
    return f"{count:,} {thing if count == 1 else plural or thing + 's'}"
