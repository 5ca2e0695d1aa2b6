"""Who is let in: the holders of the tokens of a data directory, and the browsers they vouched for."""

import hashlib
import hmac
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from tidegauge.core.errors import OperatorError

from .sessions import ENDED, Principal, Scope, Sessions
from .tokens import FILE, Tokens, tokens_in

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0


class Access:
    """The tokens as their file has them: new ones are in force within a second, and end all sessions.

    While the file can't be used, nobody is let in.
    """

    def __init__(self, data_dir: Path, now: Callable[[], float] = time.time) -> None:
        self._data_dir = data_dir
        self._now = now
        self._look_at = 0.0
        self._seen: tuple[int, int] | None = None
        self._digests: dict[Scope, bytes] = {}
        self._sessions: Sessions | None = None
        self._take(tokens_in(data_dir))
        self._seen = self._mark()

    @property
    def sessions(self) -> Sessions | None:
        """Codes and cookies that are in force; None while the tokens can't be used."""
        self._look()
        return self._sessions

    def by_token(self, token: str) -> Principal | None:
        """Return who holds a token, in a time that does not depend on how much of it is right."""
        self._look()
        given = _digest(token)
        found = [
            scope for scope, known in self._digests.items() if hmac.compare_digest(given, known)
        ]
        return Principal(scope=found[0], name=found[0].name.lower()) if found else None

    def by_cookie(self, cookies: Mapping[str, str]) -> Principal | None:
        """Return whose cookie is among these, by their names."""
        sessions = self.sessions
        cookie = None if sessions is None else cookies.get(sessions.cookie_name)
        return None if sessions is None or cookie is None else sessions.principal(cookie)

    def knows(self, code: str) -> bool:
        """Whether a code would log a browser in."""
        sessions = self.sessions
        return sessions is not None and sessions.knows(code)

    def _look(self) -> None:
        if (steady := time.monotonic()) < self._look_at:
            return
        self._look_at = steady + LOOK_EVERY_S
        mark = self._mark()
        if mark == self._seen:
            return
        self._seen = mark
        try:
            self._take(tokens_in(self._data_dir))
            log.info("api_tokens_renewed")
        except OperatorError as error:
            self._digests, self._sessions = {}, None
            log.warning("api_tokens_unusable", reason=str(error))

    def _mark(self) -> tuple[int, int] | None:
        """Return what changes when the file is replaced, or who may read it changes."""
        try:
            found = os.stat(self._data_dir / FILE)  # noqa: PTH116 (a hot path)
        except OSError:
            return None
        return found.st_ino, found.st_ctime_ns

    def _take(self, tokens: Tokens) -> None:
        self._digests = {Scope.READ: _digest(tokens.read), Scope.OPERATE: _digest(tokens.operate)}
        # Of all three, so that a new token ends the sessions whatever the secret is.
        key = hashlib.sha256(f"{tokens.secret}\n{tokens.read}\n{tokens.operate}".encode())
        self._sessions = Sessions(key.digest(), self._data_dir / ENDED, self._now)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
