-- Which venue moved first?
--
-- Each venue is compared with itself: with its median in the beginning, from the first reading in the
-- window on. Times are those of our receipt, and no finer than readings are stored
-- (readings.write_every_s); alerts are judged frame by frame, and response-times tells when each began.
--
-- Columns
--   measure    price (the mid), spread, or depth (both sides, within band)
--   place      1 moved first; empty: it did not move
--   venue      the venue
--   moved_at   the first reading beyond the limit
--   behind     how long after the first venue
--   before     the median in the beginning: quote, basis points, quote
--   became     what that reading showed
--   changed    the change, in percent
-- Parameters
--   symbol    such as BTCUSDT
--   from, to  the window; it must begin before anything happened
--   venue     only this one; all of them when empty
--   calm      how long the beginning is
--   move      basis points from the median, either way, that a price must move
--   wider     times the median that a spread must reach
--   thinner   share of the median that depth must fall to
--   band      basis points about the mid, as set in readings.bands_bps
--
-- psql -v symbol=BTCUSDT -v from='2026-11-28 14:00Z' -v to='2026-11-28 14:10Z' -f first-mover.sql
\if :{?venue} \else \set venue '' \endif
\if :{?calm} \else \set calm '10 seconds' \endif
\if :{?move} \else \set move 5 \endif
\if :{?wider} \else \set wider 3 \endif
\if :{?thinner} \else \set thinner 0.5 \endif
\if :{?band} \else \set band 10 \endif

WITH seen AS (
    SELECT measure, venue, at, value
      FROM tidegauge.v_readings
     CROSS JOIN LATERAL (VALUES ('price', mid::float8), ('spread', spread_bps)) AS m (measure, value)
     WHERE symbol = :'symbol' AND at >= :'from'::timestamptz AND at < :'to'::timestamptz
       AND :'venue' IN ('', venue)
    UNION ALL
    SELECT 'depth', venue, at, total_quote::float8
      FROM tidegauge.v_depth
     WHERE symbol = :'symbol' AND at >= :'from'::timestamptz AND at < :'to'::timestamptz
       AND :'venue' IN ('', venue)
       AND band_bps = :'band'::integer
), calm AS (
    SELECT min(at) + :'calm'::interval AS over
      FROM seen
), normal AS (
    SELECT measure, venue, percentile_cont(0.5) WITHIN GROUP (ORDER BY value) AS before
      FROM seen
      JOIN calm ON at < over
     GROUP BY measure, venue
), moved AS (
    SELECT DISTINCT ON (measure, venue)
           measure, venue, at AS moved_at, value AS became
      FROM seen
      JOIN normal USING (measure, venue)
      JOIN calm ON at >= over
     WHERE CASE measure
                WHEN 'price' THEN abs(value - before) >= before * :'move'::float8 / 1e4
                WHEN 'spread' THEN value >= before * :'wider'::float8
                WHEN 'depth' THEN value <= before * :'thinner'::float8
           END
     ORDER BY measure, venue, at
)
SELECT measure,
       CASE WHEN moved_at IS NOT NULL
            THEN rank() OVER (PARTITION BY measure ORDER BY moved_at) END AS place,
       venue, moved_at,
       moved_at - min(moved_at) OVER (PARTITION BY measure) AS behind,
       round(before::numeric, 4) AS before,
       round(became::numeric, 4) AS became,
       round((100 * (became / nullif(before, 0) - 1))::numeric, 3) AS changed
  FROM normal
  LEFT JOIN moved USING (measure, venue)
 ORDER BY array_position(ARRAY['price', 'spread', 'depth'], measure), moved_at, venue;
