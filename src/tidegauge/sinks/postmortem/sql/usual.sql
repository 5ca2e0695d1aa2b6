-- The usual: the median of each book in the window before. A size that cannot be filled counts as
-- infinitely dear.
WITH r AS (
    SELECT venue, count(*) AS rows,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY mid) AS mid,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY spread_bps) AS spread
      FROM tidegauge.v_readings
     WHERE symbol = :'symbol'::text AND at >= :'usual_since'::timestamptz AND at < :'usual_until'::timestamptz
     GROUP BY venue
), d AS (
    SELECT venue,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY total_quote) AS depth,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY bid_quote) AS bids,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY ask_quote) AS asks
      FROM tidegauge.v_depth
     WHERE symbol = :'symbol'::text AND at >= :'usual_since'::timestamptz AND at < :'usual_until'::timestamptz
       AND band_bps = :'band'::integer
     GROUP BY venue
), s AS (
    SELECT venue,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY coalesce(slippage_bps, 'Infinity'))
               FILTER (WHERE taker = 'sell') AS sell,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY coalesce(slippage_bps, 'Infinity'))
               FILTER (WHERE taker = 'buy') AS buy
      FROM tidegauge.v_slippage
     WHERE symbol = :'symbol'::text AND at >= :'usual_since'::timestamptz AND at < :'usual_until'::timestamptz
       AND notional = :'size'::numeric
     GROUP BY venue
)
SELECT r.venue, r.rows, r.mid, r.spread, d.depth, d.bids, d.asks, s.sell, s.buy
  FROM r LEFT JOIN d USING (venue) LEFT JOIN s USING (venue)
 WHERE r.rows >= :'least'::bigint
 ORDER BY r.venue
