"""What the stand-in answers: records of the routes of docs/api.md, of generated numbers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.support.stand_in_books import SYMBOLS

from tidegauge.faces.api.desk import IncidentDetail, TimelineEvent, ToldChannel
from tidegauge.faces.api.drills import DrillCheck, DrillRun, ShownDrill
from tidegauge.faces.api.history import Heat, HeatColumn
from tidegauge.runtime.window.across import ShownPortion
from tidegauge.runtime.window.books import ShownBook
from tidegauge.runtime.window.picture import Picture
from tidegauge.runtime.window.pricing import (
    QuotedTogether,
    QuotedVenue,
    ShownCurve,
    ShownQuote,
)
from tidegauge.sinks.history import History, HistoryAlert, HistoryPoint, TrustGap

SIDES = ("buy", "sell")
WIDTHS = (1, 1, 3, 5, 15, 25, 50)
BANDS = [1, 2, 5, 10, 25, 50, 100]

DRILLS = (
    ShownDrill(
        name="step-crunch",
        what="Both sides of one book lose 65 % of their depth at once.",
        must="liquidity_crunch",
        lasts_s=840,
    ),
    ShownDrill(name="calm", what="Nothing happens, on four venues.", must="nothing", lasts_s=900),
)


def told_curve(picture: Picture, symbol: str) -> ShownCurve:
    """Return an answer of `/curve`."""
    sizes = [Decimal(round(10 ** (3 + at / 10))) for at in range(40)]

    def cost(at: int, size: Decimal) -> float | None:
        return None if size > 2_000_000 * (at + 1) else 0.4 + float(size) ** 0.5 / (180 + 60 * at)

    venues = {
        book.venue: {side: [cost(at, size) for size in sizes] for side in SIDES}
        for at, book in enumerate(_live(picture, symbol))
    }
    whole: list[float | None] = [0.3 + float(size) ** 0.5 / 500 for size in sizes]
    return ShownCurve(
        symbol=symbol,
        quote="USDT",
        at=picture.at,
        sizes=tuple(sizes),
        venues=venues,
        together=dict.fromkeys(SIDES, whole),
    )


def _live(picture: Picture, symbol: str) -> list[ShownBook]:
    return [book for book in picture.books.values() if book.symbol == symbol and book.reading]


def told_history(picture: Picture, venue: str, symbol: str, asked: dict[str, str]) -> History:
    """Return an answer of `/history`: a calm wave with a crunch in its last third, and on the first
    venue a gap."""
    since, until = (datetime.fromisoformat(asked[name]) for name in ("from", "to"))
    step, span = float(asked["step"]), until - since
    gap = TrustGap(
        since=since + span * 0.3, until=since + span * 0.36, trust="stale", reason="silent"
    )
    crunch = HistoryAlert(
        id=f"old-{venue}",
        signal="liquidity_crunch",
        severity="high",
        started_at=since + span * 0.62,
        ended_at=since + span * 0.71,
        sentence="Depth fell.",
    )
    trust = (gap,) if venue == "binance" else ()
    rows = int(span.total_seconds() // step)
    points = (
        _point(picture.books[f"{venue}/{symbol}"], at, rows, since, step) for at in range(rows)
    )
    return History(
        venue=venue,
        symbol=symbol,
        since=since,
        until=until,
        step_s=step,
        source="readings",
        points=tuple(
            point for point in points if not any(gap.since < point.at < gap.until for gap in trust)
        ),
        alerts=(crunch,),
        trust=trust,
    )


def _point(book: ShownBook, at: int, rows: int, since: datetime, step: float) -> HistoryPoint:
    bad = 0.35 if 0.62 < at / rows < 0.7 else 1.0
    wave = ((at * 7919) % 101) / 101
    depth = Decimal(round(2_000_000 * bad * (0.9 + wave / 5)))
    mid = SYMBOLS[book.symbol]
    return HistoryPoint(
        at=since + timedelta(seconds=at * step),
        mid=mid * (1 + Decimal(at % 97) / 200_000),
        spread_bps=(0.15 + wave / 20) / bad,
        imbalance=wave - 0.5,
        bands={"10": (depth, depth), "25": (depth * 2, depth * 2)},
        slippage={
            "sell 100000": 0.5 / bad,
            "sell 1000000": 2.5 / bad + wave,
            "buy 1000000": 2.2 / bad,
        },
        depth_z=6.0 - wave if bad < 1 else wave * 2 - 1,
        spread_z=3.0 if bad < 1 else wave,
    )


def told_heat(picture: Picture, venue: str, symbol: str, asked: dict[str, str]) -> Heat:
    """Return an answer of `/heat`."""
    told = told_history(picture, venue, symbol, asked)
    columns = []
    for at, point in enumerate(told.points):
        thin = 0.35 if point.spread_z == 3.0 else 1.0
        rests: list[Decimal | None] = [
            Decimal(round(40_000 * width * thin * (1 + ((at * 31 + width) % 17) / 20)))
            for width in WIDTHS
        ]
        columns.append(HeatColumn(at=point.at, mid=point.mid or Decimal(1), bids=rests, asks=rests))
    return Heat(venue=venue, symbol=symbol, step_s=told.step_s, bands=BANDS, columns=columns)


def told_quote(picture: Picture, symbol: str, side: str, notional: Decimal) -> ShownQuote:
    """Return an answer of `/quote`: the third venue does not hold all of it."""
    books = [book for book in picture.books.values() if book.symbol == symbol]
    live = _live(picture, symbol)
    portion = notional / len(live)
    return ShownQuote(
        symbol=symbol,
        side=side,
        notional=notional,
        quote="USDT",
        at=picture.at,
        venues=tuple(_quoted(book, live.index(book) if book in live else None) for book in books),
        best=live[0].venue,
        together=QuotedTogether(
            filled=notional,
            average=60_999.2,
            floor=False,
            slippage_bps=0.84,
            portions=tuple(
                ShownPortion(venue=book.venue, quote=portion, share=1 / len(live), average=60_999.1)
                for book in live
            ),
        ),
        left_out=tuple((book.venue, book.reason) for book in books if not book.reading),
        fees_counted=False,
    )


def _quoted(book: ShownBook, at: int | None) -> QuotedVenue:
    fills = at is not None and at != 2
    return QuotedVenue(
        venue=book.venue,
        trust=book.trust,
        age_s=0.2,
        quote="USDT",
        rate=None if at is None else Decimal(1),
        filled=None if at is None else fills,
        filled_fraction=None if at is None else 1.0 if fills else 0.61,
        average=None if at is None else 60_998.25,
        worst=None,
        slippage_bps=1.9 + at if at is not None and fills else None,
        partial_slippage_bps=None,
        cost=190.5 if fills else None,
        floor=False,
        why=book.reason if at is None else None,
    )


def told_incident(
    picture: Picture, orders: Sequence[tuple[str, dict[str, Any]]], id_: str
) -> IncidentDetail:
    """Return an answer of `/incidents/{id}`."""
    incident = picture.incidents[id_]
    at = incident.opened_at
    opened = TimelineEvent(
        at=at, kind="opened", actor="tidegauge", comment="", detail={"trigger": incident.trigger}
    )
    ordered = [
        TimelineEvent(
            at=at,
            kind=name.split()[0],
            actor=body.get("by", "browser"),
            comment=body.get("comment", ""),
            detail={},
        )
        for name, body in orders
    ]
    told = ToldChannel(
        at=at, channel="slack", kind="opened", arrival="sent", attempts=1, said="200"
    )
    return IncidentDetail(
        incident=incident,
        alerts=[picture.alerts[each] for each in incident.alerts if each in picture.alerts],
        timeline=[opened, *ordered],
        deliveries=[told],
    )


def told_run(at: datetime, *, over: bool) -> DrillRun:
    """Return an answer of `/drills/runs/{id}`."""
    check = DrillCheck(
        expected="liquidity_crunch on binance fires within 4 s", came="after 2.1 s", met=True
    )
    return DrillRun(
        id="run-1",
        drill="step-crunch",
        seed=1,
        state="passed" if over else "running",
        started_at=at,
        ended_at=at + timedelta(seconds=4) if over else None,
        report="step-crunch: passed" if over else "",
        checks=(check,) if over else (),
    )
