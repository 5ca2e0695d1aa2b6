"""Shades: while an alert held by its severity, and where a book is not known."""

from dataclasses import replace

from tests.support.postmortems import a_loss, a_postmortem, an_alert_story, span

from tidegauge.faces.report.shades import (
    alert_shades,
    held_spans,
    shade,
    unknown_shades,
    worst_at_each,
)


def test_an_alert_is_pending_then_as_severe_as_it_became() -> None:
    """From its first breach to its end, cut to the span."""
    held = held_spans(an_alert_story(), span(0, 60))
    assert [(each.span, each.kind) for each in held] == [
        (span(20, 22), "pending"),
        (span(22, 23), "warning"),
        (span(23, 45), "critical"),
    ]
    cut = held_spans(an_alert_story(), span(30, 40))
    assert [(each.span, each.kind) for each in cut] == [(span(30, 40), "critical")]


def test_an_alert_that_fires_still_holds_to_the_end() -> None:
    """Nobody has said that it ended."""
    assert held_spans(an_alert_story(ended=None), span(0, 60))[-1].span == span(23, 60)


def test_an_alert_that_never_fired_shades_no_plot() -> None:
    """It was pending, and that is shown in the overview."""
    story = an_alert_story(fired=None)
    assert [each.kind for each in held_spans(story, span(0, 60))] == ["pending"]
    assert worst_at_each([story], span(0, 60)) == []


def test_the_worst_of_several_alerts_shades() -> None:
    """Where two hold, the more severe."""
    stories = [
        an_alert_story("a", began=0, fired=0, ended=50, severity="warning"),
        an_alert_story("b", began=10, fired=11, ended=30, severity="critical"),
    ]
    assert worst_at_each(stories, span(0, 60)) == [
        (span(0, 12), "warning"),
        (span(12, 30), "critical"),
        (span(30, 50), "warning"),
    ]


def test_a_severity_nobody_knows_shades_nothing() -> None:
    """The database says text; only the four words are colours."""
    story = an_alert_story()
    odd = replace(story, changes=tuple(replace(each, severity="<b>") for each in story.changes))
    assert worst_at_each([odd], span(0, 60)) == []


def test_shades_are_shares_of_the_plot() -> None:
    """A span too short to be seen is drawn as wide as can be seen."""
    (first, second) = alert_shades(a_postmortem())
    assert (first.kind, second.kind) == ("warning", "critical")
    assert round(second.at, 1) == 38.3
    assert shade(span(30, 30), span(0, 60), "unknown", "").width > 0


def test_losses_that_touch_are_one_shade_that_names_each() -> None:
    """One venue's lane shows its own alone."""
    both = a_postmortem(unknown=(a_loss(10, 20), a_loss(15, 25, "okx"), a_loss(40, 41)))
    first, second = unknown_shades(both)
    assert "binance: gap, 12:00:10.0 to 12:00:20.0; okx: gap" in first.title
    assert round(first.width) == 25
    assert second.kind == "unknown"
    assert len(unknown_shades(both, "okx")) == 1


def test_a_book_that_flaps_all_day_does_not_make_a_page_without_end() -> None:
    """What is too close to be told apart is one shade; every lost instant lies in one."""
    losses = tuple(a_loss(second / 100, second / 100 + 0.004) for second in range(6000))
    found = unknown_shades(a_postmortem(unknown=losses))
    assert len(found) < 400
    assert sum(each.width for each in found) > 90
    few = unknown_shades(a_postmortem(unknown=losses[:100]))
    assert len(few) == 100
