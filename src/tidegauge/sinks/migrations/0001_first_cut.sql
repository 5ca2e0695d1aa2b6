-- The first cut: exact numbers as numeric, what is measured many times over as parallel arrays.
-- Runs in one transaction with the other migrations; the schema `tidegauge` is already there.

CREATE TABLE tidegauge.runs (
    id         text PRIMARY KEY,
    started_at timestamptz NOT NULL,
    version    text NOT NULL,
    command    text NOT NULL,
    symbols    text[] NOT NULL
);
COMMENT ON TABLE tidegauge.runs IS 'One start of a monitor or a demo.';
COMMENT ON COLUMN tidegauge.runs.id IS 'The run that every row it wrote names.';
COMMENT ON COLUMN tidegauge.runs.version IS 'The version of Tidegauge that ran.';
COMMENT ON COLUMN tidegauge.runs.command IS 'What was run: monitor or demo.';
COMMENT ON COLUMN tidegauge.runs.symbols IS 'The symbols it watched.';

CREATE TABLE tidegauge.instruments (
    venue          text NOT NULL,
    name           text NOT NULL,
    symbol         text,
    kind           text NOT NULL,
    base           text NOT NULL,
    quote          text NOT NULL,
    tick           numeric NOT NULL,
    step           numeric NOT NULL,
    contract_value numeric NOT NULL,
    status         text NOT NULL,
    updated_at     timestamptz NOT NULL,
    updated_ns     bigint NOT NULL,
    PRIMARY KEY (venue, name)
);
COMMENT ON TABLE tidegauge.instruments IS 'What each venue lists, as its catalogue last said.';
COMMENT ON COLUMN tidegauge.instruments.venue IS 'An exchange market: binance, binance-futures, bybit-linear, ...';
COMMENT ON COLUMN tidegauge.instruments.name IS 'The venue''s own name.';
COMMENT ON COLUMN tidegauge.instruments.symbol IS 'Our name for what is traded; null when no setting maps it.';
COMMENT ON COLUMN tidegauge.instruments.kind IS 'spot, perp, future or option.';
COMMENT ON COLUMN tidegauge.instruments.tick IS 'The smallest price step, in quote.';
COMMENT ON COLUMN tidegauge.instruments.step IS 'The smallest size step, in the venue''s size unit.';
COMMENT ON COLUMN tidegauge.instruments.contract_value IS 'Base units that one size unit stands for.';
COMMENT ON COLUMN tidegauge.instruments.status IS 'trading, halted or delisted.';
COMMENT ON COLUMN tidegauge.instruments.updated_ns IS 'updated_at in nanoseconds: the newest row wins.';

CREATE TABLE tidegauge.readings (
    id             uuid PRIMARY KEY,
    run            text NOT NULL,
    venue          text NOT NULL,
    symbol         text NOT NULL,
    instrument     text NOT NULL,
    epoch          bigint NOT NULL,
    frame          bigint NOT NULL,
    trace          text NOT NULL,
    sequence       bigint NOT NULL,
    at             timestamptz NOT NULL,
    recv_ns        bigint NOT NULL,
    venue_time     timestamptz,
    feed_age_ns    bigint NOT NULL,
    latency_ns     bigint,
    quotability    text NOT NULL,
    best_bid       numeric,
    best_bid_size  numeric,
    best_ask       numeric,
    best_ask_size  numeric,
    mid            numeric,
    microprice     float8,
    spread         numeric,
    spread_bps     float8,
    imbalance      float8,
    bid_levels     integer NOT NULL,
    ask_levels     integer NOT NULL,
    band_bps          integer[] NOT NULL,
    band_bid_base     numeric[] NOT NULL,
    band_bid_quote    numeric[] NOT NULL,
    band_ask_base     numeric[] NOT NULL,
    band_ask_quote    numeric[] NOT NULL,
    band_bid_complete boolean[] NOT NULL,
    band_ask_complete boolean[] NOT NULL,
    band_imbalance    float8[] NOT NULL,
    fill_taker                text[] NOT NULL,
    fill_notional             numeric[] NOT NULL,
    fill_filled               boolean[] NOT NULL,
    fill_filled_fraction      float8[] NOT NULL,
    fill_base                 float8[] NOT NULL,
    fill_average              float8[] NOT NULL,
    fill_worst                numeric[] NOT NULL,
    fill_slippage_bps         float8[] NOT NULL,
    fill_partial_slippage_bps float8[] NOT NULL,
    fill_slippage_cost        float8[] NOT NULL,
    fill_floor                boolean[] NOT NULL,
    max_taker    text[] NOT NULL,
    max_bps      integer[] NOT NULL,
    max_notional numeric[] NOT NULL,
    max_floor    boolean[] NOT NULL
);
CREATE INDEX readings_by_book ON tidegauge.readings (venue, symbol, at);
CREATE INDEX readings_by_time ON tidegauge.readings USING brin (at);
COMMENT ON TABLE tidegauge.readings IS
    'One instant''s measurements of one live book. Prices, sizes and notionals are exact; null is unknown.';
