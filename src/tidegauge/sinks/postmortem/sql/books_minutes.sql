-- How many readings each book left in the span, from the rollups.
SELECT venue, sum(readings)::bigint AS readings, min(at) AS first,
       max(at) + interval '1 minute' AS last, '{}'::text[] AS runs
  FROM tidegauge.v_minutes
 WHERE symbol = :'symbol'::text AND at >= :'since'::timestamptz AND at < :'until'::timestamptz
   AND (:'venues'::text[] IS NULL OR venue = ANY (:'venues'::text[]))
 GROUP BY venue ORDER BY venue
