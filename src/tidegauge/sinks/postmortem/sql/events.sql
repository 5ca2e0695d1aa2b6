-- What happened to the feeds: the newest of the trail are left out where there are too many.
SELECT at, venue, kind, trust, reason, detail, count(*) OVER () AS in_all
  FROM tidegauge.v_feed_events
 WHERE at >= :'since'::timestamptz AND at < :'until'::timestamptz
   AND (symbol = :'symbol'::text OR symbol IS NULL) AND venue = ANY (:'venues'::text[])
   AND kind = ANY (:'kinds'::text[])
 ORDER BY at, venue, id
 LIMIT :'most'::bigint
