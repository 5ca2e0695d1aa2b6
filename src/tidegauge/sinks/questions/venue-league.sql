-- Which venue was the best to sell on?
--
-- From the rollups: a minute that overlaps the window counts whole.
--
-- Columns
--   place         1 was the cheapest on average; venues that could not always fill size come last
--   venue         the venue
--   sell_bps      average slippage of selling size, of those readings that could fill it
--   sell_bps_max  the worst
--   buy_bps       average slippage of buying size
--   unfilled      share of readings in which the bids did not hold size, in percent
--   cheapest      share of minutes in which no other venue was cheaper to sell on, in percent
--   spread_bps    average spread
--   depth         average of what rests within band of the mid, both sides, in quote
--   depth_low     the least
--   minutes       minutes with readings
--   readings      how many there are
-- Parameters
--   symbol    such as BTCUSDT
--   from, to  the window
--   size      quote to trade, as set in readings.notionals
--   band      basis points about the mid, as set in readings.bands_bps
--
-- psql -v symbol=BTCUSDT -v from='2026-11-27 00:00Z' -v to='2026-11-28 00:00Z' -f venue-league.sql
\if :{?size} \else \set size 500000 \endif
\if :{?band} \else \set band 10 \endif

WITH trades AS (
    SELECT at, venue, taker, readings, filled, slippage_bps_avg, slippage_bps_max,
           filled = readings AND slippage_bps_avg
               <= min(slippage_bps_avg) FILTER (WHERE filled = readings) OVER (PARTITION BY at, taker)
               AS cheapest
      FROM tidegauge.v_slippage_minutes
     WHERE symbol = :'symbol'
       AND at > :'from'::timestamptz - interval '1 minute' AND at < :'to'::timestamptz
       AND notional = :'size'::numeric
), costs AS (
    SELECT venue,
           sum(slippage_bps_avg * filled) FILTER (WHERE taker = 'sell')
               / nullif(sum(filled) FILTER (WHERE taker = 'sell'), 0) AS sell_bps,
           max(slippage_bps_max) FILTER (WHERE taker = 'sell') AS sell_bps_max,
           sum(slippage_bps_avg * filled) FILTER (WHERE taker = 'buy')
               / nullif(sum(filled) FILTER (WHERE taker = 'buy'), 0) AS buy_bps,
           100.0 * sum(readings - filled) FILTER (WHERE taker = 'sell')
               / nullif(sum(readings) FILTER (WHERE taker = 'sell'), 0) AS unfilled,
           100.0 * count(*) FILTER (WHERE taker = 'sell' AND cheapest)
               / (SELECT count(DISTINCT at) FROM trades) AS cheapest
      FROM trades
     GROUP BY venue
), spreads AS (
    SELECT venue, count(*) AS minutes, sum(readings) AS readings,
           sum(spread_bps_avg * readings)
               / sum(readings) FILTER (WHERE spread_bps_avg IS NOT NULL) AS spread_bps
      FROM tidegauge.v_minutes
     WHERE symbol = :'symbol'
       AND at > :'from'::timestamptz - interval '1 minute' AND at < :'to'::timestamptz
     GROUP BY venue
), depths AS (
    SELECT venue, sum((bid_quote_avg + ask_quote_avg) * readings) / sum(readings) AS depth,
           min(total_quote_low) AS depth_low
      FROM tidegauge.v_depth_minutes
     WHERE symbol = :'symbol'
       AND at > :'from'::timestamptz - interval '1 minute' AND at < :'to'::timestamptz
       AND band_bps = :'band'::integer
     GROUP BY venue
)
SELECT rank() OVER (ORDER BY unfilled > 0, sell_bps NULLS LAST) AS place, venue,
       round(sell_bps::numeric, 3) AS sell_bps,
       round(sell_bps_max::numeric, 3) AS sell_bps_max,
       round(buy_bps::numeric, 3) AS buy_bps,
       round(unfilled, 2) AS unfilled,
       round(cheapest, 1) AS cheapest,
       round(spread_bps::numeric, 3) AS spread_bps,
       round(depth::numeric) AS depth,
       round(depth_low) AS depth_low,
       minutes, readings::bigint AS readings
  FROM spreads
  LEFT JOIN costs USING (venue)
  LEFT JOIN depths USING (venue)
 ORDER BY place, venue;