COMMENT ON COLUMN tidegauge.readings.id IS 'Made from run, venue, symbol, epoch, frame and recv_ns: sent twice, stored once.';
COMMENT ON COLUMN tidegauge.readings.run IS 'The run that took it (runs.id).';
COMMENT ON COLUMN tidegauge.readings.instrument IS 'The venue''s own name of the book.';
COMMENT ON COLUMN tidegauge.readings.epoch IS 'The connection the book belonged to.';
COMMENT ON COLUMN tidegauge.readings.frame IS 'The frame, counted in its epoch, that caused it.';
COMMENT ON COLUMN tidegauge.readings.trace IS 'venue/epoch/frame: the frame that last changed the book. What a frame caused carries it, within a run.';
COMMENT ON COLUMN tidegauge.readings.sequence IS 'The venue''s last update id in the book.';
COMMENT ON COLUMN tidegauge.readings.at IS 'When the reading was taken: as its frame came, or at the cadence from an unchanged book (recv_ns, to the microsecond).';
COMMENT ON COLUMN tidegauge.readings.recv_ns IS 'When the reading was taken, UTC nanoseconds; recv_ns - feed_age_ns is when the book last changed.';
COMMENT ON COLUMN tidegauge.readings.venue_time IS 'The venue''s own time of the update.';
COMMENT ON COLUMN tidegauge.readings.feed_age_ns IS 'Age of the last frame that proved liveness.';
COMMENT ON COLUMN tidegauge.readings.latency_ns IS 'Receive less venue time, in excess of the smallest seen; null when unknown.';
COMMENT ON COLUMN tidegauge.readings.quotability IS 'quoted or one_sided.';
COMMENT ON COLUMN tidegauge.readings.imbalance IS '(bid - ask) / (bid + ask) over base sizes of the top levels, -1 to 1.';
COMMENT ON COLUMN tidegauge.readings.bid_levels IS 'Levels in the book, bid side.';
COMMENT ON COLUMN tidegauge.readings.ask_levels IS 'Levels in the book, ask side.';
COMMENT ON COLUMN tidegauge.readings.band_bps IS 'Bands about the mid; the other band_ arrays go with it, place by place.';
COMMENT ON COLUMN tidegauge.readings.band_bid_complete IS 'Whether the band lies within the known range; if not, its depth is a floor.';
COMMENT ON COLUMN tidegauge.readings.fill_taker IS 'buy or sell; the other fill_ arrays go with it, place by place.';
COMMENT ON COLUMN tidegauge.readings.fill_notional IS 'Quote to be spent (buy) or received (sell).';
COMMENT ON COLUMN tidegauge.readings.fill_slippage_bps IS 'Null unless all of it was filled.';
COMMENT ON COLUMN tidegauge.readings.fill_partial_slippage_bps IS 'Slippage of the part that was filled.';
COMMENT ON COLUMN tidegauge.readings.fill_floor IS 'The walk ended beyond the known range: the book may hold more.';
COMMENT ON COLUMN tidegauge.readings.max_taker IS 'buy or sell; the other max_ arrays go with it, place by place.';
COMMENT ON COLUMN tidegauge.readings.max_notional IS 'The largest notional whose slippage stays within max_bps.';

