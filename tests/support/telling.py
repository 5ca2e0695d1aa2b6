"""A notifier at work, in a hurry."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tidegauge.core.desk import Delivery
from tidegauge.core.instrument import MILLISECOND
from tidegauge.sinks.notify.guard import Guard
from tidegauge.sinks.notify.http import HttpChannel
from tidegauge.sinks.notify.notifier import Notifier, Patience, Wired
from tidegauge.sinks.notify.spelling import spelled
from tidegauge.sinks.outbox.outbox import Outbox

from .receivers import Receiver

QUICK = Patience(
    base=20 * MILLISECOND,
    cap=100 * MILLISECOND,
    aside=50 * MILLISECOND,
    aside_cap=200 * MILLISECOND,
    care_s=0.05,
    look_s=0.1,
)


def wired(
    receiver: Receiver, *, service: str = "", timeout_s: float = 20.0, fallback: str | None = None
) -> Wired:
    address = spelled(f"{service}{receiver.url}/hook")
    return Wired(
        channel=HttpChannel(address, Guard(["127.0.0.1"])),
        timeout_s=timeout_s,
        fallback=fallback,
        fallback_after_s=0.4,
    )


@asynccontextmanager
async def working(
    data_dir: Path,
    channels: dict[str, Wired],
    told: list[Delivery] | None = None,
    patience: Patience = QUICK,
    owner: str = "run",
) -> AsyncIterator[Notifier]:
    outbox = Outbox(data_dir, owner)
    await outbox.open()
    heard = [] if told is None else told
    notifier = Notifier(outbox, channels, told=heard.append, patience=patience)
    try:
        async with notifier.working():
            yield notifier
    finally:
        await outbox.close()
