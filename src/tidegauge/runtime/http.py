"""REST requests to venues: one door, with deadlines, size limits and the proxy."""

from types import TracebackType
from typing import Self

import aiohttp

from tidegauge.wire.protocol import Fetch, Response

from .proxies import proxied_by_environment

MAX_BODY = 64 * 1024 * 1024
TIMEOUT_S = 10.0
LONGEST_WAIT_S = 3600.0
"""The longest Retry-After that is honoured."""


class VenueHttp:
    """Makes a venue's `Fetch` requests. Never raises for the network: status 0 says why."""

    def __init__(self, rest_url: str, *, proxy: str | None = None) -> None:
        self._rest_url = rest_url.rstrip("/")
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            headers={"User-Agent": "tidegauge"},
            trust_env=self._proxy is None and proxied_by_environment(self._rest_url),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def fetch(self, fetch: Fetch) -> Response:
        """Make one request and return its answer, whatever it is."""
        if self._session is None:
            raise RuntimeError("VenueHttp is used before it is entered")
        try:
            async with self._session.request(
                "GET" if fetch.body is None else "POST",
                self._rest_url + fetch.path,
                params=list(fetch.params) or None,
                data=fetch.body,
                headers={} if fetch.body is None else {"Content-Type": "application/json"},
                proxy=self._proxy,
            ) as answer:
                body = bytearray()
                while more := await answer.content.read(MAX_BODY + 1 - len(body)):
                    body += more
                    if len(body) > MAX_BODY:
                        return Response(status=0, body=b"the answer is too large")
                return Response(
                    status=answer.status,
                    body=bytes(body),
                    retry_after=_seconds(answer.headers.get("Retry-After")),
                )
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            return Response(status=0, body=f"{type(error).__name__}: {error}".encode()[:300])


def _seconds(text: str | None) -> float | None:
    """Read a Retry-After header in seconds (RFC 9110 section 10.2.3); a date is not honoured."""
    if text is None or not (text.isascii() and text.isdigit()):
        return None
    return min(float(text), LONGEST_WAIT_S)
