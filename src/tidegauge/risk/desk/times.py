"""How the desk says instants and spans: UTC, to the second."""

from datetime import UTC, datetime, timedelta

from ...core.instrument import SECOND, Nanos

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc(at: Nanos) -> str:
    """Write an instant; one that no calendar has as its nanoseconds."""
    try:
        moment = _EPOCH + timedelta(seconds=at // SECOND)
    except OverflowError:
        return f"{at} ns"
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def lasting(span: Nanos) -> str:
    """Write a span, in the two largest units that say anything."""
    seconds = max(span, 0) // SECOND
    minutes, hours, days = seconds // 60, seconds // 3_600, seconds // 86_400
    if minutes < 1:
        return f"{seconds} s"
    if hours < 1:
        return f"{minutes} min {seconds % 60} s"
    return f"{hours} h {minutes % 60} min" if days < 1 else f"{days} d {hours % 24} h"
