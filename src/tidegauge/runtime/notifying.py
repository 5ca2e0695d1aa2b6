"""From the settings to a notifier that works."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from tidegauge.core.desk import Delivery
from tidegauge.sinks.notify.channel import Channel
from tidegauge.sinks.notify.dead_man import DeadMan
from tidegauge.sinks.notify.guard import Guard
from tidegauge.sinks.notify.http import HttpChannel
from tidegauge.sinks.notify.mail import MailChannel
from tidegauge.sinks.notify.notifier import Notifier, Wired
from tidegauge.sinks.notify.spelling import Service, Spelled
from tidegauge.sinks.outbox.outbox import Outbox

from .settings import Settings
from .settings_notify import spelled_of


@asynccontextmanager
async def notifying(
    settings: Settings,
    run_id: str,
    *,
    healthy: Callable[[], bool],
    told: Callable[[Delivery], None],
) -> AsyncIterator[Notifier]:
    """Deliver pages meanwhile, also those that a run before left, and tell that we live.

    `healthy` says whether the monitor works; `told` hears how each page fares. What is submitted
    until the end is on the disk then, and goes out now or with the next start.
    """
    outbox = Outbox(settings.data_dir, run_id)
    notifier = Notifier(outbox, wired(settings), told=told)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(outbox.close)
        await outbox.open()
        await stack.enter_async_context(notifier.working())
        if (dead_man := dead_man_of(settings, healthy)) is not None:
            task = asyncio.create_task(dead_man.run(), name="dead-man")
            stack.push_async_callback(_ended, task)
        yield notifier


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def wired(settings: Settings) -> dict[str, Wired]:
    """Return the channels that the settings name."""
    guard = Guard(settings.notify.allow_hosts)
    return {
        name: Wired(
            channel=channel_to(spelled_of(each.url), guard),
            timeout_s=each.timeout_s,
            fallback=each.fallback,
            fallback_after_s=each.fallback_after_s,
        )
        for name, each in settings.notify.channels.items()
    }


def channel_to(to: Spelled, guard: Guard) -> Channel:
    """Return the channel that speaks to an address."""
    return MailChannel(to, guard) if to.service is Service.MAIL else HttpChannel(to, guard)


def dead_man_of(settings: Settings, healthy: Callable[[], bool]) -> DeadMan | None:
    """Return who tells that we live, if anybody is to be told."""
    notify = settings.notify
    if notify.dead_man_url is None:
        return None
    guard, to = Guard(notify.allow_hosts), spelled_of(notify.dead_man_url)
    return DeadMan(to, guard, healthy, every_s=notify.dead_man_every_s)
