"""Pages as alerts of an Alertmanager; the real one is asked in an integration test."""

from tests.support.pages import NOON, a_page

from tidegauge.core.alert import Severity
from tidegauge.core.desk import PageKind
from tidegauge.core.instrument import HOUR, SECOND
from tidegauge.sinks.notify.alerts import alert_of, labels_of, posted, to_alertmanager
from tidegauge.sinks.notify.spelling import spelled
from tidegauge.sinks.notify.wording import LASTS, iso

TO = spelled("alertmanager+https://alertmanager.example.com/prefix/")


def test_an_incident_is_one_alert_from_its_beginning_to_its_end() -> None:
    """The labels are what makes it the same."""
    opened, over = a_page(1), a_page(9, kind=PageKind.RESOLVED, incident="INC-1")
    now = NOON + HOUR
    first, last = alert_of(opened, now), alert_of(over, now)
    assert first["labels"] == last["labels"]
    assert first["labels"] == {
        "alertname": "TidegaugeIncident",
        "incident": "INC-1",
        "symbol": "BTCUSDT",
        "severity": "high",
        "family": "liquidity",
    }
    assert (first["startsAt"], first["endsAt"]) == (iso(NOON), iso(now + LASTS))
    assert last["endsAt"] == iso(NOON + 9 * SECOND)


def test_a_change_of_severity_ends_the_alert_with_the_old_one() -> None:
    """Else it fired for ever under labels that nobody sends any more."""
    before, worse = a_page(1), a_page(2, incident="INC-1", severity=Severity.CRITICAL)
    new, old = to_alertmanager(TO, worse, before, NOON + HOUR).body
    assert (new["labels"]["severity"], old["labels"]["severity"]) == ("critical", "high")
    assert old["endsAt"] == iso(worse.at)
    assert len(to_alertmanager(TO, a_page(3, incident="INC-1"), before, NOON).body) == 1


def test_what_is_no_incident_ends_by_itself() -> None:
    """A heartbeat must not fire until tomorrow's."""
    beat = a_page(1, kind=PageKind.HEARTBEAT)
    assert alert_of(beat, NOON + HOUR)["endsAt"] == iso(beat.at + LASTS)
    assert alert_of(beat, NOON)["labels"]["alertname"] == "TidegaugeHeartbeat"


def test_names_that_an_alertmanager_would_refuse_are_spelt_anew() -> None:
    """With them it would refuse the whole alert; an empty label is none."""
    page = a_page(1)
    odd = type(page)(
        **{
            **{name: getattr(page, name) for name in page.__slots__},
            "labels": {"a-b.c": "1", "7th": "2", "empty": "", "": "nameless"},
            "symbol": "",
        }
    )
    assert labels_of(odd) == {
        "alertname": "TidegaugeIncident",
        "incident": "INC-1",
        "severity": "high",
        "a_b_c": "1",
        "_7th": "2",
    }


def test_the_path_of_the_api_is_added_behind_a_prefix() -> None:
    """An Alertmanager may live below one (--web.route-prefix)."""
    assert posted(TO, []).url == "https://alertmanager.example.com/prefix/api/v2/alerts"
    whole = spelled("alertmanager+https://a.example.com/api/v2/alerts")
    assert posted(whole, []).url == "https://a.example.com/api/v2/alerts"
