-- What did takers buy and sell, and who was liquidated?
--
-- A span that a venue told of belongs to the step in which it ended.
--
-- Columns
--   at                the beginning of the step
--   venue             the venue
--   trades            how many
--   bought            quote paid by takers that bought
--   sold              quote had by takers that sold
--   net               bought less sold
--   long_liquidated   notional of longs closed by force; empty where the venue does not tell
--   short_liquidated  notional of shorts closed by force
--   last_price        of the last trade
--   premium_bps       the mark over the index, in basis points
--   funding_8h        the funding rate of eight hours, in percent
--   open_interest     in quote, at the mark
-- Parameters
--   symbol    such as BTCUSDT
--   from, to  the window
--   venue     only this one; all of them when empty
--   step      how long a step is
--
-- psql -v symbol=BTCUSDT -v from='2026-11-28 14:00Z' -v to='2026-11-28 14:10Z' -f who-traded.sql
\if :{?venue} \else \set venue '' \endif
\if :{?step} \else \set step '10 seconds' \endif

WITH told AS (
    SELECT date_bin(:'step'::interval, at, :'from'::timestamptz) AS step, *
      FROM tidegauge.v_market
     WHERE symbol = :'symbol' AND at >= :'from'::timestamptz AND at < :'to'::timestamptz
       AND :'venue' IN ('', venue)
)
SELECT step AS at, venue, sum(trades)::bigint AS trades,
       round(sum(buy_quote)) AS bought,
       round(sum(sell_quote)) AS sold,
       round(sum(buy_quote - sell_quote)) AS net,
       round(sum(liquidated_long_quote)) AS long_liquidated,
       round(sum(liquidated_short_quote)) AS short_liquidated,
       (array_agg(last_price ORDER BY recv_ns DESC, number DESC))[1] AS last_price,
       round((array_agg(premium_bps ORDER BY recv_ns DESC, number DESC))[1]::numeric, 3)
           AS premium_bps,
       round(100 * (array_agg(funding_8h ORDER BY recv_ns DESC, number DESC))[1]::numeric, 5)
           AS funding_8h,
       round((array_agg(open_interest_quote ORDER BY recv_ns DESC, number DESC))[1])
           AS open_interest
  FROM told
 GROUP BY step, venue
 ORDER BY step, venue;
