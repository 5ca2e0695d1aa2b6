"""One line of log for what happens to a feed."""

import structlog

from tidegauge.core.events import FeedEvent, FeedEventKind

log = structlog.get_logger(__name__)

QUIET = frozenset(
    {
        FeedEventKind.SUBSCRIBED,
        FeedEventKind.CONNECTED,
        FeedEventKind.AUDIT,
        FeedEventKind.CATALOGUE,
        FeedEventKind.ROLLED,
        FeedEventKind.ADDED,
        FeedEventKind.REMOVED,
    }
)


def log_event(event: FeedEvent) -> None:
    """Log an event: as a warning where something is lost or refused."""
    level = log.info if event.kind in QUIET or event.trust is not None else log.warning
    fields = {
        "venue": event.venue,
        "symbol": event.symbol,
        "trust": event.trust,
        "reason": event.reason,
        "detail": event.detail or None,
        "trace": event.trace,
    }
    level(f"feed_{event.kind}", **{key: str(field) for key, field in fields.items() if field})
