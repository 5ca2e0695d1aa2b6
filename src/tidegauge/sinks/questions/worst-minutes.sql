-- Which minutes were the worst to sell in?
--
-- From the rollups, so that it answers for spans whose readings are gone. A minute that overlaps the
-- window counts whole; first come those in which the book did not always hold size, then the dearest.
--
-- Columns
--   at            the minute, UTC
--   venue         the venue
--   sell_bps_max  the worst slippage of selling size, of those readings that could fill it
--   sell_bps      the average
--   unfilled      share of readings in which the book did not hold size, in percent
--   spread_bps    average spread
--   depth_low     least that rested within band of the mid, both sides, in quote
--   range_bps     highest mid over lowest, in basis points
--   readings      how many there are
-- Parameters
--   symbol    such as BTCUSDT
--   from, to  the window
--   venue     only this one; all of them when empty
--   size      quote to sell, as set in readings.notionals
--   band      basis points about the mid, as set in readings.bands_bps
--   most      how many minutes are told
--
-- psql -v symbol=BTCUSDT -v from='2026-11-28 00:00Z' -v to='2026-11-29 00:00Z' -f worst-minutes.sql
\if :{?venue} \else \set venue '' \endif
\if :{?size} \else \set size 500000 \endif
\if :{?band} \else \set band 10 \endif
\if :{?most} \else \set most 10 \endif

WITH worst AS (
    SELECT at, venue, slippage_bps_avg, slippage_bps_max,
           round(100.0 * (readings - filled) / readings, 1) AS unfilled
      FROM tidegauge.v_slippage_minutes
     WHERE symbol = :'symbol'
       AND at > :'from'::timestamptz - interval '1 minute' AND at < :'to'::timestamptz
       AND :'venue' IN ('', venue)
       AND taker = 'sell' AND notional = :'size'::numeric
     ORDER BY unfilled DESC, slippage_bps_max DESC NULLS FIRST, at, venue
     LIMIT :'most'::bigint
)
SELECT at, venue,
       round(slippage_bps_max::numeric, 3) AS sell_bps_max,
       round(slippage_bps_avg::numeric, 3) AS sell_bps,
       unfilled,
       round(spread_bps_avg::numeric, 3) AS spread_bps,
       round(total_quote_low) AS depth_low,
       round(1e4 * (mid_high / nullif(mid_low, 0) - 1), 2) AS range_bps,
       readings
  FROM worst
  JOIN (SELECT at, venue, spread_bps_avg, mid_low, mid_high, readings
          FROM tidegauge.v_minutes
         WHERE symbol = :'symbol') AS quotes USING (at, venue)
  LEFT JOIN (SELECT at, venue, total_quote_low
               FROM tidegauge.v_depth_minutes
              WHERE symbol = :'symbol' AND band_bps = :'band'::integer) AS depths USING (at, venue)
 ORDER BY unfilled DESC, slippage_bps_max DESC NULLS FIRST, at, venue;
