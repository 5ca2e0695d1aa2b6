"""The branch of settings that says where the HTTP API is served, to whom, and how much of it."""

import re
from typing import Annotated

from annotated_types import Ge, Le
from pydantic import AfterValidator, BeforeValidator, Field

from .settings_types import Section, listed, lowered

HOST = re.compile(r"[a-z0-9:][a-z0-9.:_-]{0,252}", re.ASCII)


def _host(name: str) -> str:
    if not HOST.fullmatch(name):
        raise ValueError("must be a host name or an IP address, without a port or brackets")
    return name


Host = Annotated[str, BeforeValidator(lowered), AfterValidator(_host)]


class ServeSettings(Section):
    """Where the HTTP API and the page are served, and what one client may ask of them."""

    host: Host = Field(
        default="127.0.0.1", description="the address to serve at; by itself for this machine only"
    )
    port: Annotated[int, Ge(0), Le(65_535)] = Field(
        default=8787, description="the port; 0: any that is free"
    )
    exposed: bool = Field(
        default=False, description="whether host may be an address that other machines reach"
    )
    allowed_hosts: Annotated[tuple[Host, ...], BeforeValidator(listed)] = Field(
        default=(), description="names it may be asked under, beside localhost and host"
    )
    behind_tls: bool = Field(
        default=False,
        description="whether browsers come by https through a proxy, which says in X-Forwarded-For "
        "whom it speaks for",
    )
    requests_per_s: Annotated[int, Ge(1), Le(100_000)] = Field(
        default=400, description="requests of one token or browser; twice that in a burst"
    )
    streams: Annotated[int, Ge(1), Le(10_000)] = Field(
        default=200, description="streams that may be open at a time"
    )
    connections: Annotated[int, Ge(16), Le(100_000)] = Field(
        default=1_000, description="connections that may be open at a time"
    )
