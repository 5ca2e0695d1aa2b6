"""The score: within 0 and 100 whatever is measured, and never without its parts."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.markets import START

from tidegauge.core.instrument import SECOND
from tidegauge.risk.composite import Composite, CompositeState, Weather, points_of, worst
from tidegauge.risk.signal_settings import CompositeSettings, Part

NAMES = tuple(CompositeSettings().parts)
measures = st.none() | st.floats(allow_nan=True, allow_infinity=True)
values = st.dictionaries(st.sampled_from(NAMES), measures)


@st.composite
def all_settings(draw: st.DrawFn) -> CompositeSettings:
    """Any parts that rules allow, weights of 0 among them."""
    parts = {}
    for name in NAMES:
        at_0 = draw(st.floats(-1e6, 1e6))
        parts[name] = Part(
            at_0=at_0,
            at_100=at_0 + draw(st.floats(1e-6, 1e6)),
            weight=draw(st.floats(0, 1) | st.just(0.0)),
        )
    return CompositeSettings(parts=parts)


@given(all_settings(), st.lists(values, max_size=8))
def test_a_score_is_always_within_0_and_100(
    settings: CompositeSettings, observed: list[dict[str, float | None]]
) -> None:
    """Infinities and what is no number among what is measured."""
    composite = Composite(settings)
    for number, each in enumerate(observed):
        score = composite.observe(each, START + number * SECOND)
        assert score.value is None or 0 <= score.value <= 100
        assert (score.value is None) == (score.weather is None)
        for part in score.parts:
            assert part.points is None or 0 <= part.points <= 100


@given(all_settings(), st.fixed_dictionaries(dict.fromkeys(NAMES, st.floats(-1e6, 1e6))), st.data())
def test_a_part_that_rises_never_lowers_the_score(
    settings: CompositeSettings, seen: dict[str, float], data: st.DataObject
) -> None:
    """Not by a rounding either."""
    name = data.draw(st.sampled_from(NAMES))
    more = seen[name] + data.draw(st.floats(0, 1e6))
    before = Composite(settings).observe(seen, START).value
    after = Composite(settings).observe({**seen, name: more}, START).value
    if before is not None:
        assert after is not None
        assert after >= before


@given(all_settings(), values)
def test_the_parts_make_up_the_score(
    settings: CompositeSettings, seen: dict[str, float | None]
) -> None:
    """Nobody has to believe the sum."""
    score = Composite(settings).observe(seen, START)
    assert tuple(part.name for part in score.parts) == NAMES
    if score.value is not None:
        assert sum(part.share for part in score.parts) == pytest.approx(score.value, abs=1e-9)


def test_depth_beyond_any_measure_is_worth_no_less_than_nothing() -> None:
    """A score without a floor once read -1900 on a liquid pair."""
    calm = Composite(CompositeSettings()).observe(dict.fromkeys(NAMES, -1e12), START)
    assert (calm.value, calm.weather) == (0.0, Weather.CALM)
    worst_there_is = Composite(CompositeSettings()).observe(dict.fromkeys(NAMES, 1e12), START)
    assert (worst_there_is.value, worst_there_is.weather) == (100.0, Weather.CRITICAL)


def test_the_whole_of_every_part_is_100_and_not_a_rounding_more() -> None:
    """These weights, each times 100, come to more than 100 times their sum."""
    weights = (0.22, 0.42, 0.03)
    parts = {str(weight): Part(at_0=0, at_100=1, weight=weight) for weight in weights}
    score = Composite(CompositeSettings(parts=parts)).observe(dict.fromkeys(parts, 1.0), START)
    assert score.value == 100.0


def test_a_part_that_goes_missing_keeps_its_last_value_and_says_since_when() -> None:
    """It neither falls to nothing nor passes for fresh."""
    composite = Composite(CompositeSettings())
    first = composite.observe({"crunch": 1.2, "spread": 1.0}, START)
    later = composite.observe({"crunch": None, "spread": 1.0}, START + SECOND)
    latest = composite.observe({"spread": 1.0}, START + 2 * SECOND)
    assert first.value == later.value == latest.value
    crunch = latest.parts[0]
    assert (crunch.name, crunch.value, crunch.points) == ("crunch", 1.2, 100.0)
    assert crunch.missing_since == START + SECOND
    back = composite.observe({"crunch": 0.2, "spread": 1.0}, START + 3 * SECOND)
    assert (back.parts[0].missing_since, back.value) == (None, 0.0)


def test_a_part_that_was_never_seen_has_no_say() -> None:
    """Its weight is dropped, and the score is marked as incomplete."""
    score = Composite(CompositeSettings()).observe({"stress": 0.05}, START)
    assert score.value == 100.0
    assert score.incomplete
    unseen = [part for part in score.parts if part.name != "stress"]
    assert all(part.value is None and part.points is None and not part.share for part in unseen)


def test_where_nothing_was_ever_seen_there_is_no_score() -> None:
    """Not 0: that would be calm."""
    composite = Composite(CompositeSettings())
    assert composite.status().value is None
    nothing = composite.observe({"crunch": float("nan"), "unheard of": 5.0}, START)
    assert (nothing.value, nothing.weather) == (None, None)


@pytest.mark.parametrize(
    ("points", "weather"),
    [(0, Weather.CALM), (29.9, Weather.CALM), (30, Weather.WATCH), (54.9, Weather.WATCH),
     (55, Weather.STRESSED), (74.9, Weather.STRESSED), (75, Weather.CRITICAL)],
)  # fmt: skip
def test_each_weather_begins_with_its_level(points: float, weather: Weather) -> None:
    """And ends before the next."""
    settings = CompositeSettings(parts={"only": Part(at_0=0, at_100=100, weight=0.5)})
    assert Composite(settings).observe({"only": points}, START).weather is weather


def test_a_weight_of_nothing_leaves_a_part_out() -> None:
    """Also where it is the only one that was seen."""
    parts = {"one": Part(at_0=0, at_100=1, weight=0), "two": Part(at_0=0, at_100=1, weight=1)}
    score = Composite(CompositeSettings(parts=parts)).observe({"one": 1.0, "two": 0.5}, START)
    assert score.value == 50.0
    alone = Composite(CompositeSettings(parts=parts)).observe({"one": 1.0}, START)
    assert alone.value is None


def test_points_run_straight_from_one_end_to_the_other() -> None:
    """And stop at both."""
    part = Part(at_0=1.0, at_100=5.0, weight=1.0)
    assert [points_of(part, value) for value in (0, 1, 2, 3, 5, 9)] == [0, 0, 25, 50, 100, 100]


def test_other_settings_score_what_was_seen_at_once() -> None:
    """A reload does not wait for the next sample."""
    composite = Composite(CompositeSettings(parts={"a": Part(at_0=0, at_100=10, weight=1)}))
    assert composite.observe({"a": 5.0}, START).value == 50.0
    composite.adopt(CompositeSettings(parts={"a": Part(at_0=0, at_100=5, weight=1)}))
    assert composite.status().value == 100.0


def test_over_a_restart_a_score_is_kept_and_marked_as_not_seen_since() -> None:
    """Until each part is seen again."""
    composite = Composite(CompositeSettings())
    before = composite.observe({"crunch": 0.7, "health": 1.0}, START)
    kept = msgspec.msgpack.encode(composite.snapshot())
    again = Composite(CompositeSettings())
    again.restore(msgspec.msgpack.decode(kept, type=CompositeState), START + SECOND)
    after = again.status()
    assert after.value == before.value
    assert after.parts[0].missing_since == START + SECOND
    once_more = Composite(CompositeSettings())
    once_more.restore(again.snapshot(), START + 9 * SECOND)
    assert once_more.status() == after
    assert again.observe({"crunch": 0.7, "health": 1.0}, START + 2 * SECOND) == before


def test_the_worst_of_several_is_the_worst_that_is_known() -> None:
    """One that is unknown hides nothing."""
    assert worst({"a": Weather.WATCH, "b": None, "c": Weather.STRESSED}) is Weather.STRESSED
    assert worst({"a": None}) is None
    assert worst({}) is None
