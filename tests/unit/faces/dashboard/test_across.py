"""What is judged over the books."""

import re
from dataclasses import replace

from tests.support.pictured import VENUES
from tests.support.scenes import AT, scene_at

from tidegauge.faces.dashboard.across import divergence_lines, score_lines
from tidegauge.faces.dashboard.cells import text_of, width_of
from tidegauge.runtime.window.across import ShownSymbol


def summary() -> ShownSymbol:
    found = scene_at().summary
    assert found is not None
    return found


def test_the_matrix_is_read_by_row_and_says_the_opposite_by_column() -> None:
    """The row is dearer by so much than the column."""
    lines = divergence_lines(summary().divergence, 80)
    assert all(width_of(each) <= 80 for each in lines)
    rows = [re.findall(r"[+-]\d+\.\d\d|·", text_of([each])[19:]) for each in lines[2:8]]
    assert all(len(row) == len(VENUES) for row in rows)
    for n, row in enumerate(rows):
        assert row[n] == "·"
        for m in range(n):
            assert float(row[m]) == -float(rows[m][n])


def test_in_a_narrow_panel_no_number_is_lost() -> None:
    """Names are cut, and the weights left out."""
    found = summary()
    lines = divergence_lines(found.divergence, 48)
    assert all(width_of(each) <= 48 for each in lines[:8])
    assert len(re.findall(r"[+-]\d+\.\d\d", text_of(lines[2:8]))) == 30
    parts = score_lines(found.score, (), None, 40)
    assert all(width_of(each) <= 40 for each in parts)
    assert "weight" not in text_of(parts)
    assert "share" in text_of(parts)


def test_a_pair_that_fires_and_a_venue_that_is_not_fresh_are_marked() -> None:
    """By signs, whatever the colours."""
    found = summary().divergence
    pair = replace(found.pairs[0], phase="firing", deviation_bps=12.5)
    told = replace(
        found, phase="firing", fresh=VENUES[1:], pairs=(pair, *found.pairs[1:]), left=("binance",)
    )
    shown = text_of(divergence_lines(told, 80))
    assert "+12.50!" in shown
    assert "-12.50!" in shown
    assert "binance?" in shown
    assert "left: binance" in shown
    assert "widest binance ~ binance-futures" in shown


def test_a_pair_of_which_nothing_is_known_is_a_dash() -> None:
    """Not a zero."""
    shown = text_of(divergence_lines(replace(summary().divergence, pairs=()), 80))
    assert "+0.00" not in shown
    assert shown.count(" -\n") + shown.count(" - ") >= len(VENUES)


def test_the_score_is_shown_with_its_parts_and_the_expected_size() -> None:
    """Each part with what it makes up; each side with how much is safe."""
    found = summary()
    lines = score_lines(found.score, found.stress, found.size, 90)
    assert all(width_of(each) <= 90 for each in lines)
    shown = text_of(lines)
    for part in (
        *(each.name for each in found.score.parts),
        "30%",
        "sell 500k less 50% safe",
    ):
        assert part in shown
    assert "safe 0.030%, safe to 2M+, binance" in shown


def test_a_part_that_is_missing_says_since_when() -> None:
    """And the score that it makes it incomplete."""
    found = summary()
    parts = (replace(found.score.parts[0], missing_since=AT), *found.score.parts[1:])
    score = replace(found.score, incomplete=True, parts=parts)
    shown = text_of(score_lines(score, (), None, 80))
    assert "missing since 22:00:30" in shown
    assert "(a part is missing)" in shown
    assert "no size is judged" in shown


def test_what_nobody_judges_is_not_known() -> None:
    """Neither a calm score nor a calm market."""
    assert "not known" in text_of(score_lines(None, (), None, 60))
    assert "not known" in text_of(divergence_lines(None, 60))
    unknown = replace(summary().score, value=None, weather=None)
    assert "not known yet" in text_of(score_lines(unknown, (), None, 60))
