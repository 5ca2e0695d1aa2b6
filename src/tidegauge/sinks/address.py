"""A database's URL: taken apart, checked, and shown without its secrets. Pure."""

import re
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from tidegauge.core.errors import OperatorError

URL_VARIABLE = "TIDEGAUGE_DATABASE_URL"
PASSWORD_VARIABLE = "TIDEGAUGE_DATABASE_PASSWORD"  # noqa: S105 - the variable's name
SECRET_PARAMETERS = ("password", "sslpassword")
SHAPE = f"Write it as postgresql://user@host:5432/database, and the password in {PASSWORD_VARIABLE}"

SCHEME = re.compile(r"postgres(?:ql)?://", re.IGNORECASE)
HOST = re.compile(r"(?:\[[0-9a-f:.]+\]|[^\s:,/@\[\]]*)(?::\d{1,5})?", re.IGNORECASE)
SECRET_IN_QUERY = re.compile(rf"([?&](?:{'|'.join(SECRET_PARAMETERS)})=)[^&]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a database is. `url` and `describe` hold no secret."""

    url: str
    describe: str
    password: str | None = field(repr=False)


def mask(url: str) -> str:
    """Return `url` with every password in it replaced by stars, however badly it is written."""
    scheme = SCHEME.match(url)
    if scheme is None:
        return "***"
    rest = url[scheme.end() :]
    account, at, place = rest.rpartition("@")
    if ":" in account:
        rest = f"{account.partition(':')[0]}:***{at}{place}"
    return scheme[0] + SECRET_IN_QUERY.sub(r"\1***", rest)


def read_address(url: str, password: str | None = None) -> Address:
    """Take a URL apart; `password` wins over one in it.

    Raises `OperatorError`, also when the URL needs a password and there is none.
    """
    parts = _split(url)
    account, _, hosts = parts.netloc.rpartition("@")
    user, _, quoted = account.partition(":")
    parameters = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in parameters if name.lower() != "password"]
    given = dict(parameters)
    secret = password or unquote(quoted) or given.get("password") or None
    local = not hosts and given.get("host", "/").startswith("/")
    if not (secret or local or given.get("sslcert") or given.get("passfile")):
        raise OperatorError(
            f"the database of {URL_VARIABLE} needs a password, and there is none ({mask(url)})",
            fix=f"Set {PASSWORD_VARIABLE}; any word will do where the server asks for none",
        )
    netloc = f"{user}@{hosts}" if user else hosts
    where = hosts or given.get("host") or "the local socket"
    name = unquote(parts.path.lstrip("/")) or given.get("dbname") or "the default database"
    return Address(
        url=urlunsplit((parts.scheme, netloc, parts.path, urlencode(kept, safe="/"), "")),
        describe=f"PostgreSQL at {where}, {name}" + (f" as {unquote(user)}" if user else ""),
        password=secret,
    )


def _split(url: str) -> SplitResult:
    """Split a URL. No message ever quotes what could be a piece of a password."""
    if SCHEME.match(url) is None:
        raise OperatorError(f"{URL_VARIABLE} does not begin with postgresql://", fix=SHAPE)
    try:
        parts = urlsplit(url)
    except ValueError:
        raise OperatorError(f"{URL_VARIABLE} is not a URL: {mask(url)}", fix=SHAPE) from None
    hosts = parts.netloc.rpartition("@")[2].split(",")
    if "@" in parts.path or parts.fragment or not all(HOST.fullmatch(host) for host in hosts):
        raise OperatorError(
            f"{URL_VARIABLE} cannot be read: {mask(url)}",
            fix=f"{SHAPE}: one in the URL must be percent-encoded",
        )
    return parts
