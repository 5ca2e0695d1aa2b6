-- The bands whose depth was stored in the span.
SELECT DISTINCT band_bps
  FROM tidegauge.v_depth_minutes
 WHERE symbol = :'symbol'::text AND at >= :'since'::timestamptz AND at < :'until'::timestamptz
   AND (:'venues'::text[] IS NULL OR venue = ANY (:'venues'::text[]))
 ORDER BY band_bps
