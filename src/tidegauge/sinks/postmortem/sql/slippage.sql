-- What taking the size would have cost in every reading; null where the book did not hold all of it.
SELECT at, venue, taker, 1 AS asked, (NOT filled)::integer AS short, filled_fraction,
       slippage_bps, slippage_cost
  FROM tidegauge.v_slippage
 WHERE symbol = :'symbol'::text AND at >= :'since'::timestamptz AND at < :'until'::timestamptz
   AND (:'venues'::text[] IS NULL OR venue = ANY (:'venues'::text[]))
   AND notional = :'size'::numeric
 ORDER BY venue, taker, at, reading
