"""Two rule sets beside each other: who is better at what, and which alerts only one has."""

from tests.unit.runtime.test_drill_verdict import alert

from tidegauge.core.alert import Signal
from tidegauge.core.instrument import SECOND
from tidegauge.runtime.drill_scorecard import Line, Scorecard
from tidegauge.runtime.tune import Comparison, compared, matched


def line(**fields: object) -> Line:
    usual: dict[str, object] = {
        "drill": "step-crunch", "runs": 2, "passed": 2, "after": 3 * SECOND,
        "after_worst": 4 * SECOND, "missed": 0, "false_alerts": 0, "incidents": 2, "pages": 4,
        "muted": 0, "failures": (),
    }  # fmt: skip
    return Line(**{**usual, **fields})  # type: ignore[arg-type]


def between(one: Line, other: Line) -> Comparison:
    cards = [Scorecard(seeds=2, hours=1.0, lines=(each,)) for each in (one, other)]
    return compared(("a", "b"), (cards[0], cards[1]), ())


def test_the_better_one_is_named_with_both_figures() -> None:
    """Sooner, fewer false alerts, less missed: each by itself."""
    edges = between(line(false_alerts=2), line(after=9 * SECOND, false_alerts=0)).edges
    assert [(edge.what, edge.better, edge.figures) for edge in edges] == [
        ("false alerts in step-crunch", 1, ("2", "0")),
        ("the delay in step-crunch", 0, ("3.0 s", "9.0 s")),
    ]


def test_what_hardly_differs_is_equal() -> None:
    """Half a second is where an update came."""
    assert between(line(), line(after=3 * SECOND + SECOND // 2)).edges == ()
    assert between(line(), line()).edges == ()


def test_fewer_incidents_are_no_merit_of_one_that_saw_nothing() -> None:
    """It is worse at what it missed, and that is all."""
    edges = between(line(missed=2, after=None, incidents=0, pages=0), line()).edges
    assert [(edge.what, edge.better) for edge in edges] == [("what was missed in step-crunch", 1)]


def test_alerts_of_a_tape_are_paired_by_what_they_are_of_and_when() -> None:
    """Those that overlap are one; the others stand alone, by time."""
    early = alert(10 * SECOND, 40 * SECOND)
    late = alert(900 * SECOND, None)
    same = alert(12 * SECOND, 45 * SECOND)
    other = alert(11 * SECOND, 40 * SECOND, signal=Signal.STRESS)
    assert matched((early, late), (other, same)) == [(early, same), (None, other), (late, None)]
