"""The life of an incident is a table without holes."""

from itertools import product

from tidegauge.core.incident import IncidentChange, IncidentState
from tidegauge.risk.desk.incident_table import LEADS_TO, state_after


def test_every_state_answers_every_change() -> None:
    """Also the one before an incident exists."""
    assert set(LEADS_TO) == set(product((None, *IncidentState), IncidentChange))


def test_only_its_opening_makes_an_incident() -> None:
    """And nothing opens it a second time."""
    made = [change for change in IncidentChange if LEADS_TO[None, change]]
    assert made == [IncidentChange.OPENED]
    assert not any(LEADS_TO[state, IncidentChange.OPENED] for state in IncidentState)


def test_what_is_resolved_is_left_by_being_reopened_only() -> None:
    """A late acknowledgement does nothing: the resolution wins."""
    leaves = {
        change
        for change in IncidentChange
        if any(
            after is not IncidentState.RESOLVED
            for after in LEADS_TO[IncidentState.RESOLVED, change]
        )
    }
    assert leaves == {IncidentChange.REOPENED}
    assert state_after(IncidentState.RESOLVED, IncidentChange.ACKNOWLEDGED, owned=True) is None


def test_what_recurs_goes_back_to_whoever_has_it() -> None:
    """Acknowledged if somebody has it, else open."""
    recurred = IncidentState.MITIGATED, IncidentChange.RECURRED
    assert state_after(*recurred, owned=True) is IncidentState.ACKNOWLEDGED
    assert state_after(*recurred, owned=False) is IncidentState.OPEN


def test_nothing_but_a_resolution_ends_an_incident() -> None:
    """From every open state, by it alone."""
    ends = {
        (state, change)
        for (state, change), after in LEADS_TO.items()
        if IncidentState.RESOLVED in after and state is not IncidentState.RESOLVED
    }
    open_states = (IncidentState.OPEN, IncidentState.ACKNOWLEDGED, IncidentState.MITIGATED)
    assert ends == {(state, IncidentChange.RESOLVED) for state in open_states}
