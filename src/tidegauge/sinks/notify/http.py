"""Telling by HTTP: one POST, no redirect followed, only to addresses that the guard lets pass."""

import asyncio
import json
import ssl
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import quote

import aiohttp

from tidegauge.core.desk import Page
from tidegauge.core.instrument import HOUR, SECOND, Nanos

from .alerts import alert_of, posted, to_alertmanager
from .channel import TAKEN, Answer, Verdict
from .guard import Forbidden, Guard, GuardedResolver
from .secrecy import Discretion
from .spelling import Service, Spelled, plainly
from .wording import Post, to_pagerduty, to_slack, to_telegram, to_webhook

PLAIN_WORDING = {
    Service.SLACK: to_slack,
    Service.TELEGRAM: to_telegram,
    Service.PAGERDUTY: to_pagerduty,
    Service.WEBHOOK: to_webhook,
}
REMIND_EVERY_S = 60.0
LONGEST_WAIT = HOUR
"""The longest that a service may ask not to be tried again."""

LISTEN_S = 0.5
MOST_HEARD = 4_096
"""How long, and how much, is listened to what a service says beside its status."""

OF_THE_PAGE = frozenset({400, 413, 422})
"""Answers that speak of what was sent, and not of the channel."""

UNSENT = (aiohttp.ClientError, OSError, TimeoutError, ValueError, asyncio.IncompleteReadError)


def session_for(guard: Guard) -> aiohttp.ClientSession:
    """Return a client that keeps nothing and follows nothing. To be made where the loop runs."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            # aiohttp's own context is made when it is imported: too early for SSL_CERT_FILE.
            ssl=ssl.create_default_context(),
            resolver=GuardedResolver(guard),
            use_dns_cache=False,
            limit=0,
        ),
        timeout=aiohttp.ClientTimeout(total=None),  # the notifier holds the clock
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "tidegauge"},
        auto_decompress=False,
        trust_env=False,
    )


class HttpChannel:
    """A service that is told by a POST of JSON."""

    def __init__(
        self,
        to: Spelled,
        guard: Guard,
        *,
        remind_every_s: float = REMIND_EVERY_S,
        now: Callable[[], Nanos] = time.time_ns,
    ) -> None:
        self._to = to
        self._guard = guard
        self._now = now
        self._remind_every_s = remind_every_s
        self._discretion = Discretion(to.written)
        self._session: aiohttp.ClientSession | None = None

    @property
    def reminded_every_s(self) -> float | None:
        """See `Channel`."""
        return self._remind_every_s if self._to.service is Service.ALERTMANAGER else None

    async def send(self, page: Page, before: Page | None) -> Answer:
        """See `Channel`."""
        wording = PLAIN_WORDING.get(self._to.service)
        if wording is not None:
            return await self._post(wording(self._to, page), page.key)
        return await self._post(to_alertmanager(self._to, page, before, self._now()), page.key)

    async def remind(self, pages: list[Page]) -> Answer:
        """See `Channel`."""
        now = self._now()
        alerts = [alert_of(page, now) for page in pages]
        return await self._post(posted(self._to, alerts), f"reminder-{now}")

    async def close(self) -> None:
        """See `Channel`."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _post(self, post: Post, key: str) -> Answer:
        if (wrong := plainly(self._to, self._guard.lists)) is not None:
            return Answer(verdict=Verdict.LATER, said=wrong)
        if self._session is None:
            self._session = session_for(self._guard)
        secure = self._to.service in (Service.WEBHOOK, Service.ALERTMANAGER) and self._to.password
        basic = b64encode(f"{self._to.user}:{self._to.password}".encode()).decode()
        try:
            self._guard.check_literal(self._to.host)
            async with self._session.post(
                post.url,
                data=json.dumps(post.body).encode(),
                headers={
                    "Content-Type": "application/json",
                    "Idempotency-Key": quote(key, safe=":"),
                    **({"Authorization": f"Basic {basic}"} if secure else {}),
                },
                allow_redirects=False,
            ) as answer:
                return await self._judge(answer)
        except Forbidden as error:
            return Answer(verdict=Verdict.LATER, said=f"refused by us: {error}")
        except UNSENT as error:
            said = self._discretion.said(f"{type(error).__name__}: {error}")
            return Answer(verdict=Verdict.LATER, said=said)

    async def _judge(self, answer: aiohttp.ClientResponse) -> Answer:
        """Judge by the status; what is said beside it only explains."""
        heard = b""
        with suppress(*UNSENT):
            async with asyncio.timeout(LISTEN_S):
                heard = await answer.content.read(MOST_HEARD)
        if 200 <= answer.status < 300:  # noqa: PLR2004
            return TAKEN
        if 300 <= answer.status < 400:  # noqa: PLR2004
            said = f"{answer.status}: it sends us to another address; redirects are not followed"
            return Answer(verdict=Verdict.LATER, said=said)
        text = self._discretion.said(heard.decode("utf-8", "replace"))
        verdict = Verdict.REFUSED if answer.status in OF_THE_PAGE else Verdict.LATER
        wait = _wait(answer.headers.get("Retry-After"), self._now()) or _telegrams_wait(heard)
        return Answer(verdict=verdict, said=f"{answer.status} {text}".rstrip(), wait=wait)


def _wait(text: str | None, now: Nanos) -> Nanos | None:
    """Read Retry-After, in seconds or as a date (RFC 9110 section 10.2.3)."""
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return min(int(text[:9]) * SECOND, LONGEST_WAIT)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    until = at.replace(tzinfo=at.tzinfo or UTC).timestamp()
    return min(max(0, int(until * SECOND) - now), LONGEST_WAIT)


def _telegrams_wait(heard: bytes) -> Nanos | None:
    """Return how long Telegram asks to be left alone, which it says in the body."""
    try:
        seconds = json.loads(heard)["parameters"]["retry_after"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if isinstance(seconds, int) and seconds > 0:
        return min(seconds * SECOND, LONGEST_WAIT)
    return None
