"""The statistics: percentiles, the middle pass, and whose turn it is."""

from array import array

from benchmarks.timing import Timed, alternate, percentile


def test_a_percentile_is_the_smallest_value_that_so_many_do_not_exceed() -> None:
    """It is one of the values, never something between two."""
    values = [float(value) for value in range(1, 101)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile(values, 0.999) == 100
    assert percentile(values, 1.0) == 100
    assert percentile([7.0], 0.5) == 7
    assert percentile([], 0.5) == 0


def test_a_rate_is_that_of_the_middle_pass() -> None:
    """One slow pass, of a noisy machine, moves the spread and not the rate."""
    timed = Timed([array("q", [1000, 1000]), array("q", [1000, 3000]), array("q", [90_000, 10])])
    assert timed.rate == 500_000
    told = timed.summary()
    assert told["messages_per_s"] == 500_000
    assert told["slowest_and_fastest_pass"] == [22219.8, 1_000_000]
    assert told["max_us"] == 90
    assert told["timed_messages"] == 6


def test_contenders_take_turns_and_every_pass_begins_afresh() -> None:
    """A warm-up of each goes before; then the order is turned round from pass to pass."""
    begun: list[str] = []

    def contender(name: str) -> None:
        begun.append(name)

    def taking(name: str) -> "object":
        def start() -> "object":
            contender(name)
            return lambda _frame: None

        return start

    starts = {name: taking(name) for name in ("one", "two")}
    timed = alternate(starts, [b""] * 40, 2)  # type: ignore[arg-type]
    assert begun == ["one", "two", "one", "two", "two", "one"]
    # A tenth of each pass is taken and not timed.
    assert [[len(each) for each in timed[name].passes] for name in starts] == [[36, 36]] * 2
