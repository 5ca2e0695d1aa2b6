"""Once a day the desk says that it is alive."""

from dataclasses import replace

from tests.support.desk import START, TOLD, Watched, key_of

from tidegauge.core.desk import Page, PageKind
from tidegauge.core.instrument import SECOND
from tidegauge.risk.desk.quieting import DAY
from tidegauge.risk.ruleset import HOUR, MINUTE

AT_EIGHT = replace(TOLD, heartbeat_at=8 * HOUR, heartbeat_channels=("slack", "mail"))


def beats(watched: Watched) -> list[Page]:
    return [page for page in watched.reader.pages if page.kind is PageKind.HEARTBEAT]


def test_it_comes_each_day_at_its_time_with_what_the_day_was_like() -> None:
    """Not at the start: the desk began at four in the afternoon."""
    watched = Watched(AT_EIGHT)
    watched.fire()
    watched.clear()
    watched.fire(key_of(symbol="ETHUSDT"))
    watched.pass_time(2 * DAY, MINUTE)
    first, second = beats(watched)
    assert first.key == "heartbeat/2025-11-25"
    assert (first.at, second.at) == (START + 16 * HOUR, START + 40 * HOUR)
    assert first.channels == ("slack", "mail")
    assert first.title == "Tidegauge is watching: 1 incident open"
    assert first.text == (
        "Open: 1 incident (1 high).\n"
        "Since the last heartbeat: 2 alerts, 2 incidents opened, 1 resolved, 4 pages.\n"
        "Silences: 0. Waiting for a digest: 0.\n"
        "2025-11-25 08:00:00 UTC. tidegauge incidents list"
    )
    assert "0 alerts, 0 incidents opened, 0 resolved, 0 pages" in second.text


def test_without_a_time_or_channels_there_is_none() -> None:
    """It is asked for, or not."""
    for rules in (TOLD, replace(AT_EIGHT, heartbeat_channels=())):
        watched = Watched(rules)
        watched.pass_time(2 * DAY, HOUR)
        assert beats(watched) == []


def test_one_that_came_due_while_nobody_ran_comes_late_and_once() -> None:
    """Each day has a key of its own."""
    watched = Watched(AT_EIGHT)
    watched.pass_time(HOUR)
    watched.now += 17 * HOUR
    watched.restart()
    watched.pass_time(10 * SECOND)
    (late,) = beats(watched)
    assert late.key == "heartbeat/2025-11-25"
    watched.restart()
    watched.pass_time(DAY, MINUTE)
    assert [page.key for page in beats(watched)] == [late.key, "heartbeat/2025-11-26"]


def test_another_time_in_the_rules_counts_from_now_on() -> None:
    """A reload."""
    watched = Watched(AT_EIGHT)
    watched.pass_time(MINUTE)
    watched.desk.adopt(replace(AT_EIGHT, heartbeat_at=17 * HOUR), watched.now)
    watched.pass_time(HOUR, MINUTE)
    assert [page.at for page in beats(watched)] == [START + HOUR]


def test_a_clock_that_was_wrong_for_a_while_does_not_put_it_off() -> None:
    """It was a year ahead, and is right again."""
    watched = Watched(AT_EIGHT)
    watched.now += 365 * DAY
    watched.pass_time(MINUTE)
    watched.now = START
    watched.pass_time(DAY, MINUTE)
    assert len(beats(watched)) == 1
