"""Floor 2a: one file per venue. Every module here is found, and its `SPECS` read; no list to edit."""

import importlib
import pkgutil
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache

from tidegauge.core.errors import OperatorError
from tidegauge.core.instrument import VenueName
from tidegauge.wire.protocol import VenueSpec


@cache
def _found() -> dict[VenueName, VenueSpec]:
    specs: dict[VenueName, VenueSpec] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(__path__)):
        for spec in importlib.import_module(f"{__name__}.{module}").SPECS:
            if spec.name in specs:
                raise ValueError(f"two venues are named {spec.name}")
            specs[spec.name] = spec
    return specs


def load() -> dict[VenueName, VenueSpec]:
    """Return every venue's spec by the venue's name."""
    return dict(_found())


def resolve(names: Iterable[str]) -> list[VenueSpec]:
    """Return the specs that `names` ask for, in that order, each once.

    A name is a venue's or, where no venue has it, a family's: `bybit` means all of its markets.
    Raises `OperatorError` for a name that is neither.
    """
    specs = load()
    chosen: dict[VenueName, VenueSpec] = {}
    for name in names:
        key = name.strip().lower()
        found = [specs[key]] if key in specs else [s for s in specs.values() if s.family == key]
        if not found:
            raise OperatorError(f"there is no venue {name!r}", fix=_suggestion(key, specs))
        chosen.update({spec.name: spec for spec in found})
    return list(chosen.values())


def _suggestion(name: str, specs: dict[VenueName, VenueSpec]) -> str:
    known = sorted({*specs, *(spec.family for spec in specs.values())})
    nearest = get_close_matches(name, known, n=1)
    return f"Did you mean {nearest[0]!r}?" if nearest else f"Known: {', '.join(known)}."
