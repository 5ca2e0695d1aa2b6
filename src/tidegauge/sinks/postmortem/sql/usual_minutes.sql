-- The usual: the median of the averages of each minute in the window before. A size that was filled in
-- no reading of a minute counts as infinitely dear.
WITH r AS (
    SELECT venue, count(*) AS rows,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY mid_last) AS mid,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY spread_bps_avg) AS spread
      FROM tidegauge.v_minutes
     WHERE symbol = :'symbol'::text AND at >= :'usual_since'::timestamptz
       AND at < :'usual_until'::timestamptz
     GROUP BY venue
), d AS (
    SELECT venue,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY bid_quote_avg + ask_quote_avg) AS depth,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY bid_quote_avg) AS bids,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY ask_quote_avg) AS asks
      FROM tidegauge.v_depth_minutes
     WHERE symbol = :'symbol'::text AND at >= :'usual_since'::timestamptz
       AND at < :'usual_until'::timestamptz AND band_bps = :'band'::integer
     GROUP BY venue
), s AS (
    SELECT venue,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY coalesce(slippage_bps_avg, 'Infinity'))
               FILTER (WHERE taker = 'sell') AS sell,
           percentile_disc(0.5) WITHIN GROUP (ORDER BY coalesce(slippage_bps_avg, 'Infinity'))
               FILTER (WHERE taker = 'buy') AS buy
      FROM tidegauge.v_slippage_minutes
     WHERE symbol = :'symbol'::text AND at >= :'usual_since'::timestamptz
       AND at < :'usual_until'::timestamptz AND notional = :'size'::numeric
     GROUP BY venue
)
SELECT r.venue, r.rows, r.mid, r.spread, d.depth, d.bids, d.asks, s.sell, s.buy
  FROM r LEFT JOIN d USING (venue) LEFT JOIN s USING (venue)
 WHERE r.rows >= :'least'::bigint
 ORDER BY r.venue
