-- Was the data trustworthy then?
--
-- A venue's book is believed while it is live. What nobody vouches for is not: a gap, a resync, a
-- stale book, and the time in which no monitor ran. trust-breaks tells them one by one.
--
-- Columns
--   venue            the venue
--   verdict          yes: live throughout, with no hole between readings; no: live for less than half
--   live             share of the window in which the book was live, in percent
--   not_live         how long it was not
--   breaks           how often
--   longest_break    the longest of them
--   broke_at         when that began
--   gaps             updates that were found missing
--   resyncs          times the book was built anew
--   disconnects      connections lost
--   malformed        frames that could not be read
--   readings         how many there are
--   longest_hole     the longest time without one, from the window's beginning to its end
--   feed_age_ms_max  the oldest proof of life that a reading was made on
--   latency_ms_max   the longest way from the venue, beyond the shortest seen
-- Parameters
--   symbol    such as BTCUSDT
--   from, to  the window
--   venue     only this one; all of them when empty
--   hole      time between two readings that is one too long
--
-- psql -v symbol=BTCUSDT -v from='2026-11-28 14:00Z' -v to='2026-11-28 14:10Z' -f data-trust.sql
\if :{?venue} \else \set venue '' \endif
\if :{?hole} \else \set hole '5 seconds' \endif

WITH asked AS (
    SELECT tstzrange(:'from'::timestamptz,
                     greatest(:'from'::timestamptz, least(:'to'::timestamptz, now()))) AS span
), heard AS (
    -- A run that was killed never said that its books were live no more: it had a last reading.
    SELECT run, venue, max(at) + :'hole'::interval AS last_word
      FROM tidegauge.v_readings
     WHERE symbol = :'symbol' AND at >= :'from'::timestamptz AND at < :'to'::timestamptz
       AND :'venue' IN ('', venue)
     GROUP BY run, venue
), trusted AS (
    SELECT venue,
           range_agg(span * tstzrange(since, greatest(since, coalesce(until, last_word, lower(span)))))
               FILTER (WHERE trust = 'live') AS live
      FROM asked
      JOIN tidegauge.v_feed_trust ON since < upper(span) AND coalesce(until, 'infinity') > lower(span)
      LEFT JOIN heard USING (run, venue)
     WHERE symbol = :'symbol' AND :'venue' IN ('', venue)
     GROUP BY venue
), breaks AS (
    SELECT venue, count(each) AS breaks,
           sum(upper(each) - lower(each)) AS not_live,
           max(upper(each) - lower(each)) AS longest_break,
           (array_agg(lower(each) ORDER BY upper(each) - lower(each) DESC, each))[1] AS broke_at
      FROM trusted
     CROSS JOIN asked
      LEFT JOIN LATERAL unnest(tstzmultirange(span) - coalesce(live, '{}')) AS each ON true
     GROUP BY venue
), events AS (
    SELECT venue,
           count(*) FILTER (WHERE kind = 'gap') AS gaps,
           count(*) FILTER (WHERE kind = 'resync') AS resyncs,
           count(*) FILTER (WHERE kind = 'disconnected') AS disconnects,
           count(*) FILTER (WHERE kind = 'malformed') AS malformed
      FROM tidegauge.v_feed_events
     WHERE (symbol = :'symbol' OR symbol IS NULL)
       AND at >= :'from'::timestamptz AND at < :'to'::timestamptz
       AND :'venue' IN ('', venue)
     GROUP BY venue
), steps AS (
    SELECT venue, at, feed_age_ms, latency_ms,
           at - lag(at, 1, lower(span)) OVER (PARTITION BY venue ORDER BY at) AS hole,
           upper(span) - at AS left_over
      FROM tidegauge.v_readings
     CROSS JOIN asked
     WHERE symbol = :'symbol' AND at >= :'from'::timestamptz AND at < :'to'::timestamptz
       AND :'venue' IN ('', venue)
), taken AS (
    SELECT venue, count(*) AS readings, greatest(max(hole), min(left_over)) AS longest_hole,
           max(feed_age_ms) AS feed_age_ms_max, max(latency_ms) AS latency_ms_max
      FROM steps
     GROUP BY venue
)
SELECT venue,
       CASE WHEN breaks = 0 AND longest_hole <= :'hole'::interval THEN 'yes'
            WHEN readings IS NULL OR not_live * 2 > upper(span) - lower(span) THEN 'no'
            ELSE 'in part' END AS verdict,
       round(100 - 100 * extract(epoch FROM coalesce(not_live, '0'))
                       / extract(epoch FROM upper(span) - lower(span)), 2) AS live,
       coalesce(not_live, '0') AS not_live, breaks, longest_break, broke_at,
       coalesce(gaps, 0) AS gaps, coalesce(resyncs, 0) AS resyncs,
       coalesce(disconnects, 0) AS disconnects, coalesce(malformed, 0) AS malformed,
       coalesce(readings, 0) AS readings, longest_hole,
       round(feed_age_ms_max::numeric, 1) AS feed_age_ms_max,
       round(latency_ms_max::numeric, 1) AS latency_ms_max
  FROM breaks
 CROSS JOIN asked
  LEFT JOIN events USING (venue)
  LEFT JOIN taken USING (venue)
 ORDER BY not_live DESC NULLS LAST, venue;
