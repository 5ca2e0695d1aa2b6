"""Whether something applies to an alert: names, `*` and `?` in them, severities."""

import re
from functools import lru_cache

from ...core.alert import ALL, AlertKey, Severity
from ...core.desk import Matcher


def fits(matcher: Matcher, key: AlertKey, severity: Severity) -> bool:
    """Return whether an alert of this key and severity is what the matcher asks for."""
    return (
        (not matcher.severities or severity in matcher.severities)
        and (not matcher.signals or _named(matcher.signals, key.signal))
        and (not matcher.symbols or _named(matcher.symbols, key.symbol))
        and (
            not matcher.venues
            or any(_named(matcher.venues, venue) for venue in (*key.venues, key.venue))
        )
    )


def said(matcher: Matcher) -> str:
    """Return a matcher as people read it."""
    parts = [
        f"{name} {' or '.join(names)}"
        for name, names in (
            ("signal", matcher.signals),
            ("symbol", matcher.symbols),
            ("venue", matcher.venues),
            ("severity", tuple(map(str, matcher.severities))),
        )
        if names
    ]
    return ", ".join(parts) or "everything"


def _named(patterns: tuple[str, ...], name: str) -> bool:
    return any(
        name == pattern or (_wild(pattern) and _compiled(pattern).fullmatch(name) is not None)
        for pattern in patterns
    )


def _wild(pattern: str) -> bool:
    return ALL in pattern or "?" in pattern


@lru_cache(maxsize=1_024)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Nothing but `*` and `?` is special, whatever else people put into a name."""
    plain = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(plain, re.DOTALL)
