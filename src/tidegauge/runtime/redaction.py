"""What must not be read: which names hold secrets, and how a URL's password is masked."""

import re
from urllib.parse import unquote, urlsplit

MASK = "********"

SECRET_NAME = re.compile(
    r"passw(or)?d|passphrase|secret|token|authori[sz]ation|credential|(api|private|access)_?key",
    re.IGNORECASE,
)
"""A key whose name matches holds a secret, whatever its value looks like."""

_URL_PASSWORD = re.compile(
    # The scheme, a user name (it may be empty), then everything up to the last @ of the word: a
    # password that was not percent-encoded may hold any sign, and rather too much is masked.
    r"(?P<head>\b[a-z][a-z0-9+.\-]*://[^\s/?#:@\"]*:)[^\s\"]+(?=@)",
    re.IGNORECASE,
)
_QUERY_SECRET = re.compile(
    r"(?P<head>[?&](?:[a-z0-9_\-]*(?:password|passwd|secret|token|signature|apikey|api_key))=)[^&\s'\"#]+",
    re.IGNORECASE,
)


def mask_urls(text: str) -> str:
    """Mask the password, and any secret in the query, of every URL in `text`."""
    if "://" not in text:
        return text
    text = _URL_PASSWORD.sub(rf"\g<head>{MASK}", text)
    return _QUERY_SECRET.sub(rf"\g<head>{MASK}", text)


def url_secrets(url: str) -> tuple[str, ...]:
    """Return the password inside `url` as written and as decoded; nothing if it has none."""
    try:
        password = urlsplit(url).password
    except ValueError:
        return ()
    return tuple(dict.fromkeys((password, unquote(password)))) if password else ()
