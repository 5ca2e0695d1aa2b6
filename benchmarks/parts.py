"""What a part of the benchmark is, and how much of it a run does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

Outcome: TypeAlias = dict[str, Any]
"""The figures of a part, as the JSON file holds them."""


class Missing(Exception):
    """A part cannot run here; the message says why. The others go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How much is done. `quick` is what `make test` runs."""

    quick: bool
    messages: int
    passes: int


FULL = Scale(quick=False, messages=1500, passes=5)
QUICK = Scale(quick=True, messages=150, passes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part: its name (for `--only`), what it does, and how its figures are told."""

    name: str
    says: str
    run: Callable[[Scale], Outcome]
    tell: Callable[[Outcome], list[str]]
