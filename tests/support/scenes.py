"""Scenes of the made-up market, read as the dashboard reads them."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from tests.support.pictured import picture_at

from tidegauge.faces.api.patches import document_of
from tidegauge.faces.dashboard.records import Reader
from tidegauge.faces.dashboard.scene import Scene, scene_of

AT = datetime(2026, 11, 28, 22, 0, 30, tzinfo=UTC)


def document_at(
    step: int = 1, at: datetime = AT, *, untrusted: Collection[str] = (), levels: int = 20
) -> dict[str, Any]:
    """Return what the stream would tell."""
    picture, ladders = picture_at(step, at, untrusted=untrusted, levels=levels)
    return {"picture": document_of(picture), "ladders": document_of(ladders)}


def scene_at(
    step: int = 1, at: datetime = AT, *, untrusted: Collection[str] = (), levels: int = 20
) -> Scene:
    """Return what is shown of BTCUSDT."""
    document = document_at(step, at, untrusted=untrusted, levels=levels)
    return scene_of(document, "BTCUSDT", Reader())
