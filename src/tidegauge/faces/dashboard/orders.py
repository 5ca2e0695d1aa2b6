"""Questions and orders over HTTP: what the desk is told, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
import msgspec

from .access import Access

PATIENCE_S = 15.0
LARGEST = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Told:
    """What came of an order: `word` is done, waits, refused or failed; `said` why."""

    word: str
    said: str


async def ordered(access: Access, path: str, body: Mapping[str, Any]) -> Told:
    """Give an order, and return what came of it; nothing is raised."""
    try:
        status, answer = await _asked(access, "POST", path, body)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        why = "no answer in time" if isinstance(error, TimeoutError) else str(error)
        return Told("failed", f"it may or may not have been carried out: {why}")
    if not isinstance(answer, dict):
        return Told("failed", f"the API answers {status} with what is no object")
    said = str(
        answer.get("said") or answer.get("detail") or answer.get("title") or f"it says {status}"
    )
    if status == HTTPStatus.OK and answer.get("done"):
        return Told("done", said)
    if status == HTTPStatus.ACCEPTED:
        return Told("waits", said)
    faults = answer.get("errors")
    if isinstance(faults, list):
        said += "".join(
            f"; {each.get('field')}: {each.get('message')}"
            for each in faults
            if isinstance(each, dict)
        )
    return Told("refused" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "failed", said)


async def asked(access: Access, path: str) -> Any:
    """Return the answer to a question; None where there is none, for whatever reason."""
    try:
        status, answer = await _asked(access, "GET", path)
    except (aiohttp.ClientError, TimeoutError, OSError):
        return None
    return answer if status == HTTPStatus.OK else None


async def _asked(
    access: Access, method: str, path: str, body: Mapping[str, Any] | None = None
) -> tuple[int, Any]:
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with (
        aiohttp.ClientSession(timeout=timeout, headers=access.headers) as session,
        session.request(method, access.url + path, json=body, allow_redirects=False) as response,
    ):
        text = await response.content.read(LARGEST)
        try:
            return response.status, msgspec.json.decode(text)
        except (msgspec.MsgspecError, UnicodeError):
            return response.status, None
