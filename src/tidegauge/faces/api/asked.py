"""What a request says of itself before anybody reads it: under which name, from where, as whom."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Self
from urllib.parse import parse_qs

from starlette.types import Scope

from .problems import Problem
from .sessions import COOKIE

BAD_HOST = "This name is not one of those the API may be asked under; see serve.allowed_hosts"
BEARER = "bearer "


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The head of a request. `host` as sent (with its port), `address` of who asks."""

    is_socket: bool
    method: str
    path: str
    host: str
    origin: str | None
    token: str | None
    cookies: Mapping[str, str]
    address: str
    query: bytes

    @classmethod
    def of(cls, scope: Scope, *, behind_tls: bool) -> Self:
        """Read the head. Raises `Problem` where it says something twice, or nothing of its host."""
        is_socket = scope["type"] == "websocket"
        host = _only(scope, b"host")
        if not host:
            raise Problem(HTTPStatus.BAD_REQUEST, "A request needs one Host header")
        said = _only(scope, b"authorization")
        return cls(
            is_socket=is_socket,
            method="GET" if is_socket else scope["method"],
            path=scope["path"],
            host=host.lower(),
            origin=_only(scope, b"origin"),
            token=_token(said),
            cookies=_cookies(scope),
            address=_address(scope, behind_tls=behind_tls),
            query=scope["query_string"],
        )

    @property
    def code(self) -> str:
        """The code of a link, empty where there is none."""
        said = parse_qs(self.query.decode("latin-1"))
        return said.get("code", [""])[-1]

    @property
    def name(self) -> str:
        """The host without its port."""
        if self.host.startswith("["):
            return self.host[1:].partition("]")[0]
        return self.host.partition(":")[0]


def _all(scope: Scope, wanted: bytes) -> Iterator[bytes]:
    return (value for name, value in scope["headers"] if name == wanted)


def _only(scope: Scope, wanted: bytes) -> str | None:
    """Return a header that may be sent once: two that differ would be read differently by others."""
    found = list(_all(scope, wanted))
    if len(found) > 1:
        raise Problem(HTTPStatus.BAD_REQUEST, f"The header {wanted.decode()} may be sent once")
    return found[0].decode("latin-1") if found else None


def _token(said: str | None) -> str | None:
    """Return the token of an Authorization header; of another kind than Bearer, all of it."""
    if said is None:
        return None
    return said[len(BEARER) :].strip() if said.lower().startswith(BEARER) else said


def _cookies(scope: Scope) -> dict[str, str]:
    """Return the cookies that may be ours, by name; of two of a name the first."""
    said = b"; ".join(_all(scope, b"cookie")).decode("latin-1")
    found: dict[str, str] = {}
    for part in said.split(";"):
        name, _, value = part.strip().partition("=")
        if name.startswith(COOKIE):
            found.setdefault(name, value.strip('"'))
    return found


def _address(scope: Scope, *, behind_tls: bool) -> str:
    """Return from where somebody asks. Of a proxy's list only its own, the last, can be believed."""
    listed = b",".join(_all(scope, b"x-forwarded-for")) if behind_tls else b""
    last = listed.rpartition(b",")[2].strip().decode("latin-1")
    client = scope.get("client")
    return last[:64] or (client[0] if client else "local")
