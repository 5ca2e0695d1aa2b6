-- How risky was each day?
--
-- From the hourly rollups: an hour that overlaps the window counts whole, to its UTC day.
--
-- Columns
--   day           the day, UTC
--   venue         the venue
--   hours         hours of it with readings
--   low, high     of the mid
--   range         highest mid over lowest, in percent
--   spread_bps    average spread
--   depth         average of what rests within band of the mid, both sides, in quote
--   depth_low     the least
--   sell_bps      average slippage of selling size, of those readings that could fill it
--   sell_bps_max  the worst
--   unfilled      share of readings in which the book did not hold size, in percent
--   alerts        alerts that fired
--   worst         the worst severity of them
--   alerting      how long at least one of them was firing
--   trust_lost    times the book was live, and then was not; stops by a person aside
-- Parameters
--   symbol    such as BTCUSDT
--   from, to  the window
--   venue     only this one; all of them when empty
--   size      quote to sell, as set in readings.notionals
--   band      basis points about the mid, as set in readings.bands_bps
--
-- psql -v symbol=BTCUSDT -v from='2026-11-21 00:00Z' -v to='2026-11-28 00:00Z' -f daily-risk.sql
\if :{?venue} \else \set venue '' \endif
\if :{?size} \else \set size 500000 \endif
\if :{?band} \else \set band 10 \endif

WITH hours AS (
    SELECT date_trunc('day', h.at, 'UTC') AS day, h.venue, h.readings,
           h.mid_low, h.mid_high, h.spread_bps_avg,
           d.bid_quote_avg + d.ask_quote_avg AS depth, d.total_quote_low,
           s.slippage_bps_avg, s.slippage_bps_max, s.readings AS asked, s.filled
      FROM tidegauge.v_hours AS h
      LEFT JOIN tidegauge.v_depth_hours AS d
        ON d.symbol = h.symbol AND d.venue = h.venue AND d.at = h.at AND d.band_bps = :'band'::integer
      LEFT JOIN tidegauge.v_slippage_hours AS s
        ON s.symbol = h.symbol AND s.venue = h.venue AND s.at = h.at
       AND s.taker = 'sell' AND s.notional = :'size'::numeric
     WHERE h.symbol = :'symbol'
       AND h.at > :'from'::timestamptz - interval '1 hour' AND h.at < :'to'::timestamptz
       AND :'venue' IN ('', h.venue)
), days AS (
    SELECT day, venue, count(*) AS hours, min(mid_low) AS low, max(mid_high) AS high,
           sum(spread_bps_avg * readings)
               / sum(readings) FILTER (WHERE spread_bps_avg IS NOT NULL) AS spread_bps,
           sum(depth * readings) / sum(readings) FILTER (WHERE depth IS NOT NULL) AS depth,
           min(total_quote_low) AS depth_low,
           sum(slippage_bps_avg * filled) / nullif(sum(filled), 0) AS sell_bps,
           max(slippage_bps_max) AS sell_bps_max,
           100.0 * sum(asked - filled) / nullif(sum(asked), 0) AS unfilled
      FROM hours
     GROUP BY day, venue
), alerts AS (
    SELECT date_trunc('day', fired_at, 'UTC') AS day, venue, count(*) AS alerts,
           (array_agg(worst_severity ORDER BY
               array_position(ARRAY['critical', 'high', 'warning', 'info'], worst_severity)))[1] AS worst
      FROM tidegauge.v_alerts
     WHERE symbol = :'symbol'
       AND fired_at >= :'from'::timestamptz AND fired_at < :'to'::timestamptz
     GROUP BY 1, 2
), firing AS (
    SELECT day, venue, sum(upper(each) - lower(each)) AS alerting
      FROM (SELECT day, days.venue,
                   range_agg(tstzrange(day, day + interval '24 hours')
                             * tstzrange(:'from'::timestamptz, :'to'::timestamptz)
                             * tstzrange(fired_at, ended_at)) AS spans
              FROM days
              JOIN tidegauge.v_alerts AS a
                ON a.venue = days.venue AND a.symbol = :'symbol'
               AND fired_at < :'to'::timestamptz
               AND coalesce(ended_at, 'infinity') > :'from'::timestamptz
             GROUP BY day, days.venue) AS fired
     CROSS JOIN LATERAL unnest(spans) AS each
     GROUP BY day, venue
), losses AS (
    SELECT date_trunc('day', since, 'UTC') AS day, venue, count(*) AS trust_lost
      FROM (SELECT since, venue, trust, reason,
                   lag(trust) OVER (PARTITION BY run, venue, instrument ORDER BY since) AS before
              FROM tidegauge.v_feed_trust
             WHERE symbol = :'symbol') AS spells
     WHERE since >= :'from'::timestamptz AND since < :'to'::timestamptz
       AND before = 'live' AND trust <> 'live' AND reason <> 'stopped'
     GROUP BY 1, 2
)
SELECT to_char(day AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, venue, hours, low, high,
       round(100 * (high / nullif(low, 0) - 1), 2) AS range,
       round(spread_bps::numeric, 3) AS spread_bps,
       round(depth::numeric) AS depth,
       round(depth_low) AS depth_low,
       round(sell_bps::numeric, 3) AS sell_bps,
       round(sell_bps_max::numeric, 3) AS sell_bps_max,
       round(unfilled, 2) AS unfilled,
       coalesce(alerts, 0) AS alerts, worst, coalesce(alerting, '0') AS alerting,
       coalesce(trust_lost, 0) AS trust_lost
  FROM days
  LEFT JOIN alerts USING (day, venue)
  LEFT JOIN firing USING (day, venue)
  LEFT JOIN losses USING (day, venue)
 ORDER BY days.day, venue;
