"""How a browser logs in: a code that is good once, and a signed cookie from then on."""

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import structlog
from itsdangerous import BadData, URLSafeSerializer

from tidegauge.core.errors import OperatorError
from tidegauge.faces.whole_file import whole_file

log = structlog.get_logger(__name__)

COOKIE = "tidegauge-"
"""How the names of our cookies begin. A browser keeps one jar for all ports of a machine: what follows
is of the secret, so that two APIs there do not log each other's users out."""

ENDED = "api-logged-out"
"""The file of the data directory in which sessions are that were logged out, and until when each would
have been good. Their names are no secrets: nobody gets in by one."""

CODE_LASTS_S = 300.0
SESSION_LASTS_S = 7 * 86_400.0
"""A week, since a desk leaves the page open."""

CODE_BYTES = 24
"""So few that a link fits into a line of a terminal, and far more than can be guessed in five minutes."""

MOST_CODES = 1_000
"""Codes nobody used yet; beyond that the oldest are forgotten."""


SECONDS = re.compile("[0-9]{1,12}")


class Scope(IntEnum):
    """What a principal may do. Who may operate may read."""

    READ = 1
    OPERATE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks: a token or a browser. `name` is what is counted against, and no secret."""

    scope: Scope
    name: str
    by_cookie: bool = False


class Sessions:
    """Codes and cookies of one `secret`; another secret knows none of them.

    A cookie outlives a restart, and so does that a browser logged out: it is written to the file `ended`.
    """

    def __init__(self, secret: bytes, ended: Path, now: Callable[[], float] = time.time) -> None:
        self.cookie_name = COOKIE + hashlib.sha256(b"name" + secret).hexdigest()[:8]
        self._signed = URLSafeSerializer(
            secret, salt="session", signer_kwargs={"digest_method": hashlib.sha256}
        )
        self._now = now
        self._codes: dict[bytes, tuple[Scope, float]] = {}
        self._file = ended
        self._ended = self._read_ended()

    def code(self, scope: Scope) -> tuple[str, float]:
        """Return a new code, and until when (seconds since 1970) it is good."""
        code, until = secrets.token_urlsafe(CODE_BYTES), self._now() + CODE_LASTS_S
        while len(self._codes) >= MOST_CODES:
            del self._codes[next(iter(self._codes))]
        self._codes[_digest(code)] = (scope, until)
        return code, until

    def knows(self, code: str) -> bool:
        """Whether `redeem` would give anything for a code."""
        return self._now() < self._codes.get(_digest(code), (None, 0.0))[1]

    def redeem(self, code: str) -> Scope | None:
        """Return what a code gives, which it does once; None if it is used, too old, or none of ours."""
        # A look-up by digest tells nothing of the code, however long it takes.
        scope, until = self._codes.pop(_digest(code), (None, 0.0))
        return scope if self._now() < until else None

    def cookie(self, scope: Scope) -> str:
        """Return the cookie of a new session."""
        until = int(self._now() + SESSION_LASTS_S)
        text = self._signed.dumps([int(scope), secrets.token_hex(8), until])
        return text if isinstance(text, str) else text.decode()

    def principal(self, cookie: str) -> Principal | None:
        """Return whose cookie it is; None if it is not ours, too old, or logged out."""
        read = self._read(cookie)
        if read is None:
            return None
        scope, name, until = read
        if self._now() >= until or name in self._ended:
            return None
        return Principal(scope=scope, name=name, by_cookie=True)

    def end(self, cookie: str) -> None:
        """Let a session be over."""
        if (read := self._read(cookie)) is None:
            return
        _scope, name, until = read
        now = self._now()
        self._ended = {name: until for name, until in self._ended.items() if until > now}
        self._ended[name] = until
        self._write_ended()

    def _read_ended(self) -> dict[str, float]:
        """Return what the file holds, without what a hand or a full disk made of it."""
        try:
            lines = self._file.read_text(errors="replace").splitlines()
        except OSError:
            return {}
        found = (line.partition(" ") for line in lines)
        return {name: float(until) for name, _, until in found if SECONDS.fullmatch(until)}

    def _write_ended(self) -> None:
        """Write the file whole. If that fails, the session is over until the process ends."""
        text = "".join(f"{name} {int(until)}\n" for name, until in self._ended.items())
        try:
            with whole_file(self._file, force=True) as part:
                part.write_text(text)
        except (OSError, OperatorError) as error:
            log.warning("api_log_out_not_written", path=str(self._file), reason=str(error))

    def _read(self, cookie: str) -> tuple[Scope, str, float] | None:
        try:
            scope, name, until = self._signed.loads(cookie)
        except BadData:
            return None
        return Scope(scope), name, until


def _digest(code: str) -> bytes:
    return hashlib.sha256(code.encode(errors="replace")).digest()
