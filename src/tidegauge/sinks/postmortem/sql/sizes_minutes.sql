-- The sizes whose cost was stored in the span.
SELECT notional, count(DISTINCT venue) AS venues
  FROM tidegauge.v_slippage_minutes
 WHERE symbol = :'symbol'::text AND at >= :'since'::timestamptz AND at < :'until'::timestamptz
   AND (:'venues'::text[] IS NULL OR venue = ANY (:'venues'::text[]))
 GROUP BY notional ORDER BY notional
