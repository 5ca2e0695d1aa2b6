-- How good are the alerts: how many fired, cleared, and flapped?
--
-- Alerts that began in the window. One that fires within flap of the end of the one before it, of the
-- same signal on the same venue, has flapped: the two were one.
--
-- Columns
--   signal       what was judged
--   venue        the venue
--   began        alerts that began
--   fired        those that held, and fired
--   cleared      fired, and over
--   firing       fired, and not over yet
--   flapped      fired again too soon
--   flap_share   flapped of fired, in percent
--   to_alert     median time from the breach to the alert
--   lasted       median time from the alert to its end
--   longest      the longest
--   critical     those that became critical
--   last_fired   when the last one fired
-- Parameters
--   symbol    such as BTCUSDT
--   from, to  the window
--   venue     only this one; all of them when empty
--   flap      how soon is too soon
--
-- psql -v symbol=BTCUSDT -v from='2026-11-21 00:00Z' -v to='2026-11-28 00:00Z' -f alert-quality.sql
\if :{?venue} \else \set venue '' \endif
\if :{?flap} \else \set flap '10 minutes' \endif

WITH alerts AS (
    SELECT signal, venue, worst_severity, started_at, fired_at, ended_at,
           fired_at - max(ended_at) FILTER (WHERE fired_at IS NOT NULL) OVER (
               PARTITION BY signal, venue ORDER BY started_at, id
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS rest
      FROM tidegauge.v_alerts
     WHERE symbol = :'symbol' AND started_at < :'to'::timestamptz
       AND :'venue' IN ('', venue)
)
SELECT signal, venue, count(*) AS began,
       count(fired_at) AS fired,
       count(ended_at) FILTER (WHERE fired_at IS NOT NULL) AS cleared,
       count(*) FILTER (WHERE fired_at IS NOT NULL AND ended_at IS NULL) AS firing,
       count(*) FILTER (WHERE rest <= :'flap'::interval) AS flapped,
       round(100.0 * count(*) FILTER (WHERE rest <= :'flap'::interval) / nullif(count(fired_at), 0), 1)
           AS flap_share,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY fired_at - started_at) AS to_alert,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY ended_at - fired_at) AS lasted,
       max(ended_at - fired_at) AS longest,
       count(*) FILTER (WHERE worst_severity = 'critical' AND fired_at IS NOT NULL) AS critical,
       max(fired_at) AS last_fired
  FROM alerts
 WHERE started_at >= :'from'::timestamptz
 GROUP BY signal, venue
 ORDER BY fired DESC, signal, venue;
