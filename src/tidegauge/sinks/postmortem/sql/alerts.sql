-- Alerts that were open at some time of the span.
SELECT id, signal, venue, severity, worst_severity, state, cause, action, sentence,
       started_at, fired_at, ended_at
  FROM tidegauge.v_alerts
 WHERE symbol = :'symbol'::text AND started_at < :'until'::timestamptz
   AND coalesce(ended_at, 'infinity') >= :'since'::timestamptz
   AND (:'venues'::text[] IS NULL OR venue = ANY (:'venues'::text[]))
 ORDER BY started_at, id
