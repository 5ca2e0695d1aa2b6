"""Which venue a line of a tape came from: as the line says, or by the address it was recorded with."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from tidegauge.wire.protocol import VenueSpec
from tidegauge.wire.tape import TapeKind, TapeLine, place_of


class VenueOfRecord:
    """Looks venues up by address, and remembers: a tape has few addresses and many lines."""

    def __init__(self, specs: Iterable[VenueSpec]) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._known: dict[tuple[str, TapeKind], VenueSpec | None] = {}

    def of(self, line: TapeLine) -> VenueSpec | None:
        """Return the venue of a line, None when we know none by that name or address."""
        place = place_of(line)
        if place is not None:
            return self._specs.get(place.venue)
        key = (line.conn, line.kind)
        if key not in self._known:
            self._known[key] = self._find(line.conn, rest=line.kind is TapeKind.HTTP)
        return self._known[key]

    def _find(self, address: str, *, rest: bool) -> VenueSpec | None:
        try:
            where = urlsplit(address)
        except ValueError:
            return None
        for spec in self._specs.values():
            url = spec.rest_url if rest else spec.ws_url
            if not where.hostname or urlsplit(url).hostname != where.hostname:
                continue
            # Two markets of one venue may share a host; the path of the socket tells them apart.
            # Older recordings lack the routing prefix that a path has today.
            paths = [urlsplit(url).path + urlsplit(path).path for path in spec.links([]).values()]
            if rest or any(path.endswith(where.path.rstrip("/")) for path in paths):
                return spec
        return None
