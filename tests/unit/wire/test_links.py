"""A link that says nothing is dropped; a heartbeat proves the socket and no book."""

from tidegauge.core.instrument import SECOND
from tidegauge.wire.links import DEAD_AFTER, REVIVED_WITHIN, LinkWatch
from tidegauge.wire.protocol import Drop


def watch() -> LinkWatch:
    """One link, on which two books were told of at 1 s."""
    links = LinkWatch()
    links.opened("book", 0)
    for name in ("AAA", "BBB"):
        links.heard("book", SECOND)
        links.told(name, "book", SECOND)
    return links


def reasons(drops: list[Drop]) -> list[str]:
    return [drop.reason for drop in drops]


def test_a_link_without_any_frame_is_dropped_after_a_minute() -> None:
    """Once, and not again before another minute."""
    links = watch()
    assert links.silent(SECOND + DEAD_AFTER) == []
    assert reasons(links.silent(SECOND + DEAD_AFTER + 1)) == ["no frame for 60 s"]
    assert links.silent(SECOND + DEAD_AFTER + 2) == []


def test_a_link_that_carries_no_book_may_be_silent() -> None:
    """Nobody need trade; whether it is still there, the pings of its socket find out."""
    links = watch()
    links.opened("market", 0)
    links.heard("book", 99 * DEAD_AFTER)
    assert links.silent(99 * DEAD_AFTER) == []


def test_a_closed_link_is_not_missed() -> None:
    """Its silence is no news."""
    links = watch()
    links.closed("book")
    assert links.silent(10 * DEAD_AFTER) == []


def test_a_quiet_market_is_no_reason_to_drop_its_link() -> None:
    """REST found a silent book as it is: there was nothing to say."""
    links = watch()
    links.confirmed("AAA", 50 * SECOND)
    assert links.silent(2 * DEAD_AFTER) == []


def test_a_dead_book_takes_its_link_along_if_nothing_came_on_it_at_all() -> None:
    """Subscribing again over a socket that says nothing would help nobody."""
    links = watch()
    drop = links.begin_again("AAA", SECOND, 9 * SECOND)
    assert drop == Drop(link="book", reason="no frame for 8 s")


def test_a_dead_book_among_living_ones_is_a_matter_of_its_own() -> None:
    """A heartbeat or a sibling came since its last word: the socket works."""
    links = watch()
    links.heard("book", 5 * SECOND)
    assert links.begin_again("AAA", SECOND, 9 * SECOND) is None
    assert links.begun_again("AAA") == 9 * SECOND
    links.told("AAA", "book", 10 * SECOND)
    assert links.begun_again("AAA") is None


def test_a_link_with_pongs_only_is_dropped_when_subscribing_again_was_in_vain() -> None:
    """Pongs go on, no book is told of: the venue has forgotten us."""
    links = watch()
    links.heard("book", 5 * SECOND)
    links.begin_again("AAA", SECOND, 9 * SECOND)
    links.heard("book", 20 * SECOND)
    assert links.silent(9 * SECOND + REVIVED_WITHIN) == []
    assert reasons(links.silent(10 * SECOND + REVIVED_WITHIN)) == ["no frame of any book for 29 s"]


def test_a_sibling_that_is_told_of_keeps_the_link() -> None:
    """One dead symbol is not worth the trust of all others."""
    links = watch()
    links.heard("book", 5 * SECOND)
    links.begin_again("AAA", SECOND, 9 * SECOND)
    links.heard("book", 40 * SECOND)
    links.told("BBB", "book", 40 * SECOND)
    assert links.silent(60 * SECOND) == []


def test_a_book_that_was_never_told_of_blames_no_link() -> None:
    """Nobody knows which link should have carried it."""
    links = LinkWatch()
    links.opened("book", 0)
    assert links.begin_again("AAA", 0, 9 * SECOND) is None
