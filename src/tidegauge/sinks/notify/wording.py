"""Pages in the words of each service. What a page says is shown there as it is: no service is asked
to look for markup in it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from tidegauge.core.alert import Severity
from tidegauge.core.desk import Page, PageKind
from tidegauge.core.instrument import SECOND, Nanos

from ..outbox.parcel import incident_of
from .spelling import Spelled

LASTS = 300 * SECOND
"""For how long an Alertmanager takes what it was told last for true."""

PAGERDUTY_PATH = "/v2/enqueue"
PAGERDUTY_SEVERITY = {
    Severity.INFO: "info",
    Severity.WARNING: "warning",
    Severity.HIGH: "error",
    Severity.CRITICAL: "critical",
}
SLACK_HEADER, SLACK_TEXT = 150, 3_000
TELEGRAM_TEXT = 4_096
PAGERDUTY_SUMMARY = 1_024


@dataclass(frozen=True, slots=True)
class Post:
    """What is posted, as JSON, and to which address."""

    url: str
    body: Any


def headline(page: Page) -> str:
    """Return the title with how bad it is before it, on one line."""
    said = "RESOLVED" if page.over else str(page.severity).upper()
    return f"[{said}] {' '.join(page.title.split())}"


def plain(page: Page) -> str:
    """Return all of a page as text."""
    return f"{headline(page)}\n\n{page.text}".rstrip()


def iso(at: Nanos) -> str:
    """Write a time as RFC 3339 has it, to the microsecond."""
    whole, rest = divmod(at, SECOND)
    moment = datetime.fromtimestamp(whole, UTC).replace(microsecond=rest // 1_000)
    return moment.isoformat().replace("+00:00", "Z")


def to_slack(to: Spelled, page: Page) -> Post:
    """Slack's incoming webhook; blocks of plain text, in which `<!channel>` calls nobody."""
    blocks = [
        {
            "type": kind,
            "text": {"type": "plain_text", "text": shortened(text, most), "emoji": False},
        }
        for kind, text, most in (
            ("header", headline(page), SLACK_HEADER),
            ("section", page.text, SLACK_TEXT),
        )
        if text.strip()
    ]
    escaped = headline(page).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Post(to.url, {"text": escaped, "blocks": blocks})


def to_telegram(to: Spelled, page: Page) -> Post:
    """Telegram's sendMessage, without a parse mode."""
    origin, _, chat = to.url.rpartition("/")
    token = f"{quote(to.user)}:{quote(to.password)}"
    return Post(
        f"{origin}/bot{token}/sendMessage",
        {
            "chat_id": chat,
            "text": shortened(plain(page), TELEGRAM_TEXT),
            "link_preview_options": {"is_disabled": True},
        },
    )


def to_pagerduty(to: Spelled, page: Page) -> Post:
    """PagerDuty's Events API v2: an incident of ours is one of theirs, by its key."""
    incident = incident_of(page)
    action = "trigger"
    if incident is not None and page.over:
        action = "resolve"
    elif incident is not None and page.kind is PageKind.ACKNOWLEDGED:
        action = "acknowledge"
    origin = to.url.rstrip("/")
    body = {
        "routing_key": to.password,
        "event_action": action,
        "dedup_key": (incident or page.key)[:255],
        "client": "Tidegauge",
        "payload": {
            "summary": shortened(headline(page), PAGERDUTY_SUMMARY),
            "source": "tidegauge",
            "severity": PAGERDUTY_SEVERITY[page.severity],
            "timestamp": iso(page.at),
            "component": page.symbol or "tidegauge",
            "custom_details": {"text": page.text, "key": page.key, **page.labels},
        },
    }
    return Post(origin if origin.endswith(PAGERDUTY_PATH) else origin + PAGERDUTY_PATH, body)


def to_webhook(to: Spelled, page: Page) -> Post:
    """All of it, for a program. `key` is the same however often it comes."""
    return Post(
        to.url,
        {
            "version": 1,
            "key": page.key,
            "kind": page.kind,
            "at": iso(page.at),
            "severity": str(page.severity),
            "title": page.title,
            "text": page.text,
            "symbol": page.symbol,
            "incidents": list(page.of),
            "over": page.over,
            "starts_at": None if page.starts_at is None else iso(page.starts_at),
            "ends_at": None if page.ends_at is None else iso(page.ends_at),
            "labels": dict(page.labels),
        },
    )


def shortened(text: str, most: int) -> str:
    """Cut what a service would refuse for its length."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
