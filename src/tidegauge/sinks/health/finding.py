"""What one check found: ok, worth a look, or broken; a sentence, and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How it is. Only `FAIL` makes the exit code 1."""

    OK = "ok"
    WARN = "warn"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found. `fix`: what to do next; None where there is nothing to do."""

    name: str
    verdict: Verdict
    said: str
    fix: str | None = None


def ok(name: str, said: str) -> Finding:
    """All is well."""
    return Finding(name=name, verdict=Verdict.OK, said=said)


def warn(name: str, said: str, fix: str) -> Finding:
    """Nothing is lost, but somebody should look."""
    return Finding(name=name, verdict=Verdict.WARN, said=said, fix=fix)


def fail(name: str, said: str, fix: str) -> Finding:
    """Rows are lost, cannot be written, or cannot be believed."""
    return Finding(name=name, verdict=Verdict.FAIL, said=said, fix=fix)
