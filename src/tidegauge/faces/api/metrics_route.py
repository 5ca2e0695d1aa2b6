"""`GET /metrics`: what Prometheus scrapes."""

import asyncio
from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from tidegauge.faces.metrics.collector import CONTENT_TYPE, exposition
from tidegauge.runtime.window.picture import Picture

router = APIRouter()


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request) -> Response:
    """Everything Tidegauge counts, in Prometheus's text format.

    Of a daemon that has shown nothing for 15 s there is only `tidegauge_up 0`.
    """
    picture: Picture = request.app.state.hub.picture()
    # A thousand books take a moment, in which others are answered.
    body = await asyncio.to_thread(exposition, picture, datetime.now(UTC))
    return Response(body, media_type=CONTENT_TYPE)
