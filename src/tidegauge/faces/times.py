"""How people write an instant: a date and time, a time of a day, or how long ago. UTC."""

import re
from datetime import UTC, date, datetime, time, timedelta

from tidegauge.core.errors import OperatorError

UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
AGO = re.compile(r"-(?:\d{1,6}[dhms])+", re.ASCII)
LASTING = re.compile(r"(?:\d{1,6}[dhms])+", re.ASCII)
PART = re.compile(r"(\d+)([dhms])", re.ASCII)
HOUR = timedelta(hours=1)
SHORTEST = timedelta(seconds=10)
"""Of what is ordered to last: a daemon may hear of it seconds later, and does nothing that is over by then."""


def moment(option: str, text: str, *, day: date, now: datetime | None = None) -> datetime:
    """Read an instant, UTC unless it says otherwise; a time alone is on `day`.

    With `now`, "now" and "-15m" (or s, h, d; -1h30m) count from it. Raises `OperatorError`.
    """
    try:
        if now is not None and text == "now":
            return now
        if now is not None and AGO.fullmatch(text):
            return now - sum((_span(*part) for part in PART.findall(text)), timedelta())
        if "T" in text or "-" in text:
            read = datetime.fromisoformat(text)
            return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
        of_day = time.fromisoformat(text)
        return datetime.combine(day, of_day, of_day.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        ago = "" if now is None else ", or -15m"
        raise OperatorError(
            f"{option} {text!r} is no time",
            fix=f"Write it like 2026-11-21T14:02:00, or 14:02:00{ago}",
        ) from None


def lasting(option: str, text: str, *, most: timedelta) -> timedelta:
    """Read how long something is to last: 30m, 2h, 1h30m. Raises `OperatorError`."""
    span = timedelta()
    if LASTING.fullmatch(text):
        span = sum((_span(*part) for part in PART.findall(text)), timedelta())
    if not SHORTEST <= span <= most:
        raise OperatorError(
            f"{option} {text!r} is no time that it can last",
            fix=f"Write it like 30m, 2h or 1h30m, from {SHORTEST.seconds} s to {most.days} days",
        )
    return span


def interval(begin: str | None, end: str | None, *, now: datetime) -> tuple[datetime, datetime]:
    """Read --from and --to: an hour where one of them is not given, the last one without both.

    Raises `OperatorError` where nothing lies between them.
    """
    until = now if end is None else moment("--to", end, day=now.date(), now=now)
    since = until - HOUR if begin is None else moment("--from", begin, day=now.date(), now=now)
    if until < since:
        raise OperatorError(
            f"--to ({written(until)}) is before --from ({written(since)})", fix="Exchange them"
        )
    if until == since:
        raise OperatorError(
            f"Nothing lies between --from and --to: both are {written(until)}",
            fix="--to is the first instant that is not meant any more",
        )
    return since, until


def written(at: datetime) -> str:
    """Write an instant as `moment` and PostgreSQL read it, UTC, no more digits than needed."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(" ") + "Z"


def _span(number: str, unit: str) -> timedelta:
    return timedelta(**{UNITS[unit]: int(number)})
