-- Mid and spread by the minute, told at its middle, and how unusual the spread was:
-- z = (ln average spread - its median before) / noise, noise = the largest of 0.05, half the distance
-- of the 15.9 % and 84.1 % quantiles, and the distance of the 84.1 % one from the median.
WITH before AS MATERIALIZED (
    SELECT venue, percentile_cont(ARRAY[0.159, 0.5, 0.841]) WITHIN GROUP (
               ORDER BY ln(spread_bps_avg)) AS at
      FROM tidegauge.v_minutes
     WHERE symbol = :'symbol'::text AND at >= :'usual_since'::timestamptz
       AND at < :'usual_until'::timestamptz AND spread_bps_avg > 0
       AND (:'venues'::text[] IS NULL OR venue = ANY (:'venues'::text[]))
     GROUP BY venue HAVING count(*) >= :'least'::bigint
), usual AS MATERIALIZED (
    SELECT venue, at[2] AS median, greatest(0.05, (at[3] - at[1]) / 2, at[3] - at[2]) AS noise
      FROM before
)
SELECT m.at + interval '30 seconds' AS at, m.venue,
       m.mid_last AS mid, m.mid_low AS mid_least, m.mid_high AS mid_most,
       m.spread_bps_avg AS spread_bps, m.spread_bps_min AS spread_bps_least,
       m.spread_bps_max AS spread_bps_most,
       CASE WHEN m.spread_bps_avg > 0 THEN (ln(m.spread_bps_avg) - u.median) / u.noise END AS spread_z,
       CASE WHEN m.spread_bps_min > 0 THEN (ln(m.spread_bps_min) - u.median) / u.noise END
           AS spread_z_least,
       CASE WHEN m.spread_bps_max > 0 THEN (ln(m.spread_bps_max) - u.median) / u.noise END
           AS spread_z_most
  FROM tidegauge.v_minutes AS m
  LEFT JOIN usual AS u ON u.venue = m.venue
 WHERE m.symbol = :'symbol'::text AND m.at >= :'since'::timestamptz AND m.at < :'until'::timestamptz
   AND (:'venues'::text[] IS NULL OR m.venue = ANY (:'venues'::text[]))
 ORDER BY m.venue, m.at
