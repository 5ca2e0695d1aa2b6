-- What rested within the band, and how unusual the sum of both sides was:
-- z = (median before - ln depth) / noise, noise = the largest of 0.05, half the distance of the
-- 15.9 % and 84.1 % quantiles, and the distance of the 15.9 % one from the median.
-- Depth beyond the known range of a book is a floor, and has no z.
WITH before AS MATERIALIZED (
    SELECT venue, percentile_cont(ARRAY[0.159, 0.5, 0.841]) WITHIN GROUP (
               ORDER BY ln(greatest(total_quote::float8, 1e-12))) AS at
      FROM tidegauge.v_depth
     WHERE symbol = :'symbol'::text AND at >= :'usual_since'::timestamptz AND at < :'usual_until'::timestamptz
       AND band_bps = :'band'::integer AND bid_complete AND ask_complete
       AND (:'venues'::text[] IS NULL OR venue = ANY (:'venues'::text[]))
     GROUP BY venue HAVING count(total_quote) >= :'least'::bigint
), usual AS MATERIALIZED (
    SELECT venue, at[2] AS median, greatest(0.05, (at[3] - at[1]) / 2, at[2] - at[1]) AS noise
      FROM before
)
SELECT d.at, d.venue, d.bid_quote, d.ask_quote, d.total_quote,
       d.bid_complete AND d.ask_complete AS complete,
       CASE WHEN d.bid_complete AND d.ask_complete
            THEN (u.median - ln(greatest(d.total_quote::float8, 1e-12))) / u.noise END AS depth_z
  FROM tidegauge.v_depth AS d
  LEFT JOIN usual AS u ON u.venue = d.venue
 WHERE d.symbol = :'symbol'::text AND d.at >= :'since'::timestamptz AND d.at < :'until'::timestamptz
   AND (:'venues'::text[] IS NULL OR d.venue = ANY (:'venues'::text[]))
   AND d.band_bps = :'band'::integer
 ORDER BY d.venue, d.at, d.reading
