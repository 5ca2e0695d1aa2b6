-- Which minutes were the worst to sell in?
--
-- Columns
--   at  the minute
-- Parameters
--   symbol    such as BTCUSDT
--   from, to  the window
--   venue     only this one; all of them when empty
--   size      quote to sell
--   most      how many minutes
--
-- psql -v symbol=BTCUSDT -v from='2026-11-28 10:00Z' -v to='2026-11-28 11:00Z' -f worst-minutes.sql
\if :{?venue} \else \set venue '' \endif
\if :{?size} \else \set size 500000 \endif
\if :{?most} \else \set most 10 \endif
SELECT date_trunc('minute', at) AS at, venue, max(slippage_bps) AS slippage_bps_max
  FROM tidegauge.v_slippage
 WHERE symbol = :'symbol' AND at >= :'from'::timestamptz AND at < :'to'::timestamptz
   AND (:'venue' = '' OR venue = :'venue')
   AND taker = 'sell' AND notional = :'size'::numeric
 GROUP BY 1, 2
 ORDER BY slippage_bps_max DESC NULLS LAST, at, venue
 LIMIT :'most'::bigint;
