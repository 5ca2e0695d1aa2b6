-- What did selling cost in that window, against the calmest hour?
--
-- The calmest hour of a venue is the one before the window, at most back of it, in which selling size
-- cost least on average. Where nothing older is kept it is an hour that the window lies in; where no
-- hour is rolled up yet there is none.
--
-- Columns
--   venue          the venue
--   readings       how many there are in the window
--   unfilled       those in which the book did not hold size; no cost is known of them
--   sell_bps       average slippage of selling size, in basis points of the mid
--   sell_bps_max   the worst
--   worst_at       when that was
--   cost           sell_bps of size, in quote
--   cost_max       sell_bps_max of size, in quote
--   calm_hour      the hour compared with
--   calm_bps       average slippage in it
--   calm_cost      calm_bps of size, in quote
--   times          how many times the calm cost the average was
--   extra          what the window cost beyond the calm hour, in quote
-- Parameters
--   symbol    such as BTCUSDT
--   from, to  the window
--   venue     only this one; all of them when empty
--   size      quote to sell, as set in readings.notionals
--   back      how far back a calm hour is looked for
--
-- psql -v symbol=BTCUSDT -v from='2026-11-28 14:00Z' -v to='2026-11-28 14:10Z' -f cost-to-sell.sql
\if :{?venue} \else \set venue '' \endif
\if :{?size} \else \set size 500000 \endif
\if :{?back} \else \set back '24 hours' \endif

WITH sales AS (
    SELECT venue, count(*) AS readings, count(*) FILTER (WHERE NOT filled) AS unfilled,
           avg(slippage_bps)::numeric AS bps, max(slippage_bps)::numeric AS bps_max,
           (array_agg(at ORDER BY slippage_bps DESC NULLS LAST, at) FILTER (WHERE filled))[1]
               AS worst_at
      FROM tidegauge.v_slippage
     WHERE symbol = :'symbol' AND at >= :'from'::timestamptz AND at < :'to'::timestamptz
       AND :'venue' IN ('', venue)
       AND taker = 'sell' AND notional = :'size'::numeric
     GROUP BY venue
), calm AS (
    SELECT DISTINCT ON (venue)
           venue, at AS calm_hour, slippage_bps_avg::numeric AS calm_bps
      FROM tidegauge.v_slippage_hours
     WHERE symbol = :'symbol'
       AND at >= date_trunc('hour', :'from'::timestamptz - :'back'::interval, 'UTC')
       AND at < :'to'::timestamptz
       AND :'venue' IN ('', venue)
       AND taker = 'sell' AND notional = :'size'::numeric AND filled > 0
     ORDER BY venue, at + interval '1 hour' <= :'from'::timestamptz DESC, slippage_bps_avg, at
)
SELECT venue, readings, unfilled,
       round(bps, 3) AS sell_bps,
       round(bps_max, 3) AS sell_bps_max,
       worst_at,
       round(bps * :'size'::numeric / 1e4, 2) AS cost,
       round(bps_max * :'size'::numeric / 1e4, 2) AS cost_max,
       calm_hour,
       round(calm_bps, 3) AS calm_bps,
       round(calm_bps * :'size'::numeric / 1e4, 2) AS calm_cost,
       round(bps / nullif(calm_bps, 0), 2) AS times,
       round((bps - calm_bps) * :'size'::numeric / 1e4, 2) AS extra
  FROM sales
  LEFT JOIN calm USING (venue)
 ORDER BY bps NULLS FIRST, venue;
