"""Routes of the desk: alerts, incidents and silences, and what people order of them.

An order goes the way it goes from the command line: a transaction in PostgreSQL that the owning
daemon picks up. The answer says what came of it, or that no daemon has answered yet.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import AfterValidator, BaseModel, Field

from tidegauge.core.desk import Order, OrderKind, Silence
from tidegauge.core.errors import OperatorError
from tidegauge.faces.desk.incidents import ordered
from tidegauge.faces.desk.ordering import MOST_COMMENT, MOST_NAME, new_order
from tidegauge.faces.desk.show import detail_of
from tidegauge.faces.desk.silence import matcher_of, one_of
from tidegauge.faces.times import SHORTEST
from tidegauge.runtime.window.desk import ShownAlert, ShownIncident, ShownSilence
from tidegauge.sinks import desk_read
from tidegauge.sinks.orders import OrderRefused, outcome_of, place
from tidegauge.sinks.table import nanos

from .answers import NAME, HubOf, Time, answer
from .archive import Archive
from .problems import Problem

router = APIRouter(tags=["desk"])

PATIENCE_S = 5.0
"""How long an answer waits for the daemon that carries an order out."""

DAY_S = 86_400.0
MOST = 1_000
FIELD_OF = {"--signal": "signals", "--venue": "venues", "--severity": "severities"}
"""What a command calls by a flag."""

IncidentId = Annotated[str, Path(max_length=100, pattern=r"^[A-Za-z0-9-]+$")]
Symbol = Annotated[
    Annotated[str, AfterValidator(str.upper)] | None,
    Query(pattern=NAME, description="Of this symbol only."),
]
Since = Annotated[Time | None, Query(description="Those that were open then, or later.")]
Most = Annotated[int, Query(ge=1, le=MOST, description="No more than so many, the newest first.")]
Comment = Annotated[str, Field(max_length=MOST_COMMENT, pattern=r"^[^\x00]*$")]
By = Annotated[
    str, Field(max_length=MOST_NAME, pattern=r"^[^\x00]*$", description="Who orders it.")
]
Names = Annotated[
    list[Annotated[str, Field(max_length=64, pattern=r"^[^\x00]+$")]], Field(max_length=100)
]


class Acknowledgement(BaseModel, extra="forbid"):
    """`version`: of the incident as it was seen; without it the newest counts."""

    version: int | None = Field(None, ge=0, le=2**53)
    until_s: float | None = Field(
        None, ge=SHORTEST.seconds, le=30 * DAY_S, description="For so many seconds."
    )
    comment: Comment = ""
    by: By = ""


class Said(BaseModel, extra="forbid"):
    """What is to be known, or why."""

    comment: Comment = ""
    version: int | None = Field(None, ge=0, le=2**53)
    by: By = ""


class NewSilence(BaseModel, extra="forbid"):
    """Of what nobody is to be paged; `*` and `?` stand for any text and any character."""

    signals: Names = []
    symbols: Names = []
    venues: Names = []
    severities: Names = []
    for_s: float = Field(ge=SHORTEST.seconds, le=30 * DAY_S)
    comment: Comment = Field(min_length=1)
    by: By = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What came of an order. `waits`: no daemon has answered yet; it will be carried out."""

    done: bool
    waits: bool
    said: str
    version: int | None = None


