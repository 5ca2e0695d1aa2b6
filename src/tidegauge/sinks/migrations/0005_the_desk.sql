-- What the operations desk leaves: incidents with their audit trail, orders of people, silences,
-- notifications. All of it is rare, and stays: no partition holds it and nothing prunes it.

-- -- alerts ---------------------------------------------------------------------------------------

ALTER TABLE tidegauge.alerts ADD COLUMN side text NOT NULL DEFAULT '';
ALTER TABLE tidegauge.alert_changes ADD COLUMN side text NOT NULL DEFAULT '';

CREATE OR REPLACE VIEW tidegauge.v_alerts AS
SELECT a.started_at, a.ended_at, a.ended_at - a.started_at AS lasted, a.state, a.severity,
       a.worst_severity, a.signal, a.venue, a.symbol, a.cause, a.causes, a.value, a.threshold,
       a.baseline, a.action, a.sentence, a.unobserved_since, a.updated_at, a.trace, a.run, a.id,
       (SELECT min(c.updated_at) FROM tidegauge.alert_changes AS c
         WHERE c.alert_id = a.id AND c.state = 'firing') AS fired_at,
       a.side
  FROM tidegauge.alerts AS a;

-- -- incidents ------------------------------------------------------------------------------------

ALTER TABLE tidegauge.incidents ADD COLUMN firing text[] NOT NULL DEFAULT '{}';
ALTER TABLE tidegauge.incidents ADD COLUMN reopened bigint NOT NULL DEFAULT 0;
CREATE INDEX incidents_not_over ON tidegauge.incidents (symbol) WHERE state <> 'resolved';

ALTER TABLE tidegauge.incident_events ADD COLUMN chain uuid;
ALTER TABLE tidegauge.incident_events ADD COLUMN sequence bigint;
CREATE INDEX incident_events_by_chain ON tidegauge.incident_events (chain, sequence);

CREATE TABLE tidegauge.incident_chains (
    id       uuid PRIMARY KEY,
    host     text NOT NULL,
    path     text NOT NULL,
    began_at timestamptz NOT NULL,
    run      text NOT NULL,
    sequence bigint NOT NULL,
    hash     text NOT NULL,
    at       timestamptz NOT NULL
);
COMMENT ON TABLE tidegauge.incident_chains IS
    'The head of each daemon''s audit trail, as it was with the newest row of incident_events; `tidegauge incidents verify` compares it with the file.';

CREATE OR REPLACE VIEW tidegauge.v_incidents AS
SELECT opened_at, resolved_at, state, severity, worst_severity, symbol, family, trigger, impact_quote, action,
       acknowledged_at, acknowledged_by, acknowledged_until, mitigated_at, mitigated_by, resolved_by,
       acknowledged_at - opened_at AS to_acknowledge, mitigated_at - opened_at AS to_mitigate,
       resolved_at - opened_at AS to_resolve,
       alerts, postmortem, updated_at, version, run, id, firing, reopened
  FROM tidegauge.incidents;

CREATE VIEW tidegauge.v_incident_timeline AS
SELECT e.at, i.symbol, i.family, e.kind, e.actor, e.comment, e.from_state, e.to_state, e.detail,
       e.at - i.opened_at AS after_opening, e.incident_id, e.number, e.at_ns,
       e.chain, e.sequence, e.previous_hash, e.hash
  FROM tidegauge.incident_events AS e
  JOIN tidegauge.incidents AS i ON i.id = e.incident_id;
COMMENT ON VIEW tidegauge.v_incident_timeline IS
    'What happened to each incident and who did it, one row an event, with its place in the audit trail.';

-- -- orders ---------------------------------------------------------------------------------------

