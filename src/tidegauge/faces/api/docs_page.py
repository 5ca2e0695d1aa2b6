"""`/docs`: the description of the API for people, by Swagger UI, whose files are here (`swagger/`)."""

from pathlib import Path
from typing import Literal

from fastapi import APIRouter
from starlette.responses import FileResponse, HTMLResponse

router = APIRouter(include_in_schema=False)

FOLDER = Path(__file__).with_name("swagger")
KEPT = {"cache-control": "private, max-age=86400"}
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Tidegauge: the API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<div id="swagger"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</html>
"""


@router.get("/docs")
async def docs() -> HTMLResponse:
    """Return the page."""
    return HTMLResponse(PAGE)


@router.get("/docs/{name}")
async def file_of_docs(
    name: Literal["swagger-ui.css", "swagger-ui-bundle.js", "start.js"],
) -> FileResponse:
    """Return a file of the page."""
    return FileResponse(FOLDER / name, headers=KEPT)
