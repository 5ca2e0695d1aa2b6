"""Asking a running API for a link that logs a browser in."""

import http.client
import json
import shlex
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.settings import load_settings
from tidegauge.runtime.settings_serve import ServeSettings

PATIENCE_S = 10.0
LARGEST = 64 * 1024


def name_for_browsers(settings: ServeSettings) -> str | None:
    """Return under which name browsers come through a proxy; None where they come by themselves."""
    return next(iter(settings.allowed_hosts), None) if settings.behind_tls else None


def link_command(data_dir: Path) -> str:
    """Return the command that prints a link to the API of a data directory; it names the directory,
    unless the settings do."""
    try:
        usual = load_settings().settings.data_dir
    except OperatorError:
        usual = None
    if usual is not None and usual.absolute() == data_dir.absolute():
        return "tidegauge web"
    return f"tidegauge web --data-dir {shlex.quote(str(data_dir))}"


def link_from(address: str, token: str, *, host: str | None = None) -> str:
    """Return a link that the API at `address` made, of what the token gives; `host` is the name it is
    reached under by a browser, where that is another. Raises `OperatorError`."""
    parts = urlsplit(address)
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    try:
        kind, port = kinds.get(parts.scheme), parts.port
    except ValueError:
        kind, port = None, None
    if kind is None or not parts.hostname:
        raise OperatorError(
            f"{address!r} is no address of an API", fix="Write it like http://127.0.0.1:8787"
        )
    connection = kind(parts.hostname, port, timeout=PATIENCE_S)
    headers = {"authorization": f"Bearer {token}"} | ({} if host is None else {"host": host})
    try:
        connection.request("POST", "/login-links", headers=headers)
        answer = connection.getresponse()
        said: Any = json.loads(answer.read(LARGEST))
        if answer.status != http.client.CREATED:
            raise OperatorError(
                f"The API at {address} refused: {said['detail']}",
                fix="Name the folder of its tokens with --data-dir",
            )
        return str(said["url"])
    except (OSError, http.client.HTTPException) as error:
        raise OperatorError(
            f"The API at {address} does not answer: {error}",
            fix="See whether `tidegauge serve` or `tidegauge monitor --serve` runs, and its log",
        ) from None
    except (ValueError, KeyError, TypeError):
        raise OperatorError(
            f"What answers at {address} is no API of Tidegauge", fix="Name another with --url"
        ) from None
    finally:
        connection.close()
