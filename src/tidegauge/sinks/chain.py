"""The lines of an audit trail: each carries the hash of the one before, so that none can be changed,
taken out or put in between without all that follow telling of it.

A line is JSON with sorted names and no spaces. Its last member is `hash`: the SHA-256, in hex, of the
line without that member. So `previous_hash`, which is part of it, ties it to the line before, and a
line can be checked without knowing what it says. The first line, number 0, says whose trail it is.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from tidegauge.core.alert import Severity
from tidegauge.core.incident import Incident, IncidentEvent, Transition
from tidegauge.core.instrument import Nanos

from .table import text

NO_HASH = "0" * 64
"""What the first line follows."""

HEAD, TAIL = b',"hash":"', b'"}'
HASH_BYTES = 64
SUFFIX = len(HEAD) + HASH_BYTES + len(TAIL)

SEVERITIES = ("severity", "worst_severity")
"""The fields of an incident that are numbers to us, and words on disk."""


class BadLine(ValueError):
    """A line that is not what it was when it was written. What it says is for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Whose trail it is. `id` is random, `path` the file on `host` in which it began."""

    id: str
    host: str
    path: str
    began_at: Nanos


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainedTransition:
    """A transition with its place in the trail of a daemon. `at` is that of its event."""

    chain: Chain
    sequence: int
    at: Nanos
    previous_hash: str
    hash: str
    transition: Transition


class Link(msgspec.Struct, frozen=True):
    """What a line says of its place; what else it says is left for `transition_of`."""

    sequence: int
    previous_hash: str
    hash: str = NO_HASH


def first_line(chain: Chain) -> bytes:
    """Return the line that begins a trail, without its end."""
    return _line({"sequence": 0, "previous_hash": NO_HASH, "chain": chain})


def line_of(sequence: int, previous_hash: str, transition: Transition) -> bytes:
    """Return the line of a transition, without its end."""
    incident = msgspec.to_builtins(transition.incident, enc_hook=str)
    for name in SEVERITIES:
        incident[name] = str(Severity(incident[name]))
    return _line(
        {
            "sequence": sequence,
            "at": transition.event.at,
            "previous_hash": previous_hash,
            "event": msgspec.to_builtins(transition.event),
            "incident": incident,
        }
    )


def link_of(line: bytes) -> Link:
    """Return a line's place in the trail, once its hash is that of what it says. Raises `BadLine`."""
    body, found = line[:-SUFFIX] + b"}", line[-SUFFIX:]
    if not (found.startswith(HEAD) and found.endswith(TAIL)):
        raise BadLine("it is no line of an audit trail: it does not end with its hash")
    told = found[len(HEAD) : -len(TAIL)]
    if hashlib.sha256(body).hexdigest().encode() != told:
        raise BadLine("it was changed: its hash is not that of what it says")
    try:
        return _links.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadLine(f"it is no line of an audit trail: {error}") from None


def chain_of(line: bytes) -> Chain:
    """Return what the first line says. Raises `BadLine`."""
    try:
        return _firsts.decode(line).chain
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadLine(f"it does not say whose trail it is: {error}") from None


def transition_of(line: bytes) -> Transition:
    """Return what a line tells. Raises `BadLine`."""
    try:
        told: dict[str, Any] = msgspec.json.decode(line)
        incident = dict(told["incident"])
        for name in SEVERITIES:
            incident[name] = Severity[incident[name].upper()]
        return Transition(
            incident=msgspec.convert(incident, Incident),
            event=msgspec.convert(told["event"], IncidentEvent),
        )
    except (
        msgspec.DecodeError,
        UnicodeDecodeError,
        LookupError,
        TypeError,
        AttributeError,
    ) as error:
        raise BadLine(f"it does not tell of an incident: {error}") from None


class Glance(msgspec.Struct, frozen=True):
    """Which incident a line tells of, and which version of it."""

    id: str
    symbol: str
    version: int


def glance(line: bytes) -> Glance | None:
    """Return what a line tells of. None: it was changed, or tells of none."""
    try:
        return _glances.decode(line).incident if link_of(line).sequence else None
    except (BadLine, msgspec.DecodeError, UnicodeDecodeError):
        return None


class _Glanced(msgspec.Struct, frozen=True):
    incident: Glance


class _First(msgspec.Struct, frozen=True):
    chain: Chain


def _line(said: Mapping[str, Any]) -> bytes:
    body = _canonical(said)
    digest = hashlib.sha256(body).hexdigest().encode()
    return body[:-1] + HEAD + digest + TAIL


def _canonical(said: Mapping[str, Any]) -> bytes:
    try:
        return _encoder.encode(said)
    except UnicodeEncodeError:  # half a character is no text
        return _encoder.encode(_whole(msgspec.to_builtins(said)))


def _whole(said: Any) -> Any:
    """Return it with texts that can be written."""
    match said:
        case str():
            return text(said)
        case dict():
            return {text(name): _whole(value) for name, value in said.items()}
        case list() | tuple():
            return [_whole(each) for each in said]
        case _:
            return said


_encoder = msgspec.json.Encoder(order="sorted")
_links = msgspec.json.Decoder(Link)
_glances = msgspec.json.Decoder(_Glanced)
_firsts = msgspec.json.Decoder(_First)
