"""What is shown of the desk is bounded, however long the daemon has run."""

from dataclasses import replace

from tests.support.database import NOON
from tests.support.desk import firing, key_of
from tests.support.incidents import an_incident

from tidegauge.core.alert import AlertState
from tidegauge.risk.desk.view import DeskView
from tidegauge.runtime.window.show_desk import MOST_OVER, show_alerts, show_desk

NOTHING = DeskView(
    at=0, incidents=(), over=(), alerts=(), silences=(), mutes=(), waiting={}, unheard={}
)


def test_of_the_incidents_that_are_over_only_the_latest_are_shown() -> None:
    """The desk knows a thousand; all of what is open is shown."""
    over = tuple(an_incident(f"INC-{number}") for number in range(1_000))
    shown = show_desk(replace(NOTHING, over=over, incidents=over[:200]))
    assert [each.id for each in shown.over] == [each.id for each in over[-MOST_OVER:]]
    assert len(shown.incidents) == 200


def test_an_alert_names_its_incident_even_where_that_is_not_shown_any_more() -> None:
    """Alerts that came to nothing are not shown at all."""
    alert = firing(key_of(), NOON)
    nothing = replace(alert, state=AlertState.INACTIVE)
    case = an_incident(alerts=(alert.id,))
    others = tuple(replace(case, id=f"INC-{number}", alerts=()) for number in range(MOST_OVER))
    shown = [*show_alerts(replace(NOTHING, over=(case, *others)), [alert, nothing])]
    assert [(each.id, each.incident) for each in shown] == [(alert.id, case.id)]
