-- How many readings each book left in the span, and by which runs.
SELECT venue, count(*) AS readings, min(at) AS first, max(at) AS last,
       array_agg(DISTINCT run) AS runs
  FROM tidegauge.v_readings
 WHERE symbol = :'symbol'::text AND at >= :'since'::timestamptz AND at < :'until'::timestamptz
   AND (:'venues'::text[] IS NULL OR venue = ANY (:'venues'::text[]))
 GROUP BY venue ORDER BY venue
