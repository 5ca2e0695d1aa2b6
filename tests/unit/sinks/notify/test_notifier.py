"""Pages reach their channels: in order, at least once, and no channel waits for another."""

import asyncio
import sqlite3
import time
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.support.database import until
from tests.support.pages import a_page
from tests.support.receivers import (
    BROKEN,
    BUSY,
    DRIBBLING,
    HANGING,
    LOST_ANSWER,
    OK,
    RESET,
    Act,
    receiving,
)
from tests.support.telling import QUICK, wired, working

from tidegauge.core.desk import Arrival, Delivery, Page, PageKind
from tidegauge.core.instrument import SECOND
from tidegauge.sinks.notify import notifier as notifier_module
from tidegauge.sinks.notify.channel import TAKEN, Answer
from tidegauge.sinks.notify.notifier import Patience, Wired
from tidegauge.sinks.outbox import tables

LONG_ASIDE = replace(QUICK, aside=SECOND, aside_cap=SECOND)
"""What is refused is tried again when all the others went out, on a slow machine too."""


async def test_a_page_arrives_once_and_how_it_fared_is_told(tmp_path: Path) -> None:
    """Put in twice, it is told once; another page follows it."""
    told: list[Delivery] = []
    async with receiving() as hook, working(tmp_path, {"hook": wired(hook)}, told) as notifier:
        await notifier.put(a_page(1))
        notifier.submit(a_page(1))
        notifier.submit(a_page(2))
        await until(lambda: len(hook.taken) == 2)
        await until(lambda: len(told) == 2)
    assert [each["key"] for each in hook.taken] == ["INC-1:1", "INC-2:2"]
    assert hook.keys == ["INC-1:1", "INC-2:2"]
    first = told[0]
    assert (first.page_key, first.channel, first.arrival) == ("INC-1:1", "hook", Arrival.SENT)
    assert (first.attempts, first.incidents, first.said) == (1, ("INC-1",), "")
    assert first.first_at is not None
    assert first.sent_at is not None
    assert first.first_at <= first.sent_at
    assert not hook.acts


async def test_how_many_pages_wait_is_known(tmp_path: Path) -> None:
    """Each for each channel; none once they are delivered."""
    async with receiving() as stuck, receiving() as hook:
        stuck.told((), then=HANGING)
        channels = {"stuck": wired(stuck, timeout_s=1), "hook": wired(hook)}
        async with working(tmp_path, channels) as notifier:
            assert notifier.waiting == 0
            notifier.submit(a_page(1, "stuck", "hook"))
            assert notifier.waiting == 1
            await notifier.put(a_page(2, "stuck"))
            await until(lambda: bool(hook.taken) and notifier.waiting == 2)
            stuck.told(())
            await until(lambda: len(stuck.taken) == 2 and notifier.waiting == 0)


async def test_a_receiver_in_every_kind_of_trouble_loses_nothing_and_keeps_the_order(
    tmp_path: Path,
) -> None:
    """Ten minutes of 429, 500, silence and resets, shortened: all arrive, in order, each once."""
    trouble = [BUSY, BROKEN, HANGING, RESET, Act(status=503, taken=False), BROKEN, RESET, HANGING]
    async with (
        receiving(trouble) as hook,
        working(tmp_path, {"hook": wired(hook, timeout_s=1)}) as notifier,
    ):
        await notifier.put(*(a_page(number) for number in range(20)))
        await until(lambda: len(hook.taken) == 20, 60)
    assert hook.keys == [f"INC-{number}:{number}" for number in range(20)]
    assert len(hook.requests) == 20 + len(trouble)


async def test_an_answer_that_is_lost_makes_one_duplicate_with_the_same_key(
    tmp_path: Path,
) -> None:
    """Nobody can know whether it was taken; the receiver can, by its key."""
    async with (
        receiving([OK, LOST_ANSWER]) as hook,
        working(tmp_path, {"hook": wired(hook)}) as notifier,
    ):
        await notifier.put(*(a_page(number) for number in range(4)))
        await until(lambda: len(hook.taken) == 5)
    assert hook.keys == ["INC-0:0", "INC-1:1", "INC-1:1", "INC-2:2", "INC-3:3"]


async def test_a_slow_answer_after_the_status_is_not_waited_for(tmp_path: Path) -> None:
    """The page was taken: waiting for the rest, or sending it again, would help nobody."""
    async with (
        receiving([DRIBBLING]) as hook,
        working(tmp_path, {"hook": wired(hook, timeout_s=5)}) as notifier,
    ):
        await notifier.put(a_page(1), a_page(2))
        await until(lambda: len(hook.taken) == 2)
    assert hook.keys == ["INC-1:1", "INC-2:2"]


