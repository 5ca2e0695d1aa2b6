-- What did the alerts say, word for word?
--
-- Columns
--   at         when it was said
--   venue      the venue
--   signal     what was judged
--   state      pending, firing, resolved
--   severity   then
--   cause      the input that breached first; the next three are its own
--   value      what it was
--   threshold  its limit
--   baseline   what is normal
--   sentence   what it means and what to do
--   trace      the frame that caused it: venue/epoch/frame
--   alert      the alert's id
-- Parameters
--   symbol    such as BTCUSDT
--   from, to  the window
--   venue     only this one; all of them when empty
--
-- psql -v symbol=BTCUSDT -v from='2026-11-28 14:00Z' -v to='2026-11-28 14:10Z' -f alert-log.sql
\if :{?venue} \else \set venue '' \endif

SELECT updated_at AS at, venue, signal, state, severity, cause, value, threshold, baseline,
       sentence, trace, alert_id AS alert
  FROM tidegauge.alert_changes
 WHERE symbol = :'symbol'
   AND updated_at >= :'from'::timestamptz AND updated_at < :'to'::timestamptz
   AND :'venue' IN ('', venue)
 ORDER BY updated_ns, alert_id, state;
