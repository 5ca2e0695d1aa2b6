-- What happened to depth, spread and slippage around an alert?
--
-- The worst alert that fired in the window (of equals the first), or the one that is named, cuts the
-- window into phases; every venue is measured in each, so that one sees who else was hit.
--
-- Columns
--   phase             before, building (it breached, and had not held yet), firing, after
--   began, lasted     the phase, within the window
--   venue             the venue measured; the alert's own is marked in hit
--   hit               the alert, on the rows of its own venue
--   readings          how many there are
--   spread_bps        average spread, in basis points of the mid
--   spread_bps_max    the widest
--   depth             average of what rests within band of the mid, both sides, in quote
--   depth_low         the least
--   depth_left        depth, in percent of what it was before
--   sell_bps          average slippage of selling size, of those readings that could fill it
--   sell_bps_max      the worst
--   unfilled          readings in which the book did not hold size
-- Parameters
--   symbol    such as BTCUSDT
--   from, to  the window: some calm before the alert, and up to when it was over
--   venue     only this one; all of them when empty
--   alert     an alert's id (alert-log shows it); the worst when empty
--   band      basis points about the mid, as set in readings.bands_bps
--   size      quote to sell, as set in readings.notionals
--
-- psql -v symbol=BTCUSDT -v from='2026-11-28 14:00Z' -v to='2026-11-28 14:10Z' -f around-alert.sql
\if :{?venue} \else \set venue '' \endif
\if :{?alert} \else \set alert '' \endif
\if :{?band} \else \set band 10 \endif
\if :{?size} \else \set size 500000 \endif

WITH chosen AS (
    SELECT id, venue AS struck, started_at, fired_at, ended_at
      FROM tidegauge.v_alerts
     WHERE symbol = :'symbol'
       AND fired_at >= :'from'::timestamptz AND fired_at < :'to'::timestamptz
       AND :'venue' IN ('', venue)
       AND :'alert' IN ('', id)
     ORDER BY array_position(ARRAY['critical', 'high', 'warning', 'info'], worst_severity),
              fired_at, id
     LIMIT 1
), phases AS (
    SELECT place, phase, greatest(began, :'from'::timestamptz) AS began,
           least(ended, :'to'::timestamptz) AS ended
      FROM chosen
     CROSS JOIN LATERAL (
           VALUES (1, 'before', :'from'::timestamptz, started_at),
                  (2, 'building', started_at, fired_at),
                  (3, 'firing', fired_at, coalesce(ended_at, :'to'::timestamptz)),
                  (4, 'after', ended_at, :'to'::timestamptz)
           ) AS cut (place, phase, began, ended)
     WHERE began < ended AND ended > :'from'::timestamptz
), spreads AS (
    SELECT place, venue, count(*) AS readings,
           avg(spread_bps) AS spread_bps, max(spread_bps) AS spread_bps_max
      FROM tidegauge.v_readings
      JOIN phases ON at >= began AND at < ended
     WHERE symbol = :'symbol' AND at >= :'from'::timestamptz AND at < :'to'::timestamptz
       AND :'venue' IN ('', venue)
     GROUP BY place, venue
), depths AS (
    SELECT place, venue, avg(total_quote) AS depth, min(total_quote) AS depth_low
      FROM tidegauge.v_depth
      JOIN phases ON at >= began AND at < ended
     WHERE symbol = :'symbol' AND at >= :'from'::timestamptz AND at < :'to'::timestamptz
       AND :'venue' IN ('', venue)
       AND band_bps = :'band'::integer
     GROUP BY place, venue
), sales AS (
    SELECT place, venue, avg(slippage_bps) AS sell_bps, max(slippage_bps) AS sell_bps_max,
           count(*) FILTER (WHERE NOT filled) AS unfilled
      FROM tidegauge.v_slippage
      JOIN phases ON at >= began AND at < ended
     WHERE symbol = :'symbol' AND at >= :'from'::timestamptz AND at < :'to'::timestamptz
       AND :'venue' IN ('', venue)
       AND taker = 'sell' AND notional = :'size'::numeric
     GROUP BY place, venue
)
SELECT phase, began, ended - began AS lasted, venue,
       CASE WHEN venue = struck THEN id END AS hit,
       readings,
       round(spread_bps::numeric, 3) AS spread_bps,
       round(spread_bps_max::numeric, 3) AS spread_bps_max,
       round(depth) AS depth,
       round(depth_low) AS depth_low,
       round(100 * depth / nullif(first_value(depth) OVER phase_by_phase, 0), 1) AS depth_left,
       round(sell_bps::numeric, 3) AS sell_bps,
       round(sell_bps_max::numeric, 3) AS sell_bps_max,
       unfilled
  FROM spreads
  JOIN phases USING (place)
 CROSS JOIN chosen
  LEFT JOIN depths USING (place, venue)
  LEFT JOIN sales USING (place, venue)
WINDOW phase_by_phase AS (PARTITION BY venue ORDER BY place)
 ORDER BY venue <> struck, venue, place;
