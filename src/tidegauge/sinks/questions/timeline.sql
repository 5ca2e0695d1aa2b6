-- How did price, spread, depth and slippage go, step by step?
--
-- Columns
--   at              the beginning of the step
--   venue           the venue
--   readings        how many there are
--   mid             the last mid of the step
--   moved_bps       how far that is from the venue's first mid in the window, in basis points
--   spread_bps      average spread
--   depth_bid       least that rested within band below the mid, in quote
--   depth_ask       least that rested within band above the mid, in quote
--   sell_bps_max    the worst slippage of selling size, of those readings that could fill it
--   buy_bps_max     the worst of buying it
--   unfilled        readings in which a side did not hold size
-- Parameters
--   symbol    such as BTCUSDT
--   from, to  the window
--   venue     only this one; all of them when empty
--   step      how long a step is
--   band      basis points about the mid, as set in readings.bands_bps
--   size      quote to trade, as set in readings.notionals
--
-- psql -v symbol=BTCUSDT -v from='2026-11-28 14:00Z' -v to='2026-11-28 14:10Z' -f timeline.sql
\if :{?venue} \else \set venue '' \endif
\if :{?step} \else \set step '10 seconds' \endif
\if :{?band} \else \set band 10 \endif
\if :{?size} \else \set size 500000 \endif

WITH quotes AS (
    SELECT date_bin(:'step'::interval, at, :'from'::timestamptz) AS step, venue,
           count(*) AS readings,
           (array_agg(mid ORDER BY recv_ns DESC) FILTER (WHERE mid IS NOT NULL))[1] AS mid,
           (array_agg(mid ORDER BY recv_ns) FILTER (WHERE mid IS NOT NULL))[1] AS first_mid,
           avg(spread_bps) AS spread_bps
      FROM tidegauge.v_readings
     WHERE symbol = :'symbol' AND at >= :'from'::timestamptz AND at < :'to'::timestamptz
       AND :'venue' IN ('', venue)
     GROUP BY step, venue
), depths AS (
    SELECT date_bin(:'step'::interval, at, :'from'::timestamptz) AS step, venue,
           min(bid_quote) AS depth_bid, min(ask_quote) AS depth_ask
      FROM tidegauge.v_depth
     WHERE symbol = :'symbol' AND at >= :'from'::timestamptz AND at < :'to'::timestamptz
       AND :'venue' IN ('', venue)
       AND band_bps = :'band'::integer
     GROUP BY step, venue
), trades AS (
    SELECT date_bin(:'step'::interval, at, :'from'::timestamptz) AS step, venue,
           max(slippage_bps) FILTER (WHERE taker = 'sell') AS sell_bps_max,
           max(slippage_bps) FILTER (WHERE taker = 'buy') AS buy_bps_max,
           count(DISTINCT reading) FILTER (WHERE NOT filled) AS unfilled
      FROM tidegauge.v_slippage
     WHERE symbol = :'symbol' AND at >= :'from'::timestamptz AND at < :'to'::timestamptz
       AND :'venue' IN ('', venue)
       AND notional = :'size'::numeric
     GROUP BY step, venue
)
SELECT step AS at, venue, readings, mid,
       round(1e4 * (mid / first_value(first_mid) OVER (PARTITION BY venue ORDER BY step) - 1), 2)
           AS moved_bps,
       round(spread_bps::numeric, 3) AS spread_bps,
       round(depth_bid) AS depth_bid,
       round(depth_ask) AS depth_ask,
       round(sell_bps_max::numeric, 3) AS sell_bps_max,
       round(buy_bps_max::numeric, 3) AS buy_bps_max,
       unfilled
  FROM quotes
  LEFT JOIN depths USING (step, venue)
  LEFT JOIN trades USING (step, venue)
 ORDER BY step, venue;
