"""The life of an incident, as a table without holes (signals.md section 8).

    OPEN <--> ACKNOWLEDGED --MITIGATED--> MITIGATED --RESOLVED--> RESOLVED --REOPENED--> OPEN
                                          MITIGATED --RECURRED--> OPEN or ACKNOWLEDGED

What leads nowhere is refused where a person asks for it, and does not happen otherwise.
"""

from ...core.incident import IncidentChange, IncidentState

_OPEN, _ACKNOWLEDGED = IncidentState.OPEN, IncidentState.ACKNOWLEDGED
_MITIGATED, _RESOLVED = IncidentState.MITIGATED, IncidentState.RESOLVED

LEADS_TO: dict[tuple[IncidentState | None, IncidentChange], tuple[IncidentState, ...]] = {
    # Nothing but its opening makes an incident, and nothing opens it twice.
    **{(None, change): () for change in IncidentChange},
    (None, IncidentChange.OPENED): (_OPEN,),
    **{(state, IncidentChange.OPENED): () for state in IncidentState},
    (_OPEN, IncidentChange.JOINED): (_OPEN,),
    (_OPEN, IncidentChange.ESCALATED): (_OPEN,),
    (_OPEN, IncidentChange.UPDATED): (_OPEN,),
    (_OPEN, IncidentChange.ACKNOWLEDGED): (_ACKNOWLEDGED,),
    (_OPEN, IncidentChange.ACKNOWLEDGEMENT_EXPIRED): (),
    (_OPEN, IncidentChange.COMMENTED): (_OPEN,),
    (_OPEN, IncidentChange.MITIGATED): (_MITIGATED,),
    (_OPEN, IncidentChange.RECURRED): (),
    (_OPEN, IncidentChange.RESOLVED): (_RESOLVED,),
    (_OPEN, IncidentChange.REOPENED): (),
    (_ACKNOWLEDGED, IncidentChange.JOINED): (_ACKNOWLEDGED,),
    (_ACKNOWLEDGED, IncidentChange.ESCALATED): (_ACKNOWLEDGED,),
    (_ACKNOWLEDGED, IncidentChange.UPDATED): (_ACKNOWLEDGED,),
    # Somebody else takes it over, or it is prolonged.
    (_ACKNOWLEDGED, IncidentChange.ACKNOWLEDGED): (_ACKNOWLEDGED,),
    (_ACKNOWLEDGED, IncidentChange.ACKNOWLEDGEMENT_EXPIRED): (_OPEN,),
    (_ACKNOWLEDGED, IncidentChange.COMMENTED): (_ACKNOWLEDGED,),
    (_ACKNOWLEDGED, IncidentChange.MITIGATED): (_MITIGATED,),
    (_ACKNOWLEDGED, IncidentChange.RECURRED): (),
    (_ACKNOWLEDGED, IncidentChange.RESOLVED): (_RESOLVED,),
    (_ACKNOWLEDGED, IncidentChange.REOPENED): (),
    # Whatever fires while it is watched makes it recur: it joins by that.
    (_MITIGATED, IncidentChange.JOINED): (),
    (_MITIGATED, IncidentChange.ESCALATED): (),
    (_MITIGATED, IncidentChange.UPDATED): (),
    (_MITIGATED, IncidentChange.ACKNOWLEDGED): (_MITIGATED,),
    # Nobody needs it while nothing fires; it expires when it recurs.
    (_MITIGATED, IncidentChange.ACKNOWLEDGEMENT_EXPIRED): (),
    (_MITIGATED, IncidentChange.COMMENTED): (_MITIGATED,),
    (_MITIGATED, IncidentChange.MITIGATED): (),
    (_MITIGATED, IncidentChange.RECURRED): (_OPEN, _ACKNOWLEDGED),
    (_MITIGATED, IncidentChange.RESOLVED): (_RESOLVED,),
    (_MITIGATED, IncidentChange.REOPENED): (),
    (_RESOLVED, IncidentChange.JOINED): (),
    (_RESOLVED, IncidentChange.ESCALATED): (),
    (_RESOLVED, IncidentChange.UPDATED): (),
    # A resolution wins over a late acknowledgement.
    (_RESOLVED, IncidentChange.ACKNOWLEDGED): (),
    (_RESOLVED, IncidentChange.ACKNOWLEDGEMENT_EXPIRED): (),
    (_RESOLVED, IncidentChange.COMMENTED): (_RESOLVED,),
    (_RESOLVED, IncidentChange.MITIGATED): (),
    (_RESOLVED, IncidentChange.RECURRED): (),
    (_RESOLVED, IncidentChange.RESOLVED): (),
    (_RESOLVED, IncidentChange.REOPENED): (_OPEN,),
}


def state_after(
    state: IncidentState | None, change: IncidentChange, *, owned: bool
) -> IncidentState | None:
    """Return where a change leads, None where it does not happen; `owned`: somebody has it."""
    leads = LEADS_TO[state, change]
    if not leads:
        return None
    return leads[-1] if owned else leads[0]
