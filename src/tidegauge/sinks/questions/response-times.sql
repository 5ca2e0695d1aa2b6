-- How long until alert, acknowledgement and recovery?
--
-- Columns
--   breached_at      when the first input was beyond its limit
--   venue, signal    what was found, where
--   severity         the worst it reached
--   to_alert         from the breach to the alert
--   to_recover       from the alert until the market was harmless again; empty: it is not yet
--   incident         the incident the alert is part of
--   to_acknowledge   from the incident's opening until somebody had it
--   acknowledged_by  who
--   to_mitigate      until it was mitigated
--   to_resolve       until it was resolved
--   alert            the alert's id
-- Parameters
--   symbol    such as BTCUSDT
--   from, to  the window in which alerts fired
--   venue     only this one; all of them when empty
--
-- psql -v symbol=BTCUSDT -v from='2026-11-28 14:00Z' -v to='2026-11-28 14:10Z' -f response-times.sql
\if :{?venue} \else \set venue '' \endif

SELECT a.started_at AS breached_at, a.venue, a.signal, a.worst_severity AS severity,
       a.fired_at - a.started_at AS to_alert,
       a.ended_at - a.fired_at AS to_recover,
       i.id AS incident, i.to_acknowledge, i.acknowledged_by, i.to_mitigate, i.to_resolve,
       a.id AS alert
  FROM tidegauge.v_alerts AS a
  LEFT JOIN tidegauge.v_incidents AS i ON i.symbol = a.symbol AND a.id = ANY (i.alerts)
 WHERE a.symbol = :'symbol'
   AND a.fired_at >= :'from'::timestamptz AND a.fired_at < :'to'::timestamptz
   AND :'venue' IN ('', a.venue)
 ORDER BY a.started_at, a.id;
