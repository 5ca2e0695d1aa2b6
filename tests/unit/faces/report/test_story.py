"""The timeline: one order for alerts, incidents, trust and feeds."""

from dataclasses import replace
from decimal import Decimal

from tests.support.postmortems import a_happening, a_postmortem, after, an_alert_story

from tidegauge.faces.report.story import timeline_of
from tidegauge.sinks.postmortem.records import Incident, IncidentEvent


def told(**changes: object) -> list[tuple[str, str]]:
    return [(step.badge, step.text) for step in timeline_of(a_postmortem(**changes)).steps]


def test_an_alert_is_told_from_its_first_breach_to_its_end() -> None:
    """What is new in each change stands first."""
    assert told() == [
        ("pending", "liquidity crunch: depth total began to breach; it fired 2 s later."),
        ("warning", "Fires: Depth is gone."),
        ("critical", "Rose from warning: Depth is gone."),
        ("resolved", "liquidity crunch resolved after 25 s. Depth is gone."),
    ]


def test_a_cause_that_joins_and_a_book_that_is_lost_are_told() -> None:
    """And that it was seen again."""
    story = an_alert_story(ended=None)
    last = story.changes[-1]
    joined = replace(last, at=after(24), causes=("depth_total", "spread"))
    lost = replace(joined, at=after(25), unobserved_since=after(25))
    seen = replace(joined, at=after(26))
    texts = [text for _, text in told(alerts=(replace(story, changes=(last, joined, lost, seen)),))]
    assert texts[2].startswith("Joined by spread: ")
    assert texts[3].startswith("Unobserved: its book is not trusted. ")
    assert texts[4].startswith("Observed again: ")


def test_an_alert_that_never_fired_says_so() -> None:
    """It was gone before it had held."""
    story = an_alert_story(fired=None, ended=None)
    gone = replace(an_alert_story().changes[0], state="inactive", at=after(24))
    texts = [text for _, text in told(alerts=(replace(story, changes=(gone,)),))]
    assert texts == [
        "liquidity crunch: depth total began to breach; it did not fire.",
        "liquidity crunch was gone before it had held. Depth is gone.",
    ]


def test_trust_is_told_with_its_reason() -> None:
    """A loss stands out; what a venue said goes with it."""
    lost = a_happening(1, "trust", trust="untrusted", reason="malformed_frame", detail="bad")
    back = a_happening(9, "trust", trust="live", reason="synchronised", detail="")
    assert told(alerts=(), happenings=(lost, back)) == [
        ("untrusted", "Book untrusted: malformed frame (bad)."),
        ("trusted", "Book live: synchronised."),
    ]


def test_what_several_venues_say_at_once_is_one_step() -> None:
    """And what one says again and again is counted."""
    happenings = [a_happening(0.1 * n, "connected", v, detail="book") for n, v in enumerate("abca")]
    (step,) = timeline_of(a_postmortem(alerts=(), happenings=tuple(happenings))).steps
    assert (step.venues, step.times) == (("a", "b", "c"), 2)


def test_too_many_events_of_feeds_are_left_out_before_any_alert() -> None:
    """They are counted, those that were not read too."""
    many = tuple(a_happening(2 * second) for second in range(50))
    line = timeline_of(a_postmortem(happenings=many, happenings_in_all=1000), most=10)
    assert len(line.steps) == 10
    assert [step.at for step in line.steps] == sorted(step.at for step in line.steps)
    assert sum(step.badge != "gap" for step in line.steps) == 4
    assert line.left_out == 54 - 10 + 950


def an_incident(*events: IncidentEvent) -> Incident:
    return Incident(
        id="incident-1",
        family="liquidity",
        state="resolved",
        worst_severity="critical",
        trigger="depth is gone",
        action="pause_asset",
        impact_quote=Decimal(450),
        opened_at=after(22),
        acknowledged_at=after(30),
        acknowledged_by="kim",
        mitigated_at=None,
        resolved_at=after(50),
        events=events,
    )


def test_an_incident_is_told_by_its_trail_or_by_its_times() -> None:
    """Who did what, and what they said."""
    event = IncidentEvent(
        at=after(30),
        kind="acknowledged",
        actor="kim",
        comment="on it",
        from_state=None,
        to_state=None,
    )
    assert told(alerts=(), incidents=(an_incident(event),)) == [
        ("incident", "incident-1 acknowledged by kim: on it")
    ]
    assert [text for _, text in told(alerts=(), incidents=(an_incident(),))] == [
        "incident-1 opened: depth is gone",
        "incident-1 acknowledged by kim",
        "incident-1 resolved",
    ]
