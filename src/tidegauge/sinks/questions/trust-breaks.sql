-- When was a book not to be believed, and why?
--
-- Columns
--   since, until  when it was so; until is empty while it still is
--   lasted        how long
--   venue         the venue
--   instrument    its own name of the book
--   trust         syncing, stale or untrusted
--   reason        why
--   detail        the venue's words, or ours
--   trace         the frame it began with: venue/epoch/frame
-- Parameters
--   symbol    such as BTCUSDT
--   from, to  the window
--   venue     only this one; all of them when empty
--
-- psql -v symbol=BTCUSDT -v from='2026-11-28 14:00Z' -v to='2026-11-28 14:10Z' -f trust-breaks.sql
\if :{?venue} \else \set venue '' \endif

SELECT since, until, lasted, venue, instrument, trust, reason, detail, trace
  FROM tidegauge.v_feed_trust
 WHERE symbol = :'symbol' AND trust <> 'live'
   AND since < :'to'::timestamptz AND coalesce(until, 'infinity') > :'from'::timestamptz
   AND :'venue' IN ('', venue)
 ORDER BY since, venue, trace;
