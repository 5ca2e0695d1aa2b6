"""What gives way when the spool fills."""

from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.instrument import SECOND
from tidegauge.sinks.spool.thinning import BACK, STEPS, Thinner


def kept(thinner: Thinner, seconds: int, book: str = "binance") -> list[int]:
    """Return at which seconds a book's reading of every second went in."""
    return [second for second in range(seconds) if thinner.keeps(book, second * SECOND)]


def test_with_room_everything_goes_in() -> None:
    """Up to three quarters of the bound."""
    thinner = Thinner()
    assert not thinner.look(0.749)
    assert kept(thinner, 5) == [0, 1, 2, 3, 4]
    assert thinner.told() == "every reading is kept again"


def test_from_three_quarters_it_is_one_in_ten_seconds() -> None:
    """Of each book by itself."""
    thinner = Thinner()
    assert thinner.look(0.75)
    assert kept(thinner, 31) == [0, 10, 20, 30]
    assert kept(thinner, 31, "okx") == [0, 10, 20, 30]
    assert thinner.told() == "one reading a book every 10 s is kept"


def test_from_nine_tenths_it_is_one_a_minute() -> None:
    """And the step is told once."""
    thinner = Thinner()
    assert thinner.look(0.9)
    assert not thinner.look(0.95)
    assert kept(thinner, 121) == [0, 60, 120]


def test_when_full_none_goes_in() -> None:
    """Also when records have made it fuller than full."""
    thinner = Thinner()
    assert thinner.look(1.0)
    assert not thinner.look(1.7)
    assert kept(thinner, 100) == []
    assert thinner.told() == "no reading is kept until there is room"


def test_a_step_is_taken_back_a_little_below_where_it_began() -> None:
    """A spool that hovers at a step tells of it once."""
    thinner = Thinner()
    assert [thinner.look(filled) for filled in (0.75, 0.74, 0.76, 0.701, 0.69)] == [
        *(True, False, False, False, True)
    ]
    assert [thinner.look(filled) for filled in (1.0, 0.96, 0.94, 0.86, 0.84)] == [
        *(True, False, True, False, True)
    ]
    assert thinner.level == 1
    assert thinner.look(0.1)
    assert thinner.level == 0


def test_a_clock_that_is_set_back_does_not_stop_it() -> None:
    """The next reading goes in, and time is counted from there."""
    thinner = Thinner()
    thinner.look(0.8)
    assert thinner.keeps("okx", 1_000 * SECOND)
    assert thinner.keeps("okx", 400 * SECOND)
    assert not thinner.keeps("okx", 401 * SECOND)
    assert thinner.keeps("okx", 410 * SECOND)


@given(st.lists(st.floats(0, 1.2), max_size=50))
def test_the_level_is_that_of_the_bound_give_or_take(looks: list[float]) -> None:
    """Never less than the steps that are reached, never more than those nearly reached."""
    thinner = Thinner()
    for filled in looks:
        before = thinner.level
        assert thinner.look(filled) == (thinner.level != before)
        reached = sum(filled >= share for share, _every in STEPS)
        nearly = sum(filled >= share - BACK for share, _every in STEPS)
        assert reached <= thinner.level <= nearly
