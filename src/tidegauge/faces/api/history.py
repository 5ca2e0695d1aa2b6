"""Routes of the past: how a book fared, and what rested where."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from itertools import pairwise
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from tidegauge.sinks.history import History, HistoryPoint, read_history

from .answers import Since, SymbolPath, Until, VenuePath, answer
from .desk import archive_of
from .problems import Problem

router = APIRouter(tags=["history"])

USUAL = timedelta(hours=1)
LONGEST = timedelta(days=400)
DAY_S = 86_400.0

Step = Annotated[float | None, Query(gt=0, le=DAY_S, description="Seconds; the finest without it.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatColumn:
    """What rested about the mid at one time: quote between one band and the next, from the touch on."""

    at: datetime
    mid: Decimal
    bids: list[Decimal | None]
    asks: list[Decimal | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """Where liquidity rested over time. `bands`: the widths in bps, ascending."""

    venue: str
    symbol: str
    step_s: float
    bands: list[int]
    columns: list[HeatColumn]


@router.get("/history/{venue}/{symbol}", response_model=History)
async def history(
    request: Request,
    venue: VenuePath,
    symbol: SymbolPath,
    since: Since = None,
    until: Until = None,
    step: Step = None,
) -> Response:
    """How a book fared: without `from`, in the last hour."""
    return answer(await _read(request, venue, symbol, since, until, step))


@router.get("/heat/{venue}/{symbol}", response_model=Heat)
async def heat(
    request: Request,
    venue: VenuePath,
    symbol: SymbolPath,
    since: Since = None,
    until: Until = None,
    step: Step = None,
) -> Response:
    """Where liquidity rested about the mid, over time."""
    found = await _read(request, venue, symbol, since, until, step)
    bands = sorted({int(bps) for point in found.points for bps in point.bands})
    return answer(
        Heat(
            venue=found.venue,
            symbol=found.symbol,
            step_s=found.step_s,
            bands=bands,
            columns=[column for point in found.points if (column := _column(point, bands))],
        )
    )


async def _read(
    request: Request,
    venue: str,
    symbol: str,
    since: datetime | None,
    until: datetime | None,
    step: float | None,
) -> History:
    end = until or datetime.now(UTC)
    begin = since or end - USUAL
    if begin >= end:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "The range is reversed",
            errors=[("from", "must be before `to`")],
        )
    if end - begin > LONGEST:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "The range is too long",
            errors=[("from", f"must be within {LONGEST.days} days of `to`")],
        )
    every = None if step is None else timedelta(seconds=max(step, 1.0))
    archive = archive_of(request)
    async with archive.session() as connection:
        if end - begin > timedelta(hours=2):
            await archive.roll_up(connection, end)
        return await read_history(connection, venue.lower(), symbol.upper(), begin, end, every)


def _column(point: HistoryPoint, bands: list[int]) -> HeatColumn | None:
    """Return what rested between one band and the next; None where the mid is not known."""
    if point.mid is None:
        return None
    return HeatColumn(
        at=point.at, mid=point.mid, bids=_between(point, bands, 0), asks=_between(point, bands, 1)
    )


def _between(point: HistoryPoint, bands: list[int], side: int) -> list[Decimal | None]:
    """Return what rests from each band to the next; None where either is not known."""
    up_to = [point.bands.get(str(bps)) for bps in bands]
    edges = [Decimal(0), *(None if both is None else both[side] for both in up_to)]
    return [
        None if inner is None or outer is None else outer - inner
        for inner, outer in pairwise(edges)
    ]
