"""Pages in words: short enough for each service, and with nothing cut in silence."""

import pytest
from tests.support.pages import NOON, a_page

from tidegauge.core.desk import PageKind
from tidegauge.sinks.notify.spelling import spelled
from tidegauge.sinks.notify.wording import (
    SLACK_HEADER,
    SLACK_TEXT,
    TELEGRAM_TEXT,
    headline,
    iso,
    plain,
    to_pagerduty,
    to_slack,
    to_telegram,
)
from tidegauge.sinks.outbox.parcel import incident_of


def test_the_headline_says_how_bad_it_is_on_one_line() -> None:
    """Also of a title that somebody broke, and of what is over."""
    assert headline(a_page(title="thin\r\nBcc: x")) == "[HIGH] thin Bcc: x"
    assert headline(a_page(kind=PageKind.RESOLVED, title="over")) == "[RESOLVED] over"
    assert plain(a_page(title="thin", text="")) == "[HIGH] thin"


@pytest.mark.parametrize("kind", [PageKind.DIGEST, PageKind.HEARTBEAT, PageKind.TEST])
def test_what_tells_of_several_or_none_is_no_incident(kind: PageKind) -> None:
    """It must not open one at PagerDuty that nothing ever resolves under our incident's name."""
    page = a_page(kind=kind, incident="INC-1")
    assert incident_of(page) is None
    body = to_pagerduty(spelled("pagerduty+https://:K@events.pagerduty.com"), page).body
    assert (body["dedup_key"], body["event_action"]) == (page.key, "trigger")
    assert incident_of(a_page(incident="INC-1")) == "INC-1"


def test_long_texts_are_cut_where_a_service_would_refuse_them_and_marked() -> None:
    """Slack and Telegram answer 400 to one character too many."""
    page = a_page(title="t" * 10_000, text="x" * 10_000)
    slack = to_slack(spelled("https://hooks.slack.com/services/T/B/X"), page).body["blocks"]
    assert [len(block["text"]["text"]) for block in slack] == [SLACK_HEADER, SLACK_TEXT]
    assert all(block["text"]["text"].endswith("…") for block in slack)
    telegram = to_telegram(spelled("telegram+https://b:t@api.telegram.org/1"), page).body["text"]
    assert (len(telegram), telegram[-1]) == (TELEGRAM_TEXT, "…")


def test_an_empty_text_makes_no_empty_block() -> None:
    """Which Slack refuses."""
    body = to_slack(spelled("https://hooks.slack.com/services/T/B/X"), a_page(text=" ")).body
    assert [block["type"] for block in body["blocks"]] == ["header"]


def test_times_are_exact_to_the_microsecond() -> None:
    """A float would lose some."""
    assert iso(NOON + 123_456_789) == "2027-01-15T08:00:00.123456Z"


def test_pagerduty_may_be_given_with_its_whole_path() -> None:
    """As its own documentation writes it."""
    page = a_page()
    for path in ("", "/", "/v2/enqueue"):
        to = spelled(f"pagerduty+https://:K@events.pagerduty.com{path}")
        assert to_pagerduty(to, page).url == "https://events.pagerduty.com/v2/enqueue"