WAITS: dict[int | str, dict[str, Any]] = {
    202: {"model": Carried, "description": "Ordered; no daemon has answered yet"}
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEvent:
    """What happened to an incident, and who did it."""

    at: datetime
    kind: str
    actor: str
    comment: str
    detail: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldChannel:
    """How a page about it fared on one channel: sent, retrying or failed."""

    at: datetime
    channel: str
    kind: str
    arrival: str
    attempts: int
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentDetail:
    """All of one incident."""

    incident: ShownIncident
    alerts: list[ShownAlert]
    timeline: list[TimelineEvent]
    deliveries: list[ToldChannel]


@router.get("/alerts", response_model=list[ShownAlert])
async def alerts(
    request: Request,
    hub: HubOf,
    symbol: Symbol = None,
    since: Since = None,
    most: Most = 200,
    *,
    firing: bool = False,
) -> Response:
    """Alerts, the newest first; where nothing is stored, those that daemons still show."""
    if not archive_of(request).exists:
        shown = [
            each
            for each in hub.picture().alerts.values()
            if symbol in (None, each.symbol)
            and (each.state == "firing" or not firing)
            and _lasted(each.ended_at, since)
        ]
        return answer(sorted(shown, key=lambda each: each.started_at, reverse=True)[:most])
    async with archive_of(request).session() as connection:
        rows = await desk_read.alerts(
            connection, only_firing=firing, symbols=_names(symbol), since=since, most=most
        )
    return answer([_alert(row, row["incident"]) for row in rows])


@router.get("/incidents", response_model=list[ShownIncident])
async def incidents(
    request: Request,
    hub: HubOf,
    symbol: Symbol = None,
    since: Since = None,
    most: Most = 200,
    *,
    only_open: Annotated[bool, Query(alias="open")] = False,
) -> Response:
    """Incidents, the newest first; where nothing is stored, those that daemons still show."""
    if not archive_of(request).exists:
        shown = [
            each
            for each in hub.picture().incidents.values()
            if symbol in (None, each.symbol)
            and (each.state != "resolved" or not only_open)
            and _lasted(each.resolved_at, since)
        ]
        return answer(sorted(shown, key=lambda each: each.opened_at, reverse=True)[:most])
    async with archive_of(request).session() as connection:
        rows = await desk_read.incidents(
            connection, only_open=only_open, symbols=_names(symbol), since=since, most=most
        )
    return answer([_incident(row) for row in rows])


@router.get("/incidents/{name}", response_model=IncidentDetail)
async def incident(request: Request, name: IncidentId) -> Response:
    """All of one incident: its alerts, what happened to it, and who was told."""
    async with archive_of(request).session() as connection:
        found = await _found(connection, name)
        joined = await desk_read.alerts_of(connection, found["alerts"])
        events = await desk_read.timeline(connection, [found["id"]])
        told = await desk_read.deliveries_of(connection, found["id"])
    return answer(
        IncidentDetail(
            incident=_incident(found),
            alerts=[_alert(row, found["id"]) for row in joined],
            timeline=[_event(row) for row in events],
            deliveries=[_told(row) for row in told],
        )
    )


@router.post("/incidents/{name}/acknowledge", response_model=Carried, responses=WAITS)
async def acknowledge(request: Request, name: IncidentId, body: Acknowledgement) -> Response:
    """Take an incident on."""
    until = None
    if body.until_s is not None:
        until = nanos(datetime.now(UTC) + timedelta(seconds=body.until_s))

    async def made(connection: Any) -> Order:
        found = await _found(connection, name)
        who = _actor(request, body.by)
        return ordered(OrderKind.ACKNOWLEDGE, found, who, body.comment, body.version, until=until)

    return await _carry_out(request, made)


@router.post("/incidents/{name}/comment", response_model=Carried, responses=WAITS)
async def comment(request: Request, name: IncidentId, body: Said) -> Response:
    """Say something that everybody who looks at the incident will see."""
    if not body.comment.strip():
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "The comment is empty",
            errors=[("comment", "write what is to be known")],
        )

    async def made(connection: Any) -> Order:
        found = await _found(connection, name)
        who = _actor(request, body.by)
        return new_order(
            kind=OrderKind.COMMENT, actor=who, comment=body.comment, incident_id=found["id"]
        )

    return await _carry_out(request, made)


@router.post("/incidents/{name}/resolve", response_model=Carried, responses=WAITS)
async def resolve(request: Request, name: IncidentId, body: Said) -> Response:
    """End an incident; alerts that still fire are dismissed."""
    return await _end(request, OrderKind.RESOLVE, name, body)


@router.post("/incidents/{name}/rebase", response_model=Carried, responses=WAITS)
async def rebase(request: Request, name: IncidentId, body: Said) -> Response:
    """Take the level that its alerts fell to for the new normal."""
    return await _end(request, OrderKind.REBASE, name, body)


@router.get("/silences", response_model=list[ShownSilence])
async def silences(hub: HubOf) -> Response:
    """Silences that hold, or are to come."""
    return answer([*hub.picture().silences.values()])


