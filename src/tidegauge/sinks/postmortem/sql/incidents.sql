-- Incidents that were open at some time of the span, those of a venue's every symbol among them.
SELECT id, family, state, worst_severity, trigger, action, impact_quote, opened_at,
       acknowledged_at, acknowledged_by, mitigated_at, resolved_at
  FROM tidegauge.v_incidents
 WHERE symbol IN (:'symbol'::text, '*') AND opened_at < :'until'::timestamptz
   AND coalesce(resolved_at, 'infinity') >= :'since'::timestamptz
 ORDER BY opened_at, id
