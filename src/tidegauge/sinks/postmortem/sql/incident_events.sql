-- What happened to them, and who did it.
SELECT incident_id, at, kind, actor, comment, from_state, to_state
  FROM tidegauge.incident_events
 WHERE incident_id = ANY (:'incidents'::text[])
 ORDER BY incident_id, number
