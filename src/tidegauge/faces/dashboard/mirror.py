"""What the stream has told so far: a snapshot, and the patches applied to it."""

from datetime import datetime
from typing import Any

import msgspec

from tidegauge.faces.api.patches import Document, patched


class Misunderstood(Exception):
    """What came is not what docs/api.md says: it is from another version, or no Tidegauge at all."""


class Mirror:
    """The document `{picture, ladders}` as it stands; None before the first snapshot."""

    def __init__(self) -> None:
        self.document: Document | None = None
        self.problem: str | None = None
        """What the API last said it could not understand of us."""
        self._seq = 0

    def hear(self, text: str | bytes) -> bool:
        """Take a message; True if the document moved. Raises `Misunderstood`."""
        message = _object(text)
        match message.get("type"):
            case "snapshot":
                self._seq = _number(message)
                self.document = _checked(
                    {name: message.get(name, {}) for name in ("picture", "ladders")}
                )
            case "patch":
                self._patch(message)
            case "problem":
                self.problem = str(message.get("detail", "it does not say what"))
                return False
            case other:
                raise Misunderstood(f"it sent a message of the unknown type {other!r}")
        return True

    def _patch(self, message: Document) -> None:
        seq, patch = _number(message), message.get("patch")
        if self.document is None or seq != self._seq + 1:
            raise Misunderstood(f"it sent patch {seq} after {self._seq}")
        if not isinstance(patch, dict):
            raise Misunderstood("it sent a patch that is none")
        self._seq = seq
        self.document = _checked(patched(self.document, patch))


def _object(text: str | bytes) -> Document:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError):
        raise Misunderstood("it sent a message that is no JSON object") from None


def _number(message: Document) -> int:
    seq = message.get("seq")
    if not isinstance(seq, int):
        raise Misunderstood("it sent a message without its number")
    return seq


def _checked(document: Document) -> Document:
    """Return the document, if it can be looked at at all."""
    for name in ("picture", "ladders"):
        if not isinstance(document.get(name, {}), dict):
            raise Misunderstood(f"it sent a {name} that is no object")
    picture = document.get("picture") or {}
    if instant_of(picture.get("at")) is None:
        raise Misunderstood("it sent a picture without its time")
    return document


def instant_of(value: Any) -> datetime | None:
    """Return an instant that came as RFC 3339; None where it is none."""
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo is not None else None
