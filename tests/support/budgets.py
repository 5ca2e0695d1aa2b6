"""Budgets for tests that are about something else."""

from tidegauge.core.instrument import SECOND
from tidegauge.runtime.budget import MemoryLedger, VenueBudget
from tidegauge.runtime.clock import SlewedClock
from tidegauge.wire.protocol import Rate, VenueLimits


def budget_for(url: str, limits: VenueLimits | None = None) -> VenueBudget:
    """A budget nobody shares; without limits of its own it is ample."""
    return VenueBudget(
        VenueLimits(connects=Rate(10_000, SECOND)) if limits is None else limits,
        (url, url),
        ledger=MemoryLedger(),
        clock=SlewedClock(),
        share=0.5,
        limited=lambda _why: None,
    )
