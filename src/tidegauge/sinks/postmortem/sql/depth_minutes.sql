-- What rested within the band by the minute, told at its middle, and how unusual the average of both
-- sides was: z = (median before - ln depth) / noise, noise = the largest of 0.05, half the distance of
-- the 15.9 % and 84.1 % quantiles, and the distance of the 15.9 % one from the median.
-- Whether the band lay within what was known of the book is not kept in rollups.
WITH before AS MATERIALIZED (
    SELECT venue, percentile_cont(ARRAY[0.159, 0.5, 0.841]) WITHIN GROUP (
               ORDER BY ln(greatest(bid_quote_avg + ask_quote_avg, 1e-12))) AS at
      FROM tidegauge.v_depth_minutes
     WHERE symbol = :'symbol'::text AND at >= :'usual_since'::timestamptz
       AND at < :'usual_until'::timestamptz AND band_bps = :'band'::integer
       AND (:'venues'::text[] IS NULL OR venue = ANY (:'venues'::text[]))
     GROUP BY venue HAVING count(bid_quote_avg + ask_quote_avg) >= :'least'::bigint
), usual AS MATERIALIZED (
    SELECT venue, at[2] AS median, greatest(0.05, (at[3] - at[1]) / 2, at[2] - at[1]) AS noise
      FROM before
)
SELECT d.at + interval '30 seconds' AS at, d.venue, NULL::boolean AS complete,
       d.bid_quote_avg AS bid_quote, d.bid_quote_low AS bid_quote_least,
       d.ask_quote_avg AS ask_quote, d.ask_quote_low AS ask_quote_least,
       d.bid_quote_avg + d.ask_quote_avg AS total_quote, d.total_quote_low AS total_quote_least,
       (u.median - ln(greatest(d.bid_quote_avg + d.ask_quote_avg, 1e-12))) / u.noise AS depth_z,
       (u.median - ln(greatest(d.total_quote_low::float8, 1e-12))) / u.noise AS depth_z_most
  FROM tidegauge.v_depth_minutes AS d
  LEFT JOIN usual AS u ON u.venue = d.venue
 WHERE d.symbol = :'symbol'::text AND d.at >= :'since'::timestamptz AND d.at < :'until'::timestamptz
   AND (:'venues'::text[] IS NULL OR d.venue = ANY (:'venues'::text[]))
   AND d.band_bps = :'band'::integer
 ORDER BY d.venue, d.at
