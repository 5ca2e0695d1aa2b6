"""Pages for tests."""

from tidegauge.core.alert import Severity
from tidegauge.core.desk import Page, PageKind
from tidegauge.core.instrument import SECOND, Nanos

NOON = 1_800_000_000 * SECOND


def a_page(
    number: int = 1,
    *channels: str,
    kind: PageKind = PageKind.OPENED,
    incident: str | None = None,
    severity: Severity = Severity.HIGH,
    title: str = "BTCUSDT on binance is thin",
    text: str = "Depth within 10 bps fell by 64 %.\nWiden quotes.",
    at: Nanos = NOON,
) -> Page:
    """Return page `number`, of an incident of its own unless one is named."""
    of = f"INC-{number}" if incident is None else incident
    return Page(
        key=f"{of}:{number}",
        kind=kind,
        at=at + number * SECOND,
        severity=severity,
        title=title,
        text=text,
        channels=channels or ("hook",),
        of=(of,),
        symbol="BTCUSDT",
        starts_at=at,
        ends_at=at + number * SECOND if kind is PageKind.RESOLVED else None,
        labels={"family": "liquidity"},
    )
