-- At which hours of the day is it dear to trade?
--
-- From the hourly rollups; an hour that overlaps the window counts whole. A week is a good window.
--
-- Columns
--   venue         the venue
--   hour          the hour of the day, UTC
--   days          days with readings in that hour
--   spread_bps    average spread
--   depth         average of what rests within band of the mid, both sides, in quote
--   sell_bps      average slippage of selling size, of those readings that could fill it
--   sell_bps_max  the worst
--   of_average    sell_bps, in percent of the venue's average over all hours
-- Parameters
--   symbol    such as BTCUSDT
--   from, to  the window
--   venue     only this one; all of them when empty
--   size      quote to sell, as set in readings.notionals
--   band      basis points about the mid, as set in readings.bands_bps
--
-- psql -v symbol=BTCUSDT -v from='2026-11-21 00:00Z' -v to='2026-11-28 00:00Z' -f hourly-profile.sql
\if :{?venue} \else \set venue '' \endif
\if :{?size} \else \set size 500000 \endif
\if :{?band} \else \set band 10 \endif

WITH hours AS (
    SELECT h.venue, extract(hour FROM h.at AT TIME ZONE 'UTC')::integer AS hour, h.readings,
           h.spread_bps_avg, d.bid_quote_avg + d.ask_quote_avg AS depth,
           s.slippage_bps_avg, s.slippage_bps_max, s.filled
      FROM tidegauge.v_hours AS h
      LEFT JOIN tidegauge.v_depth_hours AS d
        ON d.symbol = h.symbol AND d.venue = h.venue AND d.at = h.at AND d.band_bps = :'band'::integer
      LEFT JOIN tidegauge.v_slippage_hours AS s
        ON s.symbol = h.symbol AND s.venue = h.venue AND s.at = h.at
       AND s.taker = 'sell' AND s.notional = :'size'::numeric
     WHERE h.symbol = :'symbol'
       AND h.at > :'from'::timestamptz - interval '1 hour' AND h.at < :'to'::timestamptz
       AND :'venue' IN ('', h.venue)
), profile AS (
    SELECT venue, hour, count(*) AS days,
           sum(spread_bps_avg * readings)
               / sum(readings) FILTER (WHERE spread_bps_avg IS NOT NULL) AS spread_bps,
           sum(depth * readings) / sum(readings) FILTER (WHERE depth IS NOT NULL) AS depth,
           sum(slippage_bps_avg * filled) AS bps_sum, sum(filled) AS filled,
           max(slippage_bps_max) AS sell_bps_max
      FROM hours
     GROUP BY venue, hour
)
SELECT venue, hour, days,
       round(spread_bps::numeric, 3) AS spread_bps,
       round(depth::numeric) AS depth,
       round((bps_sum / nullif(filled, 0))::numeric, 3) AS sell_bps,
       round(sell_bps_max::numeric, 3) AS sell_bps_max,
       round((100 * (bps_sum / nullif(filled, 0))
              / nullif(sum(bps_sum) OVER of_venue / nullif(sum(filled) OVER of_venue, 0), 0))::numeric)
           AS of_average
  FROM profile
WINDOW of_venue AS (PARTITION BY venue)
 ORDER BY venue, hour;