async def test_a_channel_that_hangs_delays_no_other(tmp_path: Path) -> None:
    """Each has a queue of its own."""
    async with receiving([HANGING] * 50) as stuck, receiving() as hook:
        channels = {"stuck": wired(stuck, timeout_s=30), "hook": wired(hook)}
        async with working(tmp_path, channels) as notifier:
            await notifier.put(*(a_page(number, "stuck", "hook") for number in range(10)))
            await until(lambda: len(hook.taken) == 10)
            assert len(stuck.requests) == 1


@pytest.mark.parametrize("dated", [False, True])
async def test_retry_after_is_kept_also_over_a_restart(tmp_path: Path, *, dated: bool) -> None:
    """In seconds or as a date: whoever is asked to be left alone for 2 s is, by the next run too."""
    loop, date = asyncio.get_running_loop(), int(time.time()) + 3
    date_at = loop.time() + date - time.time()
    wait = formatdate(date, usegmt=True) if dated else "2"
    busy = Act(status=429, headers=(("Retry-After", wait),), taken=False)
    async with receiving([busy]) as hook:
        told: list[Delivery] = []
        async with working(tmp_path, {"hook": wired(hook)}, told) as notifier:
            await notifier.put(a_page(1))
            await until(lambda: bool(told))
        async with working(tmp_path, {"hook": wired(hook)}, owner="next"):
            await until(lambda: len(hook.requests) == 2)
    assert hook.at[1] > (date_at if dated else hook.at[0] + 2) - 0.2
    assert hook.keys == ["INC-1:1"]


async def test_what_is_not_taken_in_time_goes_to_the_fallback_too(tmp_path: Path) -> None:
    """And still to the channel itself, when it works again."""
    told: list[Delivery] = []
    async with receiving() as slack, receiving() as mail:
        slack.told((), then=BROKEN)
        channels = {"slack": wired(slack, fallback="mail"), "mail": wired(mail)}
        async with working(tmp_path, channels, told) as notifier:
            await notifier.put(a_page(1, "slack"), a_page(2, "slack"))
            await until(lambda: len(mail.taken) == 2)
            slack.told(())
            await until(lambda: len(slack.taken) == 2)
    assert mail.keys == slack.keys == ["INC-1:1", "INC-2:2"]
    assert {each.channel for each in told if each.arrival is Arrival.SENT} == {"slack", "mail"}


async def test_a_page_that_a_channel_refuses_holds_up_no_other_and_falls_back_at_once(
    tmp_path: Path,
) -> None:
    """400 speaks of the page, not of the channel; it is tried again beside the others."""
    refusing = Act(status=400, body=b"invalid_payload", taken=False)
    told: list[Delivery] = []
    async with receiving([refusing, OK, OK, refusing]) as slack, receiving() as mail:
        slow = Wired(channel=wired(slack).channel, fallback="mail", fallback_after_s=60)
        channels = {"slack": slow, "mail": wired(mail)}
        async with working(tmp_path, channels, told, LONG_ASIDE) as notifier:
            await notifier.put(*(a_page(number, "slack") for number in (1, 2, 3)))
            await until(lambda: len(slack.taken) == 3 and len(mail.taken) == 1)
    assert slack.keys == ["INC-2:2", "INC-3:3", "INC-1:1"]
    assert mail.keys == ["INC-1:1"]
    assert told[0].said == "400 invalid_payload"
    assert told[0].arrival is Arrival.RETRYING


async def test_a_fallback_that_heard_of_the_beginning_hears_of_the_end(tmp_path: Path) -> None:
    """Though the channel itself works again; else it would last there for ever."""
    over = a_page(2, "slack", kind=PageKind.RESOLVED, incident="INC-1")
    async with receiving() as slack, receiving() as pager:
        slack.told((), then=BROKEN)
        channels = {"slack": wired(slack, fallback="pager"), "pager": wired(pager)}
        async with working(tmp_path, channels) as notifier:
            await notifier.put(a_page(1, "slack"))
            await until(lambda: len(pager.requests) == 1)
            slack.told(())
            await until(lambda: slack.keys == ["INC-1:1"])
            await notifier.put(over)
            await until(lambda: len(pager.requests) == len(slack.keys) == 2)
    assert slack.keys == pager.keys == ["INC-1:1", "INC-1:2"]


async def test_a_beginning_that_was_refused_is_not_told_after_the_end(tmp_path: Path) -> None:
    """An Alertmanager would be reminded of it for ever; that it was never told is."""
    told: list[Delivery] = []
    refusing = Act(status=400, body=b"too long", taken=False)
    over = a_page(2, kind=PageKind.RESOLVED, incident="INC-1")
    async with (
        receiving([refusing]) as hook,
        working(tmp_path, {"hook": wired(hook)}, told, LONG_ASIDE) as at,
    ):
        await at.put(a_page(1), over)
        await until(lambda: len(told) == 3)
        await asyncio.sleep(1.2)
    assert hook.keys == ["INC-1:2"]
    last = told[-1]
    assert (last.page_key, last.arrival, last.attempts) == ("INC-1:1", Arrival.FAILED, 1)
    assert last.said == "superseded: it is over"


