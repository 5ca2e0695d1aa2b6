"""What `tidegauge notify status` sees, while somebody writes and when nobody does."""

import sqlite3
from pathlib import Path

import pytest
from tests.support.pages import NOON, a_page

from tidegauge.core.desk import Arrival
from tidegauge.core.instrument import SECOND
from tidegauge.sinks.outbox.file import OutboxFile, Settled
from tidegauge.sinks.outbox.survey import ChannelState, survey


def test_it_tells_of_each_channel_what_waits_and_how_it_fares(tmp_path: Path) -> None:
    """The same while the file is open, from its log, and afterwards."""
    path = tmp_path / "outbox.sqlite3"
    assert survey(path) == []
    file = OutboxFile(str(path), "me")
    file.put([a_page(1, "slack", "mail"), a_page(2, "slack")], NOON)
    for channel, arrival, said in (
        ("slack", Arrival.SENT, ""),
        ("slack", Arrival.RETRYING, "503 busy"),
        ("mail", Arrival.RETRYING, "no answer within 10 s"),
    ):
        parcel = file.next(channel, NOON)[0]
        assert parcel is not None
        file.settle(
            Settled(
                parcel=parcel,
                began=NOON,
                at=NOON + SECOND,
                arrival=arrival,
                said=said,
                not_before=NOON + 60 * SECOND,
            )
        )
    file.give_up(NOON - 1)
    wanted = [
        ChannelState(
            channel="mail",
            waiting=1,
            oldest_at=NOON,
            failures=1,
            failed_at=NOON + SECOND,
            said="no answer within 10 s",
        ),
        ChannelState(
            channel="slack",
            waiting=1,
            oldest_at=NOON,
            sent=1,
            sent_at=NOON + SECOND,
            failures=1,
            failed_at=NOON + SECOND,
            said="503 busy",
        ),
    ]
    assert survey(path) == wanted
    file.close()
    assert survey(path) == wanted


def test_what_is_no_outbox_is_said_to_be_none(tmp_path: Path) -> None:
    """Rather than shown as empty."""
    path = tmp_path / "outbox.sqlite3"
    path.write_bytes(b"something else " * 100)
    with pytest.raises(sqlite3.Error):
        survey(path)
