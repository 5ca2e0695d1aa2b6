-- When a book was not trusted, and why. What a run said last holds until another run speaks.
WITH told AS (
    SELECT venue, trust, reason, detail, since,
           coalesce(until, lead(since) OVER (PARTITION BY venue ORDER BY since), 'infinity') AS until
      FROM tidegauge.v_feed_trust
     WHERE symbol = :'symbol'::text AND since < :'until'::timestamptz
)
SELECT venue, trust, reason, detail, greatest(since, :'since'::timestamptz) AS since,
       least(until, :'until'::timestamptz) AS until
  FROM told
 WHERE trust <> 'live' AND until > :'since'::timestamptz
   AND (:'venues'::text[] IS NULL OR venue = ANY (:'venues'::text[]))
 ORDER BY since, venue
