"""The desk: what is open, what fires, and which one is chosen."""

from dataclasses import replace

import pytest
from tests.support.scenes import AT, scene_at

from tidegauge.faces.dashboard.cells import text_of, width_of
from tidegauge.faces.dashboard.desk_lines import desk_lines, moved, wrapped
from tidegauge.faces.dashboard.scene import Scene


def crowded(count: int = 50) -> Scene:
    scene = scene_at()
    plain = scene.incidents[0]
    return replace(scene, incidents=tuple(replace(plain, id=f"INC-{n:02}") for n in range(count)))


@pytest.mark.parametrize(("width", "height"), [(80, 20), (111, 9), (60, 12)])
def test_the_chosen_incident_is_always_seen_with_what_there_is_to_know(
    width: int, height: int
) -> None:
    """However many there are; it is marked by a sign."""
    scene = crowded()
    for chosen in ("INC-00", "INC-25", "INC-49"):
        lines = desk_lines(scene, chosen, width, height)
        assert len(lines) <= height
        assert all(width_of(each) <= width for each in lines)
        shown = text_of(lines)
        assert shown.count("▶") == 1
        assert f"└ {chosen}" in shown
        assert "of 50" in shown
        assert "1 alert firing" in shown


def test_who_has_it_what_it_costs_and_what_to_do_are_told() -> None:
    """Of an incident that somebody has, and of one that nobody has."""
    scene = scene_at()
    shown = text_of(desk_lines(scene, None, 140, 20))
    assert "reduce size, costs 399 more than usual, nobody has it, 1 of 1 alert firing" in shown
    taken = replace(
        scene.incidents[0], state="acknowledged", acknowledged_by="ann", acknowledged_until=AT
    )
    shown = text_of(desk_lines(replace(scene, incidents=(taken,)), None, 140, 20))
    assert "ann has it until 22:00" in shown


def test_nothing_open_is_said() -> None:
    """An empty list could be a fault."""
    shown = text_of(desk_lines(replace(scene_at(), incidents=(), alerts=()), None, 80, 10))
    assert "nothing is open, and nothing fires" in shown


def test_what_people_wrote_cannot_steer_the_terminal() -> None:
    """A sentence with a control sequence is shown with it, escaped."""
    scene = scene_at()
    odd = replace(scene.incidents[0], trigger="\x1b]0;x\x07 and\r\nmore")
    shown = text_of(desk_lines(replace(scene, incidents=(odd,)), None, 120, 10))
    assert "\\x1b]0;x\\x07" in shown
    assert not set(shown) & {"\x1b", "\r", "\x07"}


def test_choosing_stops_at_the_ends() -> None:
    """One that is gone counts as the first."""
    shown = crowded(3).incidents
    assert moved(shown, "INC-00", 1) == "INC-01"
    assert moved(shown, "INC-02", 1) == "INC-02"
    assert moved(shown, "INC-00", -1) == "INC-00"
    assert moved(shown, "gone", 1) == "INC-01"
    assert moved((), "INC-00", 1) is None


def test_words_are_cut_between_words() -> None:
    """And blanks are one."""
    assert wrapped("one two  three", 7) == ["one two", "three"]
    assert wrapped("", 7) == []
