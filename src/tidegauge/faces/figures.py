"""How numbers are written for people: short, with their unit, and a dash for what is unknown."""

from datetime import UTC, datetime
from decimal import Decimal

from tidegauge.core.instrument import SECOND, Nanos

UNKNOWN = "-"
THOUSAND = 1000


def clock(at: Nanos) -> str:
    """Write an instant as hh:mm:ss, UTC."""
    return datetime.fromtimestamp(at / SECOND, tz=UTC).strftime("%H:%M:%S")


def instant(at: Nanos) -> str:
    """Write an instant with its date, to the millisecond, UTC."""
    moment = datetime.fromtimestamp(at // SECOND, tz=UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{at % SECOND // 1_000_000:03d}"


def price(value: Decimal | None) -> str:
    """Write a price with every digit that counts."""
    if value is None:
        return UNKNOWN
    text = f"{value:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(value: Decimal | float | None) -> str:
    """Write an amount of quote in thousands (k), millions (M) or billions (B)."""
    if value is None:
        return UNKNOWN
    amount = float(value)
    for unit in ("", "k", "M"):
        if abs(amount) < THOUSAND:
            return f"{amount:.0f}" if not unit else f"{amount:.3g}{unit}"
        amount /= THOUSAND
    return f"{amount:.3g}B"


def amount(value: Decimal | None) -> str:
    """Write an amount of base: as money from a thousand on, below it with three digits."""
    if value is None or value >= THOUSAND:
        return money(value)
    return f"{float(value):.3g}"


def percent(value: float | None) -> str:
    """Write a fraction as a signed percentage, as funding rates are told."""
    return UNKNOWN if value is None else f"{value:+.4%}"


def bps(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.2f}"


def ratio(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:+.2f}"


def age(value: Nanos | None) -> str:
    """Write a span in milliseconds below a second, in seconds above."""
    if value is None:
        return UNKNOWN
    return f"{value / 1e6:.0f}ms" if value < SECOND else f"{value / SECOND:.1f}s"


def printable(text: str) -> str:
    """Escape control characters: what a venue says must not steer the terminal."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )
