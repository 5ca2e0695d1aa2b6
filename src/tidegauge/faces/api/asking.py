"""Asking a running API for a link that logs a browser in."""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from tidegauge.core.errors import OperatorError

PATIENCE_S = 10.0
LARGEST = 64 * 1024


def link_from(address: str, token: str, *, scope: str | None = None) -> str:
    """Return a link that the API at `address` made; `scope` is read or operate, or what the token has.

    Raises `OperatorError`.
    """
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
    asked: dict[str, str] = {} if scope is None else {"scope": scope}
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    try:
        connection.request("POST", "/login-links", json.dumps(asked), headers)
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
