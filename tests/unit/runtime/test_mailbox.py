"""The bounded mailbox between sockets and books."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.runtime import mailbox
from tidegauge.runtime.mailbox import Inbox


async def test_items_come_out_in_the_order_they_went_in() -> None:
    """Deltas are worthless out of order."""
    inbox: Inbox[int] = Inbox(10)
    for item in range(5):
        inbox.put(item)
    assert await inbox.take() == ([0, 1, 2, 3, 4], 0)


async def test_an_overflow_drops_the_waiting_frames_and_says_how_many() -> None:
    """The reader learns of the hole, so that it can resync."""
    inbox: Inbox[int] = Inbox(3)
    for item in range(5):
        inbox.put(item)
    assert await inbox.take() == ([3, 4], 3)
    assert inbox.statistics().dropped == 3


async def test_what_must_arrive_survives_an_overflow() -> None:
    """That a link opened or closed is never lost with the frames."""
    inbox: Inbox[str] = Inbox(2)
    inbox.put_always("opened")
    for item in "abcd":
        inbox.put(item)
    items, lost = await inbox.take()
    assert items[0] == "opened"
    assert lost + len(items) == 5


async def test_a_reader_waits_until_there_is_something() -> None:
    """An empty inbox blocks its reader, not the loop."""
    inbox: Inbox[int] = Inbox(3)
    reader = asyncio.create_task(inbox.take())
    await asyncio.sleep(0)
    assert not reader.done()
    inbox.put(1)
    assert await reader == ([1], 0)


async def test_there_is_room_at_once_while_less_than_half_is_used() -> None:
    """A reader that keeps up is never waited for."""
    inbox: Inbox[int] = Inbox(4)
    inbox.put(1)
    async with asyncio.timeout(10):
        await inbox.room()


async def test_a_burst_is_held_back_until_the_reader_has_come() -> None:
    """A socket that brings frames faster than they are read waits; not one of them is dropped."""
    inbox: Inbox[int] = Inbox(8)

    async def bring() -> None:
        for item in range(1_000):
            inbox.put(item)
            await inbox.room()

    bringing = asyncio.create_task(bring())
    came: list[int] = []
    async with asyncio.timeout(10):
        while len(came) < 1_000:
            items, lost = await inbox.take()
            assert lost == 0
            came += items
        await bringing
    assert came == list(range(1_000))
    assert inbox.statistics().deepest == 4


async def test_a_reader_that_stays_behind_is_not_waited_for_any_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Frames that are held back for too long are old: the overflow begins the books afresh."""
    monkeypatch.setattr(mailbox, "HELD_BACK_S", 0.05)
    inbox: Inbox[int] = Inbox(8)
    async with asyncio.timeout(10):
        for item in range(9):
            inbox.put(item)
            await inbox.room()
    assert inbox.statistics().dropped == 8
    assert await inbox.take() == ([8], 8)


@given(items=st.lists(st.booleans(), max_size=200), limit=st.integers(1, 20))
def test_everything_is_delivered_or_counted(items: list[bool], limit: int) -> None:
    """Nothing disappears unseen, and the inbox never holds more frames than its limit."""
    inbox: Inbox[int] = Inbox(limit)
    for number, always in enumerate(items):
        (inbox.put_always if always else inbox.put)(number)
    statistics = inbox.statistics()
    assert statistics.depth + statistics.dropped == len(items)
    assert statistics.depth <= limit + sum(items)
