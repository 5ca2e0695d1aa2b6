-- What taking the size would have cost by the minute, told at its middle: on average and at most, of the
-- readings whose book held all of it; short counts the others.
SELECT at + interval '30 seconds' AS at, venue, taker, readings AS asked, readings - filled AS short,
       NULL::float8 AS filled_fraction, slippage_bps_avg AS slippage_bps,
       slippage_bps_max AS slippage_bps_most, NULL::float8 AS slippage_cost
  FROM tidegauge.v_slippage_minutes
 WHERE symbol = :'symbol'::text AND at >= :'since'::timestamptz AND at < :'until'::timestamptz
   AND (:'venues'::text[] IS NULL OR venue = ANY (:'venues'::text[]))
   AND notional = :'size'::numeric
 ORDER BY venue, taker, at
