-- The sizes whose cost was stored in the span.
SELECT notional, count(DISTINCT s.venue) AS venues
  FROM tidegauge.series AS s
 CROSS JOIN LATERAL unnest(s.fill_notional) AS notional
 WHERE s.symbol = :'symbol'::text AND (:'venues'::text[] IS NULL OR s.venue = ANY (:'venues'::text[]))
   AND EXISTS (SELECT FROM tidegauge.readings AS r
                WHERE r.series = s.id AND r.at >= :'since'::timestamptz AND r.at < :'until'::timestamptz)
 GROUP BY notional ORDER BY notional