@router.post("/silences", response_model=Carried, responses=WAITS)
async def silence(request: Request, body: NewSilence) -> Response:
    """Page nobody of what fits all that is given. Incidents open all the same."""
    if not (body.signals or body.symbols or body.venues or body.severities):
        one = ("symbols", "name a symbol, a venue, a signal or a severity; * is every symbol")
        raise Problem(422, "Nothing says what to silence", errors=[one])
    try:
        matcher = matcher_of(body.signals, body.symbols, body.venues, body.severities)
    except OperatorError as error:
        flag, _, why = str(error).partition(" ")
        detail = "This silence would fit nothing"
        raise Problem(422, detail, errors=[(FIELD_OF.get(flag, flag), why)]) from None

    async def made(_connection: Any) -> Order:
        order = new_order(
            kind=OrderKind.SILENCE, actor=_actor(request, body.by), comment=body.comment
        )
        new = Silence(
            id=order.id,
            matcher=matcher,
            starts_at=order.at,
            ends_at=order.at + int(body.for_s * 1_000_000) * 1_000,
            author=order.actor,
            comment=body.comment,
        )
        return replace(order, silence=new)

    return await _carry_out(request, made)


@router.delete("/silences/{name}", response_model=Carried, responses=WAITS)
async def expire(
    request: Request, name: Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9-]+$")]
) -> Response:
    """End a silence now."""

    async def made(connection: Any) -> Order:
        rows = await desk_read.silences(connection, over_too=True)
        try:
            found = one_of(name, rows)
        except OperatorError as error:
            raise Problem(HTTPStatus.NOT_FOUND, str(error)) from None
        return new_order(kind=OrderKind.EXPIRE_SILENCE, actor=_actor(request, ""), silence_id=found)

    return await _carry_out(request, made)


def archive_of(request: Request) -> Archive:
    """Return the database behind the API."""
    archive: Archive = request.app.state.archive
    return archive


async def _end(request: Request, kind: OrderKind, name: str, body: Said) -> Response:
    async def made(connection: Any) -> Order:
        found = await _found(connection, name)
        return ordered(kind, found, _actor(request, body.by), body.comment, body.version)

    return await _carry_out(request, made)


async def _carry_out(request: Request, made: Callable[[Any], Awaitable[Order]]) -> Response:
    """Place an order, and tell what came of it: 200 done, 202 waits, 409 refused."""
    async with archive_of(request).session(order=True) as connection:
        try:
            order = await made(connection)
            placed = await place(connection, order)
        except OrderRefused as error:
            raise Problem(HTTPStatus.CONFLICT, str(error)) from None
        if placed.waits is not None:
            said = f"ordered, but {placed.waits}"
            return answer(Carried(done=False, waits=True, said=said), 202)
        outcome = await outcome_of(connection, order.id, PATIENCE_S)
    if outcome is None:
        said = f"ordered; the daemon has not answered within {PATIENCE_S:.0f} s: it will do so"
        return answer(Carried(done=False, waits=True, said=said), 202)
    if not outcome.done:
        raise Problem(HTTPStatus.CONFLICT, outcome.said)
    return answer(Carried(done=True, waits=False, said=outcome.said, version=outcome.version))


async def _found(connection: Any, name: str) -> Any:
    try:
        return await desk_read.incident(connection, name)
    except OperatorError as error:
        raise Problem(HTTPStatus.NOT_FOUND, str(error)) from None


def _actor(request: Request, by: str) -> str:
    """Say who orders it: whom they name, else whose token it is, or a browser."""
    principal = request.state.principal
    return by.strip() or ("browser" if principal.by_cookie else f"api, {principal.name}")


def _names(symbol: str | None) -> list[str]:
    return [] if symbol is None else [symbol]


def _lasted(ended_at: datetime | None, since: datetime | None) -> bool:
    """Whether what ended then was still open at `since`, or is now."""
    return since is None or ended_at is None or ended_at >= since


def _incident(row: Any) -> ShownIncident:
    names = ShownIncident.__dataclass_fields__
    return ShownIncident(**{name: _plain(row[name]) for name in names})


def _alert(row: Any, incident_id: str | None) -> ShownAlert:
    names = [name for name in ShownAlert.__dataclass_fields__ if name != "incident"]
    return ShownAlert(**{name: _plain(row[name]) for name in names}, incident=incident_id)


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _event(row: Any) -> TimelineEvent:
    return TimelineEvent(
        at=row["at"],
        kind=row["kind"],
        actor=row["actor"],
        comment=row["comment"],
        detail=detail_of(row),
    )


def _told(row: Any) -> ToldChannel:
    return ToldChannel(
        at=row["sent_at"] or row["updated_at"],
        channel=row["channel"],
        kind=row["kind"],
        arrival=row["arrival"],
        attempts=row["attempts"],
        said=row["said"],
    )
