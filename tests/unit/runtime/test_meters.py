"""What a daemon counts of its own work."""

from dataclasses import replace
from typing import cast

from tests.support.incidents import OF_THE_DESK

from tidegauge.core.desk import Arrival, Delivery
from tidegauge.runtime.meters import Meters
from tidegauge.sinks.rows import Kind

RETRYING = cast("Delivery", OF_THE_DESK[Kind.NOTIFICATION])


def test_notifications_are_counted_by_channel_and_outcome() -> None:
    """Every attempt is one; what was shown does not change afterwards."""
    meters = Meters()
    meters.delivered(RETRYING)
    before = meters.notifications
    meters.delivered(replace(RETRYING, channel="mail", arrival=Arrival.FAILED))
    meters.delivered(RETRYING)
    meters.delivered(replace(RETRYING, arrival=Arrival.SENT))
    assert before == {"slack/retrying": 1}
    assert meters.notifications == {"slack/retrying": 2, "slack/sent": 1, "mail/failed": 1}


def test_what_others_know_is_asked_when_somebody_looks() -> None:
    """The writer's batches and the outbox's pages change without us."""
    batches, waiting = [3], [2]
    meters = Meters(batches=lambda: batches[0], waiting=lambda: waiting[0])
    assert (meters.batches, meters.notifications_waiting) == (3, 2)
    batches[0], waiting[0] = 4, 0
    assert (meters.batches, meters.notifications_waiting) == (4, 0)
    assert (Meters().batches, Meters().notifications_waiting) == (0, 0)
