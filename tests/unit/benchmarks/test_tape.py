"""Generated tapes: a market that a venue might have told of, and the same one from the same seed."""

import json
from random import Random
from statistics import mean, median
from typing import Any

import pytest
from benchmarks.inputs import RECORDED_SHAPE
from benchmarks.tape import Shape, Tape, always, generate, heavy_tailed, published

SHAPES = {
    "thin": Shape(levels=20, changes=always(6)),
    "usual": Shape(levels=300, changes=always(10)),
    "busy": Shape(levels=300, changes=always(60)),
    "recorded": RECORDED_SHAPE,
}


@pytest.fixture(params=SHAPES)
def shape(request: pytest.FixtureRequest) -> Shape:
    """A shape of a tape."""
    return SHAPES[request.param]


def updates(tape: Tape) -> list[dict[str, Any]]:
    return [json.loads(frame)["data"] for frame in tape.frames]


def changes_of(update: dict[str, Any]) -> int:
    return len(update["b"]) + len(update["a"])


def test_the_ids_chain_from_the_snapshot_to_the_last_frame(shape: Shape) -> None:
    """`pu` is `u` of the frame before, and holes are left, as the venue leaves them."""
    tape = generate(shape, 50)
    last = json.loads(tape.snapshot)["lastUpdateId"]
    for update in updates(tape):
        assert update["pu"] == last
        assert last < update["U"] <= update["u"]
        last = update["u"]


def test_the_book_is_never_crossed_and_keeps_its_depth(shape: Shape) -> None:
    """Whatever a message changes, a book of about the promised size is left."""
    tape = generate(shape, 100)
    told = json.loads(tape.snapshot)
    sides = [{float(p): float(q) for p, q in told[side]} for side in ("bids", "asks")]
    for update in updates(tape):
        for side, changes in zip(sides, (update["b"], update["a"]), strict=True):
            for price, size in changes:
                if float(size):
                    side[float(price)] = float(size)
                else:
                    # What is deleted was there.
                    del side[float(price)]
        assert max(sides[0]) < min(sides[1])
        for side in sides:
            assert abs(len(side) - shape.levels) <= max(2, shape.levels // 50)


def test_a_message_changes_as_many_levels_as_was_promised() -> None:
    """No price is told twice in one message."""
    for update in updates(generate(SHAPES["usual"], 200)):
        assert changes_of(update) == 10
        for side in ("b", "a"):
            prices = [price for price, _ in update[side]]
            assert len(set(prices)) == len(prices)


def test_about_four_changes_in_ten_insert_or_delete() -> None:
    """As recorded feeds do: a book that only changes sizes would be too easy."""
    tape = generate(SHAPES["usual"], 400)
    known = {price for side in ("bids", "asks") for price, _ in json.loads(tape.snapshot)[side]}
    moved = counted = 0
    for update in updates(tape):
        for price, size in (*update["b"], *update["a"]):
            counted += 1
            deleted = not float(size)
            moved += deleted or price not in known
            known = known - {price} if deleted else known | {price}
    assert 0.33 < moved / counted < 0.47


def test_the_shape_of_the_recording_has_its_statistics() -> None:
    """34 changes in the median, 68 on average, more than 300 now and then."""
    random = Random(1)
    drawn = sorted(RECORDED_SHAPE.changes(random) for _ in range(5000))
    assert 30 < median(drawn) < 38
    assert 58 < mean(drawn) < 78
    assert drawn[-50] > 300
    assert drawn[-1] <= 1226


def test_a_heavy_tail_stays_within_its_bounds() -> None:
    """At least one change, at most so many."""
    draw = heavy_tailed(2, 3.0, 5)
    random = Random(2)
    assert {draw(random) for _ in range(500)} == {1, 2, 3, 4, 5}


def test_the_same_seed_gives_the_same_bytes() -> None:
    """Two runs are timed on the same tape; another seed is another market."""
    one, again = generate(SHAPES["usual"], 20, seed=4), generate(SHAPES["usual"], 20, seed=4)
    assert one == again
    assert one != generate(SHAPES["usual"], 20, seed=5)


def test_the_published_shape_is_six_changes_of_a_book_of_seven() -> None:
    """Three a side, at prices that do not move, with sizes that do."""
    tape = published(30)
    told = json.loads(tape.snapshot)
    assert [len(told[side]) for side in ("bids", "asks")] == [5, 5]
    frames = updates(tape)
    for update in frames:
        assert [len(update[side]) for side in ("b", "a")] == [3, 3]
        assert [price for price, _ in update["b"]] == [price for price, _ in frames[0]["b"]]
    assert len({json.dumps(update["b"]) for update in frames}) == len(frames)
    prices = {price for price, _ in (*told["bids"], *frames[0]["b"])}
    assert len(prices) == 7
