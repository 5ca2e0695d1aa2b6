"""What stands between a bug and a wrong number."""

import pytest

from tidegauge.core.book import OrderBook
from tidegauge.core.errors import BookInvariantError


def sound() -> OrderBook:
    """Return a book of two bids whose venue keeps it at two levels."""
    made = OrderBook()
    made.apply_snapshot([("9", "1"), ("8", "1")], [("10", "3")], window=2)
    made.check()
    return made


@pytest.mark.parametrize(
    "damage", ["empty", "ticks", "twin", "order", "missing", "window", "sum", "touch", "unlisted"]
)
def test_the_audit_finds_every_kind_of_damage(damage: str) -> None:
    """`check()` is what stands between a bug and a wrong number."""
    made = sound()
    worst = made.bids.worst()
    assert worst is not None
    match damage:
        case "empty":
            worst.lots = 0
        case "ticks":
            worst.ticks += 1
        case "twin":
            del made.bids.members[worst.bucket][worst.ticks]
        case "order":
            made.price_scale = 3
        case "missing":
            del made.bids.levels[worst]
        case "window":
            made.bids.window = 1
        case "sum":
            made.bids.value_in[worst.bucket] += 1
        case "touch":
            made.bids.touch = worst
        case "unlisted":
            worst.listed = False
    with pytest.raises(BookInvariantError):
        made.check()