CREATE TABLE tidegauge.desk_orders (
    id          uuid PRIMARY KEY,
    kind        text NOT NULL,
    at          timestamptz NOT NULL,
    actor       text NOT NULL,
    comment     text NOT NULL,
    symbol      text,
    incident_id text,
    version     bigint,
    until       timestamptz,
    silence     jsonb,
    silence_id  text,
    asset       text,
    amount      numeric
);
CREATE INDEX desk_orders_by_time ON tidegauge.desk_orders (at);
CREATE INDEX desk_orders_by_incident ON tidegauge.desk_orders (incident_id, version);
COMMENT ON TABLE tidegauge.desk_orders IS
    'What people ordered of the daemons: each is carried out once, and its outcome is in order_outcomes.';

CREATE TABLE tidegauge.order_outcomes (
    order_id uuid PRIMARY KEY,
    run      text NOT NULL,
    at       timestamptz NOT NULL,
    done     boolean NOT NULL,
    said     text NOT NULL,
    version  bigint
);
COMMENT ON TABLE tidegauge.order_outcomes IS
    'What came of an order: done, or refused and why. Of one for every daemon, what the first of them said.';

CREATE VIEW tidegauge.v_orders AS
SELECT o.at, o.kind, o.actor, o.comment, o.symbol, o.incident_id, o.version, o.until,
       o.silence, o.silence_id, o.asset, o.amount,
       CASE WHEN c.done IS NULL THEN 'waiting' WHEN c.done THEN 'done' ELSE 'refused' END AS outcome,
       c.said, c.version AS new_version, c.at AS answered_at, c.run AS answered_by, o.id
  FROM tidegauge.desk_orders AS o
  LEFT JOIN tidegauge.order_outcomes AS c ON c.order_id = o.id;
COMMENT ON VIEW tidegauge.v_orders IS 'Orders of people, each with what came of it.';

CREATE VIEW tidegauge.v_exposures AS
SELECT DISTINCT ON (asset) asset, amount, at, until, actor, comment, outcome, said, id
  FROM tidegauge.v_orders
 WHERE kind = 'expose' AND outcome <> 'refused'
 ORDER BY asset, at DESC, id DESC;
COMMENT ON VIEW tidegauge.v_exposures IS 'How much of each asset is held, as somebody last said.';

-- -- silences and notifications -------------------------------------------------------------------

CREATE TABLE tidegauge.silences (
    id         text PRIMARY KEY,
    run        text NOT NULL,
    signals    text[] NOT NULL,
    symbols    text[] NOT NULL,
    venues     text[] NOT NULL,
    severities text[] NOT NULL,
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL,
    author     text NOT NULL,
    comment    text NOT NULL,
    ended_by   text,
    updated_ns bigint NOT NULL
);
CREATE INDEX silences_by_end ON tidegauge.silences (ends_at);
COMMENT ON TABLE tidegauge.silences IS 'Of what nobody is paged, and for how long. Incidents open all the same.';

CREATE VIEW tidegauge.v_silences AS
SELECT starts_at, ends_at, starts_at <= now() AND ends_at > now() AS active, signals, symbols, venues, severities,
       author, comment, ended_by, run, id
  FROM tidegauge.silences;
COMMENT ON VIEW tidegauge.v_silences IS 'Silences, with whether each is in force now.';

CREATE TABLE tidegauge.deliveries (
    page       text NOT NULL,
    channel    text NOT NULL,
    run        text NOT NULL,
    kind       text NOT NULL,
    severity   text NOT NULL,
    title      text NOT NULL,
    incidents  text[] NOT NULL,
    attempts   bigint NOT NULL,
    arrival    text NOT NULL,
    said       text NOT NULL,
    updated_at timestamptz NOT NULL,
    sent_at    timestamptz,
    updated_ns bigint NOT NULL,
    PRIMARY KEY (page, channel)
);
CREATE INDEX deliveries_by_incident ON tidegauge.deliveries USING gin (incidents);
CREATE INDEX deliveries_by_time ON tidegauge.deliveries (updated_at);
COMMENT ON TABLE tidegauge.deliveries IS
    'Who was told of what, and whether it arrived: a copy of what the outbox of each daemon knows.';

