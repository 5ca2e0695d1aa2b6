-- Every change of them.
SELECT alert_id, updated_at AS at, state, severity, sentence, action, causes, unobserved_since
  FROM tidegauge.alert_changes
 WHERE alert_id = ANY (:'alerts'::text[])
 ORDER BY updated_ns, id
