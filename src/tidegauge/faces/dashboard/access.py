"""Where the API is, and the token for it: of the environment, or of the data directory."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tidegauge.core.errors import OperatorError
from tidegauge.faces.api.address import address_of
from tidegauge.faces.api.tokens import tokens_in

VARIABLE = "TIDEGAUGE_API_TOKEN"


@dataclass(frozen=True, slots=True)
class Access:
    """An address (http or https, without a slash at its end), and the token for it."""

    url: str
    token: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """Return what says who asks."""
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def stream(self) -> str:
        """Return the address of the stream."""
        return f"ws{self.url.removeprefix('http')}/stream"


def checked_url(url: str) -> str:
    """Return an address of an API as it is used. Raises `OperatorError` for what is none."""
    shown = url.strip().rstrip("/")
    try:
        parts = urlsplit(shown)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.username is not None or parts.password is not None:
        raise OperatorError(
            "--url holds a user or a password, which others would see",
            fix=f"Leave it out; the token is read from the data directory, or from {VARIABLE}",
        )
    usable = parts.scheme in ("http", "https") and parts.hostname and port != 0
    if not usable or parts.query or parts.fragment:
        raise OperatorError(
            f"--url {url!r} is no address of an API", fix="Write it like http://127.0.0.1:8787"
        )
    return shown


def access_to(url: str | None, data_dir: Path) -> Access:
    """Return where to look now. Raises `OperatorError` where nothing is served, or there is no token."""
    address = url or address_of(data_dir)
    if address is None:
        raise OperatorError(
            f"no API is served for {data_dir}; start `tidegauge serve` or `tidegauge monitor --serve`"
        )
    token = os.environ.get(VARIABLE, "").strip()
    return Access(address, token or tokens_in(data_dir).operate)
