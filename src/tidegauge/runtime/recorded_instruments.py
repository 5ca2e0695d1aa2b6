"""The instruments on a tape, with the decimals their frames show: a tape holds no catalogue."""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal

from tidegauge.core.instrument import Instrument, decimals
from tidegauge.wire.protocol import VenueSpec
from tidegauge.wire.tape import TapeKind, TapeLine

from .tape_venues import VenueOfRecord

ENOUGH = 200
"""Frames an instrument whose decimals are looked at; a book refines its scale past them."""

_NUMBER = r'"?([0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?)"?'
LEVEL = re.compile(
    r'(?:\[(?:"(?:new|change|delete|buy|sell)", ?)?|"(?:px|price|price_level)": ?)'
    + _NUMBER
    + r', ?(?:"(?:sz|qty|new_quantity)": ?)?'
    + _NUMBER
)
"""A price and a size, as the venues write levels: `["p","s"`, `["new",p,s`, `"px":"p","sz":"s"`."""


def recorded_instruments(
    specs: Iterable[VenueSpec], lines: Iterable[TapeLine]
) -> Iterator[tuple[VenueSpec, list[Instrument]]]:
    """Iterate over the venues on a tape and their instruments, in the order of their names."""
    origin = VenueOfRecord(specs)
    seen: dict[str, dict[str, _Decimals]] = {}
    venues: dict[str, VenueSpec] = {}
    for line in lines:
        if line.kind is not TapeKind.RECV or (spec := origin.of(line)) is None:
            continue
        for name in spec.named_in(line.text):
            venues[spec.name] = spec
            decimals = seen.setdefault(spec.name, {}).setdefault(name, _Decimals())
            decimals.look(line.text)
    for venue, names in sorted(seen.items()):
        spec = venues[venue]
        yield spec, [names[name].instrument(spec, name) for name in sorted(names)]


class _Decimals:
    """The most decimals that prices and sizes were written with, zeros at the end not counted."""

    def __init__(self) -> None:
        self.frames = 0
        self.price = 0
        self.size = 0

    def look(self, text: str) -> None:
        self.frames += 1
        if self.frames > ENOUGH:
            return
        for match in LEVEL.finditer(text):
            self.price = max(self.price, decimals(Decimal(match[1])))
            self.size = max(self.size, decimals(Decimal(match[2])))

    def instrument(self, spec: VenueSpec, name: str) -> Instrument:
        return Instrument(
            venue=spec.name,
            name=name,
            kind=spec.kind_of(name) or spec.kind,
            base=name,
            quote="",
            tick=Decimal(1).scaleb(-self.price),
            step=Decimal(1).scaleb(-self.size),
        )
