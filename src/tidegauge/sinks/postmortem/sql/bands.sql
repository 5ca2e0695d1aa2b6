-- The bands whose depth was stored in the span.
SELECT DISTINCT band AS band_bps
  FROM tidegauge.series AS s
 CROSS JOIN LATERAL unnest(s.band_bps) AS band
 WHERE s.symbol = :'symbol'::text AND (:'venues'::text[] IS NULL OR s.venue = ANY (:'venues'::text[]))
   AND EXISTS (SELECT FROM tidegauge.readings AS r
                WHERE r.series = s.id AND r.at >= :'since'::timestamptz AND r.at < :'until'::timestamptz)
 ORDER BY band_bps
