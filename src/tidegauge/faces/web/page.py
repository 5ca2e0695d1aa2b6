"""The routes of the page: `/` and the files it is made of. Whoever joins them to an app guards them.

The files are a fixed list, read once; a browser keeps them and asks each time whether they are the
same, by the hash of their content.
"""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files

from fastapi import APIRouter, HTTPException, Request, Response

NAMES = (
    "ask.js",
    "board.js",
    "commands.js",
    "curve.js",
    "depth.js",
    "dom.js",
    "drills.js",
    "heat.js",
    "history.js",
    "incident.js",
    "incidents.js",
    "ladder.js",
    "look.css",
    "main.js",
    "mark.svg",
    "overview.js",
    "paint.js",
    "parts.js",
    "plot.js",
    "quote.js",
    "risk.js",
    "shades.js",
    "stream.js",
    "symbol.js",
    "theme.js",
    "trail.js",
    "venues.js",
    "views.css",
    "words.js",
)
"""Our own files; `index.html` is the answer to `/`."""

VENDORED = ("uPlot.iife.min.js", "uPlot.min.css")

TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing inline, nothing from elsewhere, in nobody's frame."""

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    content: bytes
    media_type: str
    tag: str


@cache
def asset(name: str) -> Asset:
    """Return a file of the page by its name."""
    folder = files(__package__).joinpath("assets")
    path = folder.joinpath("vendor", name) if name in VENDORED else folder.joinpath(name)
    content = path.read_bytes()
    return Asset(content, TYPES[name.rpartition(".")[2]], f'"{sha256(content).hexdigest()[:32]}"')


@router.get("/")
async def page(request: Request) -> Response:
    """Return the page."""
    return _sent(asset("index.html"), request)


@router.get("/assets/{name}")
async def page_file(name: str, request: Request) -> Response:
    """Return one of the files of the page."""
    if name not in NAMES and name not in VENDORED:
        raise HTTPException(404, "There is no such file.")
    return _sent(asset(name), request)


def _sent(found: Asset, request: Request) -> Response:
    headers = {
        "ETag": found.tag,
        "Cache-Control": "no-cache",
        "Content-Security-Policy": POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
    known = {
        tag.strip().removeprefix("W/")
        for tag in request.headers.get("if-none-match", "").split(",")
    }
    if found.tag in known:
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)
