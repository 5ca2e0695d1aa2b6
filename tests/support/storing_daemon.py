"""A program that keeps and stores records as a monitor does, and says which are acknowledged.

`python -m tests.support.storing_daemon RUN [READINGS_A_SECOND]`: settings come from the environment.
Each line on standard output is `alert NAME` or `reading FRAME`, written once it is on the disk.
"""

import asyncio
import signal
import sys
import time
from collections.abc import Sequence

import structlog
import uvloop
from tests.support.database import a_reading, an_alert

from tidegauge.core.alert import Alert, AlertState
from tidegauge.core.instrument import SECOND
from tidegauge.runtime.settings import load_settings
from tidegauge.runtime.storage import Storage, run_of
from tidegauge.sinks.rows import Kind
from tidegauge.sinks.slips import Slip, record_of

FRAME_AT = slice(14 + 12 + 12 + 12 + 4, 14 + 12 + 12 + 12 + 12)
"""Where the frame of a reading is in its row: behind series, recv_ns, at, epoch and a length."""


def acknowledge(slips: Sequence[Slip]) -> None:
    """Say what is on the disk."""
    lines = []
    for slip in slips:
        if slip.kind is Kind.READING:
            lines.append(f"reading {int.from_bytes(slip.body[FRAME_AT], 'big')}\n")
        elif slip.kind is Kind.ALERT:
            _run, alert = record_of(slip)
            assert isinstance(alert, Alert)
            lines.append(f"alert {alert.id}\n")
    sys.stdout.write("".join(lines))
    sys.stdout.flush()


async def main(run_id: str, rate: float) -> None:
    """Submit until told to stop, then store what was accepted."""
    settings = load_settings().settings
    run = run_of(run_id, time.time_ns(), "monitor", ("BTCUSDT",))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    opened = Storage.opened(settings, run, lambda _crash: None, on_kept=acknowledge)
    async with opened as storage, storage.working():
        began, sent = time.monotonic(), 0
        while not stop.is_set():
            due = int((time.monotonic() - began) * rate)
            for frame in range(sent, min(due, sent + 500)):
                storage.submit(a_reading(frame, received_at=time.time_ns()))
                if frame % 10 == 0:
                    name = f"{run_id}-{frame}"
                    at = time.time_ns()
                    state = AlertState.FIRING if frame % 20 else AlertState.RESOLVED
                    storage.submit(an_alert(state, name=name, updated_at=at - at % SECOND + frame))
                sent = frame + 1
            await asyncio.sleep(0.002)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    uvloop.run(main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 1_000.0))