async def test_what_nobody_takes_is_given_up_in_the_end_and_told_of(tmp_path: Path) -> None:
    """Not before `keep_for`, and never in silence."""
    told: list[Delivery] = []
    patience = Patience(keep_for=SECOND, base=QUICK.base, cap=QUICK.cap, care_s=0.05, look_s=0.1)
    async with receiving() as hook:
        hook.told((), then=BROKEN)
        async with working(tmp_path, {"hook": wired(hook)}, told, patience) as notifier:
            await notifier.put(a_page(1), a_page(2, "gone"))
            await until(lambda: sum(each.arrival is Arrival.FAILED for each in told) == 2)
            tries = len(hook.requests)
            await asyncio.sleep(0.3)
            assert len(hook.requests) == tries
    given_up = {each.channel: each for each in told if each.arrival is Arrival.FAILED}
    assert given_up["hook"].said == "500 out of order"
    assert given_up["hook"].attempts == tries
    assert (given_up["gone"].attempts, given_up["gone"].first_at) == (0, None)


async def test_what_is_submitted_until_the_end_waits_for_the_next_start(tmp_path: Path) -> None:
    """Stopped before it went out, it is on the disk."""
    async with receiving() as hook:
        hook.told((), then=HANGING)
        async with working(tmp_path, {"hook": wired(hook)}) as notifier:
            notifier.submit(a_page(1))
        hook.told(())
        async with working(tmp_path, {"hook": wired(hook)}, owner="next"):
            await until(lambda: hook.keys == ["INC-1:1"])


async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    """Whoever answers for the channel must not send us to the machine's credentials."""
    told: list[Delivery] = []
    away = Act(status=307, headers=(("Location", "http://169.254.169.254/latest/"),), taken=False)
    async with receiving() as other, receiving([away]) as hook:
        away_too = Act(status=302, headers=(("Location", other.url),), taken=False)
        hook.told([away, away_too])
        async with working(tmp_path, {"hook": wired(hook)}, told) as notifier:
            await notifier.put(a_page(1))
            await until(lambda: hook.keys == ["INC-1:1"])
    assert other.requests == []
    assert [each.said[:3] for each in told] == ["307", "302", ""]
    assert "not followed" in told[0].said


async def test_an_attempt_under_way_at_the_end_is_waited_for_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each stop would make a duplicate; one that takes longer is left to the next start."""
    told: list[Delivery] = []
    async with receiving() as hook:
        with monkeypatch.context() as patch:
            patch.setattr(notifier_module, "GRACE_S", 20)
            async with working(tmp_path, {"hook": wired(hook)}, told) as notifier:
                await notifier.put(a_page(1))
                await until(lambda: len(hook.requests) == 1)
        assert [each.arrival for each in told] == [Arrival.SENT]
        hook.told((), then=HANGING)
        async with (
            asyncio.timeout(30),
            working(tmp_path, {"hook": wired(hook, timeout_s=60)}, told) as notifier,
        ):
            await notifier.put(a_page(2))
            await until(lambda: len(hook.requests) == 2)
    assert len(told) == 1


class Locking:
    """A channel that takes a page, and locks the outbox for others before it says so."""

    reminded_every_s: float | None = None

    def __init__(self, path: Path) -> None:
        self._other = sqlite3.connect(path, isolation_level=None)
        self.told = 0

    async def send(self, page: Page, before: Page | None) -> Answer:
        self.told += 1
        self._other.execute("BEGIN IMMEDIATE")
        return TAKEN

    async def remind(self, pages: list[Page]) -> Answer:
        return TAKEN

    async def close(self) -> None:
        self._other.close()

    def unlock(self) -> None:
        self._other.execute("COMMIT")


async def test_a_page_that_went_out_is_not_sent_again_because_nobody_could_note_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While another process holds the file, the channel waits with its note in hand."""
    monkeypatch.setattr(tables, "BUSY_S", 0.05)
    told: list[Delivery] = []
    async with working(tmp_path, {}):
        channel = Locking(tmp_path / "outbox.sqlite3")
    async with working(tmp_path, {"hook": Wired(channel=channel)}, told, owner="next") as notifier:
        with capture_logs() as logs:
            await notifier.put(a_page(1))
            await until(lambda: any(each["event"] == "outbox_not_worked" for each in logs))
            await asyncio.sleep(0.3)
            channel.unlock()
            await until(lambda: bool(told))
    assert channel.told == 1
    assert [each.arrival for each in told] == [Arrival.SENT]
