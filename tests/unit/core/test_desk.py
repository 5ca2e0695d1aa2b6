"""What passes over the desk can be kept and read back, and says what it is."""

from typing import Any

import msgspec
import pytest

from tidegauge.core.alert import Severity
from tidegauge.core.desk import (
    Matcher,
    Mute,
    Muted,
    Order,
    OrderKind,
    Outcome,
    Page,
    PageKind,
    Silence,
)

HOSTILE = "\x1b[31m<script>'; DROP TABLE\u202e\x00\n"
SILENCE = Silence(
    id="order-1",
    matcher=Matcher(symbols=("BTC*",), severities=(Severity.HIGH,)),
    starts_at=1,
    ends_at=2,
    author="anna",
    comment=HOSTILE,
)


def page(kind: PageKind) -> Page:
    return Page(
        key=f"INC-1/1/{kind}",
        kind=kind,
        at=1,
        severity=Severity.HIGH,
        title="HIGH",
        text=HOSTILE,
        channels=("slack",),
    )


@pytest.mark.parametrize(
    "record",
    [
        SILENCE,
        Order(
            id="order-1",
            kind=OrderKind.SILENCE,
            at=1,
            actor=HOSTILE,
            comment=HOSTILE,
            silence=SILENCE,
            amount="250000.00",
        ),
        Outcome(order_id="order-1", at=1, done=False, said=HOSTILE),
        Mute(at=1, stage=Muted.INHIBITED, reason=HOSTILE, alert_id="a"),
        page(PageKind.OPENED),
    ],
)
def test_every_record_is_read_back_as_it_was_written(record: Any) -> None:
    """Hostile text included, character by character."""
    written = msgspec.json.encode(record)
    assert msgspec.json.decode(written, type=type(record)) == record


def test_only_the_resolved_page_says_that_it_is_over() -> None:
    """An acknowledged one goes on."""
    assert [kind for kind in PageKind if page(kind).over] == [PageKind.RESOLVED]