CREATE VIEW tidegauge.v_deliveries AS
SELECT d.updated_at, d.channel, d.kind, d.severity, d.arrival, d.attempts, d.sent_at, d.title, d.said,
       incident_id, d.page, d.run
  FROM tidegauge.deliveries AS d
  LEFT JOIN LATERAL unnest(d.incidents) AS of (incident_id) ON true;
COMMENT ON VIEW tidegauge.v_deliveries IS
    'Notifications, one row a page, channel and incident; of a page that speaks of none, one row.';

-- -- what every column is ---------------------------------------------------------------------------
-- Those of one relation first; then, by their name, those that say nothing yet.

DO $$
DECLARE
    said record;
BEGIN
    FOR said IN
        SELECT relation, word, sentence FROM (VALUES
            ('incident_events', 'chain', 'The audit trail it is a line of (incident_chains.id); null from before there were any.'),
            ('incident_events', 'sequence', 'Which line of it, from 1.'),
            ('incident_chains', 'id', 'Names the trail: random, and in its first line.'),
            ('incident_chains', 'host', 'The machine that the file is on, and a mark of its process table.'),
            ('incident_chains', 'path', 'The file on that machine.'),
            ('incident_chains', 'began_at', 'When its first line was written.'),
            ('incident_chains', 'run', 'The run that wrote the newest line (runs.id).'),
            ('incident_chains', 'sequence', 'The number of the newest line.'),
            ('incident_chains', 'hash', 'The hash of the newest line.'),
            ('incident_chains', 'at', 'When what it tells happened.'),
            ('v_incident_timeline', 'at', 'When it happened, to the microsecond.'),
            ('v_incident_timeline', 'symbol', 'What the incident is about; * is every symbol of a venue.'),
            ('v_incident_timeline', 'after_opening', 'How long after the incident was opened.'),
            ('v_incident_timeline', 'chain', 'The audit trail it is a line of (incident_chains.id).'),
            ('v_incident_timeline', 'sequence', 'Which line of it, from 1.'),
            ('desk_orders', 'id', 'Makes the order itself: carried out once.'),
            ('desk_orders', 'comment', 'What they said of it.'),
            ('desk_orders', 'symbol', 'Whose daemon is to carry it out; * is the one that has the incident, null is every daemon.'),
            ('order_outcomes', 'order_id', 'The order (desk_orders.id).'),
            ('order_outcomes', 'run', 'The run that answered (runs.id).'),
            ('order_outcomes', 'at', 'When it answered.'),
            ('order_outcomes', 'done', 'Whether it was carried out; if not, it was refused.'),
            ('order_outcomes', 'version', 'The version of the incident after it.'),
            ('v_orders', 'id', 'The row of desk_orders.'),
            ('v_orders', 'symbol', 'Whose daemon is to carry it out; * is the one that has the incident, null is every daemon.'),
            ('v_exposures', 'at', 'When it was said.'),
            ('v_exposures', 'until', 'When it is not believed any more.'),
            ('v_exposures', 'outcome', 'Whether a daemon knows it: done or waiting.'),
            ('v_exposures', 'id', 'The row of desk_orders.'),
            ('silences', 'id', 'That of the order that made it (desk_orders.id).'),
            ('silences', 'run', 'The run that last told of it (runs.id).'),
            ('silences', 'comment', 'Why.'),
            ('silences', 'updated_ns', 'When it was last changed, in nanoseconds: the newest wins.'),
            ('v_silences', 'id', 'The row of silences.'),
            ('v_silences', 'run', 'The run that last told of it (runs.id).'),
            ('v_silences', 'comment', 'Why.'),
            ('v_silences', 'active', 'Whether it is in force now.'),
            ('deliveries', 'kind', 'Why somebody is told: opened, escalated, resolved, reminded, digest, ...'),
            ('deliveries', 'run', 'The run that tells (runs.id).'),
            ('deliveries', 'updated_at', 'When it was last tried.'),
            ('v_deliveries', 'kind', 'Why somebody is told: opened, escalated, resolved, reminded, digest, ...'),
            ('v_deliveries', 'run', 'The run that tells (runs.id).'),
            ('v_deliveries', 'updated_at', 'When it was last tried.'),
            ('v_deliveries', 'incident_id', 'One of the incidents it speaks of (incidents.id); null where it speaks of none.')
        ) AS one (relation, word, sentence)
    LOOP
        EXECUTE format('COMMENT ON COLUMN tidegauge.%I.%I IS %L', said.relation, said.word, said.sentence);
    END LOOP;

    FOR said IN
        SELECT c.relname AS relation, a.attname AS word, sentence FROM (VALUES
            ('side', 'buy, sell, bid or ask where the signal speaks of one; else empty.'),
            ('firing', 'Those of the alerts that still fire (alerts.id).'),
            ('reopened', 'How often it came back after it was over.'),
            ('family', 'liquidity, divergence, stress, feed or exposure.'),
            ('kind', 'What happened, or was ordered: opened, acknowledged, resolved, ...'),
            ('actor', 'Who did it: a person, or the daemon.'),
            ('comment', 'What they said of it.'),
            ('from_state', 'The state before; null when it was not there.'),
            ('to_state', 'The state after; null when it stayed.'),
            ('detail', 'What else belongs to it.'),
            ('incident_id', 'The incident (incidents.id).'),
            ('number', 'Counts the events of an incident, from 1.'),
            ('at_ns', 'When it happened, UTC nanoseconds.'),
            ('previous_hash', 'The hash of the line before, so that none can be taken out or changed unseen.'),
            ('hash', 'The hash of the line, previous_hash included.'),
            ('at', 'When it was ordered.'),
            ('version', 'The version of the incident it was decided on; null: whatever it is.'),
            ('until', 'Until when it is to hold: an acknowledgement, a silence or an exposure.'),
            ('silence', 'The silence to make.'),
            ('silence_id', 'The silence to end (silences.id).'),
            ('asset', 'What is held.'),
            ('amount', 'How much of it, in quote.'),
            ('outcome', 'waiting, done or refused.'),
            ('said', 'What came of it, for people.'),
            ('new_version', 'The version of the incident after it.'),
            ('answered_at', 'When a daemon answered.'),
            ('answered_by', 'Its run (runs.id).'),
            ('signals', 'Names of signals, of which one must fit; * and ? stand for any text. Empty: all.'),
            ('symbols', 'The same of symbols.'),
            ('venues', 'The same of venues.'),
            ('severities', 'Severities it applies to; empty: all.'),
            ('starts_at', 'From when on.'),
            ('ends_at', 'Until when; ended early, when that was.'),
            ('author', 'Who wanted it.'),
            ('ended_by', 'Who ended it early; null: nobody.'),
            ('page', 'Names what was told: told once a channel.'),
            ('channel', 'Where: a name of the settings.'),
            ('severity', 'info, warning, high or critical.'),
            ('title', 'Its first line.'),
            ('incidents', 'The incidents it speaks of (incidents.id).'),
            ('attempts', 'How often it was tried.'),
            ('arrival', 'sent, retrying or failed.'),
            ('sent_at', 'When the channel took it; null: it has not.'),
            ('updated_ns', 'updated_at in nanoseconds: the newest wins.')
        ) AS any_one (word, sentence)
          JOIN pg_attribute AS a ON a.attname = word AND NOT a.attisdropped
          JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
         WHERE c.relnamespace = 'tidegauge'::regnamespace AND col_description(c.oid, a.attnum) IS NULL
    LOOP
        EXECUTE format('COMMENT ON COLUMN tidegauge.%I.%I IS %L', said.relation, said.word, said.sentence);
    END LOOP;
END
$$;
