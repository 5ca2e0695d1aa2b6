"""What of a channel's address must not be read anywhere, and how to keep it out of what is said."""

from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import quote, unquote, urlsplit

MASK = "********"
SHORTEST = 8
"""A part of an address is telling from so many characters on, if it is no plain word."""

PIECE = 8
"""So many characters of a secret in a row give it away."""

LONGEST_HEARD = 4_096
LONGEST_SAID = 160


def secrets_of(url: str) -> tuple[str, ...]:
    """Return what is to be masked of an address: the whole, and every part of it that tells."""
    telling = _telling(url)
    try:
        parts = urlsplit(url)
    except ValueError:
        return (url,)
    path = [parts.path, f"{parts.path}?{parts.query}"] if telling and len(parts.path) > 1 else []
    return _forms((url, url.partition("+")[2], *path, *telling))


def _telling(url: str) -> tuple[str, ...]:
    """Return its password, and whatever in its path and query is no plain word."""
    try:
        parts = urlsplit(url)
        user, password = parts.username or "", parts.password or ""
    except ValueError:
        return ()
    pieces = [*parts.path.split("/"), *(each.partition("=")[2] for each in parts.query.split("&"))]
    found = [each for each in pieces if len(each) >= SHORTEST and not _is_word(each)]
    if password:
        plain = f"{unquote(user)}:{unquote(password)}"
        found += [password, f"{user}:{password}", b64encode(plain.encode()).decode()]
    return tuple(found)


def _forms(texts: Iterable[str]) -> tuple[str, ...]:
    """Return each text as it is written, decoded and encoded."""
    return tuple(
        dict.fromkeys(
            form
            for each in texts
            if each
            for form in (each, unquote(each), quote(unquote(each), safe=""))
        )
    )


def _is_word(text: str) -> bool:
    return unquote(text).replace("-", "").replace("_", "").replace(".", "").isalpha() and (
        text == text.lower()
    )


class Discretion:
    """Says things without the secrets of one channel."""

    def __init__(self, url: str) -> None:
        self._secrets = sorted(secrets_of(url), key=len, reverse=True)
        self._telling = _forms(_telling(url))

    def __repr__(self) -> str:
        return "Discretion()"

    def said(self, text: str) -> str:
        """Return `text` on one line, short, printable, and with every secret masked; nothing of it
        where a piece of one shows."""
        text = "".join(each if each.isprintable() else " " for each in text[:LONGEST_HEARD])
        text = " ".join(text.split())
        for secret in self._secrets:
            if len(secret) >= PIECE // 2:
                text = text.replace(secret, MASK)
        if any(_shows(text, secret) for secret in self._telling):
            return "(what it said is not shown: it repeats a secret)"
        return text if len(text) <= LONGEST_SAID else f"{text[: LONGEST_SAID - 1]}…"


def _shows(text: str, secret: str) -> bool:
    return any(secret[at : at + PIECE] in text for at in range(max(0, len(secret) - PIECE + 1)))
