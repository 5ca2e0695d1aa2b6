"""Charts: SVG that a browser can read, with every point where its value belongs."""

import xml.etree.ElementTree as ET

import pytest
from benchmarks.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Line, chart, growth_charts

SVG = "{http://www.w3.org/2000/svg}"


def drawn(lines: list[Line]) -> ET.Element:
    return ET.fromstring(chart("A <title>", "levels & more", "us", lines))


def test_equal_factors_are_equal_distances() -> None:
    """Both axes are logarithmic, and end at whole decades."""
    picture = drawn([Line(name="ours", points=[(1, 10), (10, 100), (100, 1000)])])
    circles = [(float(c.get("cx", 0)), float(c.get("cy", 0))) for c in picture.iter(f"{SVG}circle")]
    assert circles == [
        (LEFT, HEIGHT - BOTTOM),
        ((LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2),
        (WIDTH - RIGHT, TOP),
    ]


def test_labels_are_told_as_text_whatever_they_hold() -> None:
    """A title with a bracket is no tag."""
    picture = drawn([Line(name="ours", points=[(1, 1)]), Line(name="theirs", points=[(2, 30)])])
    said = [text.text for text in picture.iter(f"{SVG}text")]
    for expected in ("A <title>", "levels & more", "us", "ours", "theirs", "30"):
        assert expected in said
    assert len(list(picture.iter(f"{SVG}polyline"))) == 2


@pytest.mark.parametrize("points", [[], [(0.0, 1.0)], [(1.0, -1.0)]])
def test_what_has_no_logarithm_is_refused(points: list[tuple[float, float]]) -> None:
    """A point at zero would be drawn nowhere."""
    with pytest.raises(ValueError, match="above zero"):
        drawn([Line(name="ours", points=points)])


def test_growth_is_three_charts() -> None:
    """Against size, against changes, against the number of books."""
    both = {"tidegauge": 10.0, "textbook": 200.0}
    growth = {
        "levels_at": 5000,
        "levels_many": 200,
        "sizes": [{"levels": 100, **both}, {"levels": 1000, **both}],
        "changes": [{"changes": 1, **both}, {"changes": 10, **both}],
        "books": [{"books": 1, "tidegauge": 10.0}, {"books": 10, "tidegauge": 11.0}],
    }
    charts = growth_charts(growth)
    assert sorted(charts) == ["books", "changes", "size"]
    for text in charts.values():
        assert ET.fromstring(text).tag == f"{SVG}svg"
