"""What happens to a feed, as a line of log."""

import pytest
from structlog.testing import capture_logs

from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.trust import Trust
from tidegauge.runtime.feed_log import log_event


@pytest.mark.parametrize(
    ("kind", "trust", "level"),
    [
        (FeedEventKind.CONNECTED, None, "info"),
        (FeedEventKind.TRUST, Trust.LIVE, "info"),
        (FeedEventKind.GAP, None, "warning"),
        (FeedEventKind.OVERFLOW, None, "warning"),
    ],
)
def test_what_is_lost_is_a_warning_and_the_usual_is_not(
    kind: FeedEventKind, trust: Trust | None, level: str
) -> None:
    """Fields that say nothing are left out."""
    event = FeedEvent(kind=kind, venue="binance", at=1, trace="binance/1/2", trust=trust)
    with capture_logs() as lines:
        log_event(event)
    (line,) = lines
    assert (line["event"], line["log_level"]) == (f"feed_{kind}", level)
    assert (line["venue"], line["trace"]) == ("binance", "binance/1/2")
    assert "detail" not in line
