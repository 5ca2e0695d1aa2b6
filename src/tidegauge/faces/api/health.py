"""Whether the API answers, and whether what it answers can be relied upon."""

from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """That it answers."""

    status: str = "ok"


class Readiness(BaseModel):
    """Whether it shows the market as it is now, and why not."""

    ready: bool
    reasons: list[str]


@router.get("/healthz")
async def healthz() -> Health:
    """Say that the process answers. Anybody may ask."""
    return Health()


@router.get("/readyz", responses={503: {"model": Readiness, "description": "Not ready"}})
async def readyz(request: Request, response: Response) -> Readiness:
    """Say whether a daemon is seen, and what is seen is new; 503 where not."""
    reasons = list(request.app.state.hub.reasons())
    if reasons:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    return Readiness(ready=not reasons, reasons=reasons)
