"""Which databases this data directory has stored into before, and with which schema.

A daemon that starts again while its database is away goes on without it: what it measures waits in
the spool. But a database that was never reached is more likely misspelt than away.
"""

import hashlib
import json
import os
from pathlib import Path

FILE = "databases.json"
KEPT = 100
"""Databases remembered; the latest ones."""


def is_known(data_dir: Path, url: str, schema: int) -> bool:
    """Whether the database of `url` (without its password) had schema `schema` when last reached."""
    return _read(data_dir).get(_name(url)) == schema


def remember(data_dir: Path, url: str, schema: int) -> None:
    """Note that it was reached. Never raises: without the note a later start asks for more."""
    known = _read(data_dir)
    if known.pop(_name(url), None) == schema:
        return
    known[_name(url)] = schema
    fresh = data_dir / f".{FILE}-{os.getpid()}"
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh.write_text(json.dumps(dict(list(known.items())[-KEPT:])), encoding="utf-8")
        fresh.replace(data_dir / FILE)
    except OSError:
        return


def _name(url: str) -> str:
    """Return a name that tells nothing of the account or the host."""
    return hashlib.sha256(url.encode()).hexdigest()[:32]


def _read(data_dir: Path) -> dict[str, int]:
    try:
        found = json.loads((data_dir / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {str(name): schema for name, schema in found.items() if isinstance(schema, int)}