CREATE TABLE tidegauge.alerts (
    id               text PRIMARY KEY,
    run              text NOT NULL,
    signal           text NOT NULL,
    venue            text NOT NULL,
    symbol           text NOT NULL,
    severity         text NOT NULL,
    worst_severity   text NOT NULL,
    state            text NOT NULL,
    cause            text NOT NULL,
    causes           text[] NOT NULL,
    value            float8,
    threshold        float8,
    baseline         float8,
    sentence         text NOT NULL,
    action           text NOT NULL,
    started_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    ended_at         timestamptz,
    unobserved_since timestamptz,
    trace            text NOT NULL,
    updated_ns       bigint NOT NULL
);
CREATE INDEX alerts_by_time ON tidegauge.alerts (started_at);
COMMENT ON TABLE tidegauge.alerts IS 'Every alert as it stands now. How it came there is in alert_changes.';
COMMENT ON COLUMN tidegauge.alerts.id IS 'The opening time and a hash of what it is about; the same in every replay.';
COMMENT ON COLUMN tidegauge.alerts.run IS 'The run that last changed it (runs.id).';
COMMENT ON COLUMN tidegauge.alerts.cause IS 'The input that breached first; value, threshold and baseline are its own.';
COMMENT ON COLUMN tidegauge.alerts.causes IS 'All inputs that breach.';
COMMENT ON COLUMN tidegauge.alerts.action IS 'What is recommended.';
COMMENT ON COLUMN tidegauge.alerts.unobserved_since IS 'Since when the book behind a firing alert is not trusted.';
COMMENT ON COLUMN tidegauge.alerts.trace IS 'The frame that caused the last change.';
COMMENT ON COLUMN tidegauge.alerts.updated_ns IS 'updated_at in nanoseconds: the newest change wins.';

CREATE TABLE tidegauge.alert_changes (
    id               uuid PRIMARY KEY,
    alert_id         text NOT NULL,
    run              text NOT NULL,
    signal           text NOT NULL,
    venue            text NOT NULL,
    symbol           text NOT NULL,
    severity         text NOT NULL,
    worst_severity   text NOT NULL,
    state            text NOT NULL,
    cause            text NOT NULL,
    causes           text[] NOT NULL,
    value            float8,
    threshold        float8,
    baseline         float8,
    sentence         text NOT NULL,
    action           text NOT NULL,
    started_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    ended_at         timestamptz,
    unobserved_since timestamptz,
    trace            text NOT NULL,
    updated_ns       bigint NOT NULL
);
CREATE INDEX alert_changes_by_alert ON tidegauge.alert_changes (alert_id, updated_ns);
COMMENT ON TABLE tidegauge.alert_changes IS 'Every change of every alert, as it was then. Nothing here is ever changed.';
COMMENT ON COLUMN tidegauge.alert_changes.id IS 'Made from all the rest: sent twice, stored once.';
COMMENT ON COLUMN tidegauge.alert_changes.alert_id IS 'The alert that changed (alerts.id).';
COMMENT ON COLUMN tidegauge.alert_changes.trace IS 'The frame that caused this change.';

CREATE TABLE tidegauge.feed_events (
    id         uuid PRIMARY KEY,
    run        text NOT NULL,
    kind       text NOT NULL,
    venue      text NOT NULL,
    instrument text,
    symbol     text,
    at         timestamptz NOT NULL,
    at_ns      bigint NOT NULL,
    trace      text NOT NULL,
    trust      text,
    reason     text,
    detail     text NOT NULL
);
CREATE INDEX feed_events_by_venue ON tidegauge.feed_events (venue, at);
COMMENT ON TABLE tidegauge.feed_events IS 'What happened to the feeds: connects, gaps, resyncs, changes of trust.';
COMMENT ON COLUMN tidegauge.feed_events.id IS 'Made from all the rest: sent twice, stored once.';
COMMENT ON COLUMN tidegauge.feed_events.kind IS 'connected, disconnected, subscribed, gap, resync, trust, ...';
COMMENT ON COLUMN tidegauge.feed_events.instrument IS 'Null when it concerns the whole venue.';
COMMENT ON COLUMN tidegauge.feed_events.trust IS 'What the book became, where kind is trust.';
COMMENT ON COLUMN tidegauge.feed_events.reason IS 'Why it became so.';
COMMENT ON COLUMN tidegauge.feed_events.trace IS 'The frame that caused it.';

