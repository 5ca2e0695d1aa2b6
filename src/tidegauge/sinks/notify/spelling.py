"""How the address of a channel is written: the service's name, `+`, and the address it gave you.

    slack+https://hooks.slack.com/services/T000/B000/XXXX
    telegram+https://BOT:TOKEN@api.telegram.org/CHAT
    pagerduty+https://:INTEGRATION_KEY@events.pagerduty.com
    alertmanager+https://alertmanager.example.com
    https://example.com/hook                                  a webhook of your own
    smtps://USER:PASSWORD@mail.example.com?from=A&to=B,C      TLS from the beginning
    smtp://USER:PASSWORD@mail.example.com?from=A&to=B         TLS by STARTTLS

`http` is for webhooks and Alertmanagers on hosts that are listed, and for nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit


class Service(StrEnum):
    """Who is spoken to."""

    SLACK = "slack"
    TELEGRAM = "telegram"
    PAGERDUTY = "pagerduty"
    ALERTMANAGER = "alertmanager"
    WEBHOOK = "webhook"
    MAIL = "mail"


PASTED = {"hooks.slack.com": Service.SLACK}
"""Hosts whose address is known for what it is without the service before it."""

PREFIXES = {each.value: each for each in Service if each is not Service.MAIL}
PLAIN_ALLOWED = frozenset({Service.WEBHOOK, Service.ALERTMANAGER})
MAIL_PORTS = {"smtps": 465, "smtp": 587}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelled:
    """An address, taken apart. `url` is that to connect to, without user and password.

    `sender` and `recipients` are of e-mail; `tls`: from the first byte on.
    """

    service: Service
    host: str
    port: int | None
    tls: bool
    url: str = field(repr=False)
    written: str = field(repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    sender: str = field(default="", repr=False)
    recipients: tuple[str, ...] = field(default=(), repr=False)


def spelled(written: str) -> Spelled:
    """Take an address apart. Raises `ValueError`, which says what is wrong and repeats nothing."""
    if any(each.isspace() or not each.isprintable() for each in written):
        raise ValueError("must be one address without spaces")
    try:
        parts = urlsplit(written)
        port, user, password = parts.port, parts.username or "", parts.password or ""
    except ValueError:
        raise ValueError("must be an address such as https://host/path") from None
    if not parts.hostname:
        raise ValueError("must name a host, such as https://host/path")
    service, scheme = _service(parts)
    found = Spelled(
        service=service,
        host=parts.hostname,
        port=port if service is not Service.MAIL else port or MAIL_PORTS[scheme],
        tls=scheme in ("https", "smtps"),
        url=urlunsplit((scheme, parts.netloc.rpartition("@")[2], parts.path, parts.query, "")),
        written=written,
        user=unquote(user),
        password=unquote(password),
        sender=next(iter(_asked(parts.query, "from")), ""),
        recipients=_asked(parts.query, "to") if service is Service.MAIL else (),
    )
    _check(found, parts)
    return found


def plainly(found: Spelled, lists: Callable[[str], bool]) -> str | None:
    """Say what is wrong with an address that is not encrypted; None: nothing, or it is."""
    if found.tls or found.service is Service.MAIL:
        return None
    if found.service not in PLAIN_ALLOWED:
        return "must begin with https: this service takes nothing else"
    if not lists(found.host):
        return "must begin with https, or its host be listed in notify.allow_hosts"
    return None


def _service(parts: SplitResult) -> tuple[Service, str]:
    name, plus, scheme = parts.scheme.rpartition("+")
    if scheme in MAIL_PORTS and not plus:
        return Service.MAIL, scheme
    if scheme in ("https", "http"):
        if not plus:
            return PASTED.get(parts.hostname or "", Service.WEBHOOK), scheme
        if name in PREFIXES:
            return PREFIXES[name], scheme
    wanted = ", ".join(f"{each}+https://" for each in PREFIXES)
    raise ValueError(f"must begin with https://, smtps://, smtp://, or {wanted}")


def _asked(query: str, name: str) -> tuple[str, ...]:
    """Return what a query says under a name. A plus is a plus: addresses of e-mail have them."""
    pairs = (each.partition("=") for each in query.split("&"))
    said = (unquote(text) for key, _, text in pairs if key == name)
    return tuple(each.strip() for text in said for each in text.split(",") if each.strip())


def _check(found: Spelled, parts: SplitResult) -> None:
    """Raise `ValueError` for an address that lacks what its service needs."""
    path = parts.path.strip("/")
    if found.service is Service.SLACK and not path:
        raise ValueError("must have the path of the webhook: /services/T…/B…/…")
    if found.service is Service.TELEGRAM and not (found.password and path and "/" not in path):
        raise ValueError("must be written telegram+https://BOT:TOKEN@api.telegram.org/CHAT")
    if found.service is Service.PAGERDUTY and not found.password:
        raise ValueError("must be written pagerduty+https://:INTEGRATION_KEY@events.pagerduty.com")
    if found.service is Service.MAIL and not (
        "@" in found.sender and found.recipients and all("@" in to for to in found.recipients)
    ):
        raise ValueError("must say from whom and to whom: ?from=a@example.com&to=b@example.com")
