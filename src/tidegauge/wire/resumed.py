"""A fleet in the middle of its life, as a later part of a tape finds it."""

from collections.abc import Mapping, Sequence
from itertools import count

from tidegauge.core.instrument import Nanos

from .fleet import Fleet
from .kept_books import Listing
from .shards import Orders


class ResumedFleet(Fleet):
    """A fleet that is given its shards. Their books are not known: they begin when a roll ends.

    Made with `epochs` that go on where the run was.
    """

    def resume(
        self, shards: Mapping[str, Sequence[Listing]], next_shard: int, now: Nanos
    ) -> Orders:
        """Serve these shards, by their names; the next one opened is `next_shard`."""
        orders: Orders = []
        for name, listings in shards.items():
            self._names = count(int(name))
            orders += self._serve(listings)
        self.number(next_shard)
        return orders

    def number(self, next_shard: int) -> None:
        """Say which number the next shard has."""
        self._names = count(next_shard)

    def roll_all(self, now: Nanos, why: str) -> Orders:
        """Replace the connections of every shard; a roll under way is begun afresh."""
        return [
            order for shard in self.shards for order in self._plan(shard, why, now, afresh=True)
        ]
