-- Mid and spread of every reading, and how unusual the spread was:
-- z = (ln spread - its median before) / noise, noise = the largest of 0.05, half the distance of the
-- 15.9 % and 84.1 % quantiles, and the distance of the 84.1 % one from the median.
WITH before AS MATERIALIZED (
    SELECT venue,
           percentile_cont(ARRAY[0.159, 0.5, 0.841]) WITHIN GROUP (ORDER BY ln(spread_bps)) AS at
      FROM tidegauge.v_readings
     WHERE symbol = :'symbol'::text AND at >= :'usual_since'::timestamptz AND at < :'usual_until'::timestamptz AND spread_bps > 0
       AND (:'venues'::text[] IS NULL OR venue = ANY (:'venues'::text[]))
     GROUP BY venue HAVING count(*) >= :'least'::bigint
), usual AS MATERIALIZED (
    SELECT venue, at[2] AS median, greatest(0.05, (at[3] - at[1]) / 2, at[3] - at[2]) AS noise
      FROM before
)
SELECT r.at, r.venue, r.mid, r.spread_bps,
       CASE WHEN r.spread_bps > 0 THEN (ln(r.spread_bps) - u.median) / u.noise END AS spread_z
  FROM tidegauge.v_readings AS r
  LEFT JOIN usual AS u ON u.venue = r.venue
 WHERE r.symbol = :'symbol'::text AND r.at >= :'since'::timestamptz AND r.at < :'until'::timestamptz
   AND (:'venues'::text[] IS NULL OR r.venue = ANY (:'venues'::text[]))
 ORDER BY r.venue, r.at, r.recv_ns
