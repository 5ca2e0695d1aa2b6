"""How channels are written, and what is said of one that is written wrongly."""

import pytest

from tidegauge.sinks.notify.guard import Guard
from tidegauge.sinks.notify.spelling import Service, plainly, spelled

SECRET = "s3cr3t-CANARY"


def test_an_address_of_slack_may_be_pasted_as_it_is() -> None:
    """Or written with the service before it, as every other."""
    pasted = spelled("https://hooks.slack.com/services/T0/B0/X")
    assert pasted.service is Service.SLACK
    written = spelled("slack+https://hooks.slack.com/services/T0/B0/X")
    assert (written.service, written.url) == (pasted.service, pasted.url)
    assert spelled("https://example.com/services/T0/B0/X").service is Service.WEBHOOK


def test_user_and_password_are_taken_out_of_the_address_that_is_called() -> None:
    """They go into a header, or the body, and not where proxies and servers log."""
    found = spelled("telegram+https://123:AB%2FC@api.telegram.org:8443/-1001")
    assert (found.service, found.user, found.password) == (Service.TELEGRAM, "123", "AB/C")
    assert (found.url, found.host, found.port) == (
        "https://api.telegram.org:8443/-1001",
        "api.telegram.org",
        8443,
    )
    assert spelled("pagerduty+https://:KEY@events.eu.pagerduty.com").password == "KEY"


def test_an_address_of_e_mail_says_from_whom_and_to_whom() -> None:
    """A plus is a plus, and a comma parts recipients."""
    found = spelled("smtps://u%40x:p@mail.example.com?from=a@x.org&to=b+oncall@y.org,c@z.org")
    assert (found.service, found.port, found.tls) == (Service.MAIL, 465, True)
    assert (found.user, found.sender) == ("u@x", "a@x.org")
    assert found.recipients == ("b+oncall@y.org", "c@z.org")
    plain = spelled("smtp://mail.example.com?from=a@x.org&to=b@y.org")
    assert (plain.port, plain.tls) == (587, False)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "must name a host"),
        ("hooks.slack.com/services", "must name a host"),
        ("https://", "must name a host"),
        (f"ftp://x/{SECRET}", r"must begin with https://, smtps://, smtp://, or slack\+https://"),
        (f"file://host/{SECRET}", "must begin with"),
        (f"discord+https://x/{SECRET}", "must begin with"),
        (f"mail+https://x/{SECRET}", "must begin with"),
        (f"slack+ftp://x/{SECRET}", "must begin with"),
        (f"https://a b/{SECRET}", "without spaces"),
        (f"https://a/\n{SECRET}", "without spaces"),
        (f"https://x:{SECRET}:99999/", "must be an address"),
        (f"https://[{SECRET}/", "must be an address"),
        ("slack+https://hooks.slack.com/", "the path of the webhook"),
        (f"telegram+https://{SECRET}@api.telegram.org/1", "telegram.https://BOT:TOKEN@"),
        (f"telegram+https://b:{SECRET}@api.telegram.org", "telegram.https://BOT:TOKEN@"),
        (f"telegram+https://b:{SECRET}@api.telegram.org/1/2", "telegram.https://BOT:TOKEN@"),
        ("pagerduty+https://events.pagerduty.com", "INTEGRATION_KEY"),
        (f"smtps://u:{SECRET}@mail.example.com", "from whom and to whom"),
        (f"smtps://u:{SECRET}@mail.example.com?from=x&to=a@b", "from whom and to whom"),
        (f"smtps://u:{SECRET}@mail.example.com?from=a@b&to=a@b,c", "from whom and to whom"),
    ],
)
def test_what_is_written_wrongly_is_refused_without_being_repeated(written: str, said: str) -> None:
    """An error goes to a terminal and a log."""
    with pytest.raises(ValueError, match=said) as refused:
        spelled(written)
    assert SECRET not in str(refused.value)


def test_what_is_not_encrypted_is_for_listed_hosts_and_our_own_kinds_only() -> None:
    """A token of Slack in the clear is a token of anybody's."""
    lists = Guard(["inside"]).lists
    assert plainly(spelled("https://example.com/x"), lists) is None
    assert plainly(spelled("http://inside/x"), lists) is None
    assert plainly(spelled("alertmanager+http://inside:9093"), lists) is None
    assert "notify.allow_hosts" in (plainly(spelled("http://example.com/x"), lists) or "")
    assert "nothing else" in (plainly(spelled("slack+http://inside/services/x"), lists) or "")


def test_it_shows_no_secret() -> None:
    """Whoever prints it sees the service and the host."""
    shown = repr(spelled(f"telegram+https://bot:{SECRET}@api.telegram.org/{SECRET}"))
    assert SECRET not in shown
    assert "api.telegram.org" in shown