CREATE VIEW tidegauge.v_readings AS
SELECT at, run, venue, symbol, instrument, quotability,
       best_bid, best_bid_size, best_ask, best_ask_size, mid, microprice, spread, spread_bps,
       imbalance, bid_levels, ask_levels,
       (feed_age_ns / 1e6)::float8 AS feed_age_ms, (latency_ns / 1e6)::float8 AS latency_ms,
       venue_time, sequence, trace, recv_ns, id
  FROM tidegauge.readings;
COMMENT ON VIEW tidegauge.v_readings IS 'Readings, one row each, without their bands and fills.';

CREATE VIEW tidegauge.v_depth AS
SELECT r.at, r.run, r.venue, r.symbol, b.band_bps, r.mid,
       b.bid_base, b.bid_quote, b.ask_base, b.ask_quote, b.bid_quote + b.ask_quote AS total_quote,
       b.bid_complete, b.ask_complete, b.imbalance, r.trace, r.id AS reading
  FROM tidegauge.readings AS r
 CROSS JOIN LATERAL unnest(
       r.band_bps, r.band_bid_base, r.band_bid_quote, r.band_ask_base, r.band_ask_quote,
       r.band_bid_complete, r.band_ask_complete, r.band_imbalance
       ) AS b (band_bps, bid_base, bid_quote, ask_base, ask_quote,
               bid_complete, ask_complete, imbalance);
COMMENT ON VIEW tidegauge.v_depth IS 'What rests within each band of the mid: one row a reading and band.';

CREATE VIEW tidegauge.v_slippage AS
SELECT r.at, r.run, r.venue, r.symbol, f.taker, f.notional, r.mid,
       f.filled, f.filled_fraction, f.base, f.average, f.worst,
       f.slippage_bps, f.partial_slippage_bps, f.slippage_cost, f.floor, r.trace, r.id AS reading
  FROM tidegauge.readings AS r
 CROSS JOIN LATERAL unnest(
       r.fill_taker, r.fill_notional, r.fill_filled, r.fill_filled_fraction, r.fill_base,
       r.fill_average, r.fill_worst, r.fill_slippage_bps, r.fill_partial_slippage_bps,
       r.fill_slippage_cost, r.fill_floor
       ) AS f (taker, notional, filled, filled_fraction, base, average, worst,
               slippage_bps, partial_slippage_bps, slippage_cost, floor);
COMMENT ON VIEW tidegauge.v_slippage IS 'What taking each notional would cost: one row a reading, taker and notional.';

CREATE VIEW tidegauge.v_alerts AS
SELECT a.started_at, a.ended_at, a.ended_at - a.started_at AS lasted, a.state, a.severity,
       a.worst_severity, a.signal, a.venue, a.symbol, a.cause, a.causes, a.value, a.threshold,
       a.baseline, a.action, a.sentence, a.unobserved_since, a.updated_at, a.trace, a.run, a.id,
       (SELECT min(c.updated_at) FROM tidegauge.alert_changes AS c
         WHERE c.alert_id = a.id AND c.state = 'firing') AS fired_at
  FROM tidegauge.alerts AS a;
COMMENT ON VIEW tidegauge.v_alerts IS 'Alerts as they stand, with when each first fired and how long it lasted.';

CREATE VIEW tidegauge.v_feed_events AS
SELECT at, run, venue, symbol, instrument, kind, trust, reason, detail, trace, id
  FROM tidegauge.feed_events;
COMMENT ON VIEW tidegauge.v_feed_events IS 'What happened to the feeds, one row an event.';
