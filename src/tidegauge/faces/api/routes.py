"""What the API serves of the daemons: the market, the past, the desk and the stream."""

from fastapi import APIRouter, FastAPI

from tidegauge.runtime.window.hub import Hub

from . import desk, history, market, stream
from .archive import Archive

ROUTERS: tuple[APIRouter, ...] = (market.router, history.router, desk.router, stream.router)


def attach(app: FastAPI, hub: Hub, archive: Archive) -> None:
    """Have the routes answer from a hub and a database that are kept open meanwhile."""
    app.state.hub = hub
    app.state.archive = archive
    app.state.documents = stream.Documents(hub)
