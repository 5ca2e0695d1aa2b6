-- Days of raw rows as partitions, rollups that outlive them, and tables for incidents and leases.
-- No row is copied: what was there becomes one partition, from the day of its oldest row on.

-- -- partitions -----------------------------------------------------------------------------------

CREATE FUNCTION tidegauge.span_of(part oid) RETURNS tstzrange
LANGUAGE sql STABLE SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
    SELECT tstzrange(bound[1]::timestamptz, bound[2]::timestamptz)
      FROM pg_class AS c,
           regexp_match(pg_get_expr(c.relpartbound, c.oid), $re$FROM \('([^']+)'\) TO \('([^']+)'\)$re$) AS bound
     WHERE c.oid = part
$$;
COMMENT ON FUNCTION tidegauge.span_of(oid) IS 'The times that a partition holds, whatever the time zone of the session.';

CREATE VIEW tidegauge.partitions AS
SELECT whole.relname::text AS table_name, part.relname::text AS partition,
       lower(span) AS first, upper(span) AS until,
       greatest(part.reltuples::bigint, pg_stat_get_live_tuples(part.oid), 0) AS rows_estimate,
       pg_total_relation_size(part.oid) AS bytes
  FROM pg_inherits AS i
  JOIN pg_class AS whole ON whole.oid = i.inhparent AND whole.relkind = 'p'
   AND whole.relnamespace = 'tidegauge'::regnamespace
  JOIN pg_class AS part ON part.oid = i.inhrelid
 CROSS JOIN LATERAL tidegauge.span_of(part.oid) AS span;
COMMENT ON VIEW tidegauge.partitions IS 'The days of raw rows there are. prune drops them, make_partitions makes them.';

CREATE FUNCTION tidegauge.make_partitions(first date, last date) RETURNS integer
LANGUAGE plpgsql SET search_path = tidegauge, pg_temp SET timezone = 'UTC' SET datestyle = 'ISO' AS $$
DECLARE
    whole text;
    day   timestamptz;
    usual text;
    part  text;
    again integer;
    made  integer := 0;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('tidegauge.partitions', 0));
    FOREACH whole IN ARRAY ARRAY['readings', 'market'] LOOP
        FOR day IN
            SELECT each FROM generate_series(make_partitions.first::timestamptz,
                                             make_partitions.last::timestamptz, '1 day') AS each
            EXCEPT
            SELECT each FROM pg_inherits, span_of(inhrelid) AS span,
                   generate_series(greatest(lower(span), make_partitions.first),
                                   least(upper(span) - interval '1 day', make_partitions.last),
                                   '1 day') AS each
             WHERE inhparent = ('tidegauge.' || whole)::regclass
            ORDER BY each
        LOOP
            -- A day that was detached keeps its name, and may have come for a second time since.
            usual := whole || to_char(day, '_YYYYMMDD');
            part := usual;
            again := 1;
            WHILE to_regclass(format('tidegauge.%I', part)) IS NOT NULL LOOP
                again := again + 1;
                part := usual || '_' || again;
            END LOOP;
            -- Made apart, then attached: CREATE TABLE ... PARTITION OF stops all who read or write.
            EXECUTE format('CREATE TABLE tidegauge.%I (LIKE tidegauge.%I INCLUDING ALL EXCLUDING INDEXES)',
                           part, whole);
            EXECUTE format('COMMENT ON TABLE tidegauge.%I IS %L', part,
                           'The rows of ' || whole || ' of ' || day::date || ' (UTC).');
            EXECUTE format('ALTER TABLE tidegauge.%I ATTACH PARTITION tidegauge.%I FOR VALUES FROM (%L) TO (%L)',
                           whole, part, day, day + interval '1 day');
            made := made + 1;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION tidegauge.make_partitions(date, date) IS
    'Makes the partitions that are missing, from the first day (UTC) to the last, and returns how many. Stops nobody who reads or writes.';

ALTER TABLE tidegauge.readings RENAME TO first_readings;
ALTER INDEX tidegauge.readings_pkey RENAME TO first_readings_pkey;
ALTER INDEX tidegauge.readings_by_time RENAME TO first_readings_by_time;
-- The foreign key cost six tenths of the server's time for a reading, and each new partition would
-- stop who tells a new series. Guarded is the other side, which nobody has a reason to touch.
ALTER TABLE tidegauge.first_readings DROP CONSTRAINT readings_series_fkey;

CREATE FUNCTION tidegauge.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of %.% are never changed or removed: readings name them, and daemons that run tell them once',
          TG_TABLE_SCHEMA, TG_TABLE_NAME
          USING ERRCODE = '55000', HINT = 'Remove readings alone: prune drops days, TRUNCATE tidegauge.readings all of them.';
END
$$;
COMMENT ON FUNCTION tidegauge.refuse_change() IS 'Refuses what would leave readings without their series.';
CREATE TRIGGER series_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON tidegauge.series
   FOR EACH STATEMENT EXECUTE FUNCTION tidegauge.refuse_change();

CREATE TABLE tidegauge.readings (
    LIKE tidegauge.first_readings INCLUDING ALL EXCLUDING INDEXES,
    PRIMARY KEY (series, at, recv_ns, epoch, frame)
) PARTITION BY RANGE (at);
CREATE INDEX readings_by_time ON tidegauge.readings USING brin (at) WITH (autosummarize = on);
COMMENT ON TABLE tidegauge.readings IS
    'One instant''s measurements of one live book, as integers of the scales of its series. Null is unknown. The views v_readings, v_depth and v_slippage tell them as numbers. A partition a day.';

COMMENT ON COLUMN tidegauge.market.venue IS 'The exchange market by our name: binance-futures, bybit-linear, ...';
COMMENT ON COLUMN tidegauge.market.symbol IS 'Our name for what is traded.';
ALTER TABLE tidegauge.market RENAME TO first_market;
ALTER TABLE tidegauge.first_market DROP CONSTRAINT market_pkey;
ALTER TABLE tidegauge.first_market ADD CONSTRAINT first_market_pkey PRIMARY KEY (id, at);
ALTER INDEX tidegauge.market_by_book RENAME TO first_market_by_book;
ALTER INDEX tidegauge.market_by_time RENAME TO first_market_by_time;

CREATE TABLE tidegauge.market (
    LIKE tidegauge.first_market INCLUDING ALL EXCLUDING INDEXES,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE INDEX market_by_book ON tidegauge.market (venue, symbol, at);
CREATE INDEX market_by_time ON tidegauge.market USING brin (at) WITH (autosummarize = on);
COMMENT ON TABLE tidegauge.market IS
    'What a venue told beside a book from since to at: sums of that span, and what was said last. Exact; null was never said. Written only when something changed. A partition a day.';

-- Replaced, not dropped: what others built on these views stays.

CREATE OR REPLACE VIEW tidegauge.v_readings AS
SELECT r.at, s.run, s.venue, s.symbol, s.instrument,
       CASE WHEN t.bid IS NULL OR t.ask IS NULL THEN 'one_sided' ELSE 'quoted' END AS quotability,
       t.bid * s.price_unit AS best_bid,
       coalesce(r.bid_units, r.wide[2]) * s.base_unit AS best_bid_size,
       t.ask * s.price_unit AS best_ask,
       coalesce(r.ask_units, r.wide[4]) * s.base_unit AS best_ask_size,
       (t.bid + t.ask) * 5 * (s.price_unit * 0.1) AS mid,
       r.microprice,
       (t.ask - t.bid) * s.price_unit AS spread,
       r.spread_bps, r.imbalance, r.bid_levels, r.ask_levels,
       (r.feed_age_ns / 1e6)::float8 AS feed_age_ms, (r.latency_ns / 1e6)::float8 AS latency_ms,
       r.venue_time, r.sequence, concat_ws('/', s.venue, r.epoch, r.frame) AS trace, r.recv_ns,
       concat_ws('/', r.series, r.recv_ns, r.epoch, r.frame) AS id
  FROM tidegauge.readings AS r
  JOIN tidegauge.series AS s ON s.id = r.series
 CROSS JOIN LATERAL (
       SELECT coalesce(r.bid_ticks, r.wide[1]) AS bid, coalesce(r.ask_ticks, r.wide[3]) AS ask) AS t;
COMMENT ON VIEW tidegauge.v_readings IS 'Readings, one row each, without their bands and fills. Prices and sizes are exact.';

CREATE OR REPLACE VIEW tidegauge.v_depth AS
SELECT r.at, s.run, s.venue, s.symbol, b.band_bps,
       (coalesce(r.bid_ticks, r.wide[1]) + coalesce(r.ask_ticks, r.wide[3])) * 5 * (s.price_unit * 0.1) AS mid,
       u.bid_base * s.base_unit AS bid_base, u.bid_quote * s.quote_unit AS bid_quote,
       u.ask_base * s.base_unit AS ask_base, u.ask_quote * s.quote_unit AS ask_quote,
       (u.bid_quote + u.ask_quote) * s.quote_unit AS total_quote,
       get_bit(r.band_floor, 2 * b.place::int - 2) = 0 AS bid_complete,
       get_bit(r.band_floor, 2 * b.place::int - 1) = 0 AS ask_complete,
       (round(u.bid_quote - u.ask_quote, 60) / nullif(u.bid_quote + u.ask_quote, 0))::float8 AS imbalance,
       concat_ws('/', s.venue, r.epoch, r.frame) AS trace,
       concat_ws('/', r.series, r.recv_ns, r.epoch, r.frame) AS reading
  FROM tidegauge.readings AS r
  JOIN tidegauge.series AS s ON s.id = r.series
 CROSS JOIN LATERAL unnest(s.band_bps) WITH ORDINALITY AS b (band_bps, place)
 CROSS JOIN LATERAL (
       SELECT coalesce(r.band_units[4 * b.place - 3], r.wide[4 * b.place + 1]) AS bid_base,
              coalesce(r.band_units[4 * b.place - 2], r.wide[4 * b.place + 2]) AS bid_quote,
              coalesce(r.band_units[4 * b.place - 1], r.wide[4 * b.place + 3]) AS ask_base,
              coalesce(r.band_units[4 * b.place], r.wide[4 * b.place + 4]) AS ask_quote) AS u;
COMMENT ON VIEW tidegauge.v_depth IS
    'What rests within each band of the mid: one row a reading and band. Sums are exact; where not complete, a floor.';

CREATE OR REPLACE VIEW tidegauge.v_slippage AS
SELECT r.at, s.run, s.venue, s.symbol, f.taker, f.notional, m.mid,
       p.filled, p.fraction AS filled_fraction, f.base,
       f.notional::float8 * p.fraction / nullif(f.base, 0) AS average,
       coalesce(f.worst, r.wide[4 + 4 * cardinality(s.band_bps) + f.place]) * s.price_unit AS worst,
       CASE WHEN p.filled THEN f.cost_bps END AS slippage_bps,
       CASE WHEN NOT p.filled THEN f.cost_bps END AS partial_slippage_bps,
       CASE WHEN p.filled THEN f.cost_bps * m.mid::float8 * f.base / 1e4 END AS slippage_cost,
       get_bit(r.fill_floor, f.place::int - 1) = 1 AS floor,
       concat_ws('/', s.venue, r.epoch, r.frame) AS trace,
       concat_ws('/', r.series, r.recv_ns, r.epoch, r.frame) AS reading
  FROM tidegauge.readings AS r
  JOIN tidegauge.series AS s ON s.id = r.series
 CROSS JOIN LATERAL (
       SELECT (coalesce(r.bid_ticks, r.wide[1]) + coalesce(r.ask_ticks, r.wide[3]))
              * 5 * (s.price_unit * 0.1) AS mid) AS m
 CROSS JOIN LATERAL unnest(s.fill_taker, s.fill_notional, r.fill_cost_bps, r.fill_base,
                           r.fill_fraction, r.fill_worst)
            WITH ORDINALITY AS f (taker, notional, cost_bps, base, fraction, worst, place)
 CROSS JOIN LATERAL (
       SELECT get_bit(r.fill_partial, f.place::int - 1) = 0 AS filled, coalesce(f.fraction, 1) AS fraction) AS p;
COMMENT ON VIEW tidegauge.v_slippage IS
    'What taking each notional would cost: one row a reading, size and side. average (notional * filled_fraction / base) and slippage_cost (bps of mid * base) are made from what is stored, and right to 1e-15.';

CREATE OR REPLACE VIEW tidegauge.v_max_size AS
SELECT r.at, s.run, s.venue, s.symbol, m.taker, m.bps,
       coalesce(m.units, r.wide[4 + 4 * cardinality(s.band_bps) + cardinality(s.fill_taker) + m.place])
           * ('1e' || (-m.scale)::text)::numeric AS notional,
       get_bit(r.max_floor, m.place::int - 1) = 1 AS floor,
       concat_ws('/', s.venue, r.epoch, r.frame) AS trace,
       concat_ws('/', r.series, r.recv_ns, r.epoch, r.frame) AS reading
  FROM tidegauge.readings AS r
  JOIN tidegauge.series AS s ON s.id = r.series
 CROSS JOIN LATERAL unnest(s.max_taker, s.max_bps, s.max_scale, r.max_units)
            WITH ORDINALITY AS m (taker, bps, scale, units, place);
COMMENT ON VIEW tidegauge.v_max_size IS
    'The largest notional whose slippage stays within bps: one row a reading, side and limit. Exact, rounded down; where floor, the book may bear more.';


CREATE OR REPLACE VIEW tidegauge.v_market AS
SELECT at, run, venue, symbol, instrument, last_price, trades,
       buy_base, buy_quote, sell_base, sell_quote, mark, index,
       (1e4 * (mark - index) / nullif(index, 0))::float8 AS premium_bps,
       funding_rate, funding_interval_s,
       (funding_rate * 28800 / nullif(funding_interval_s, 0))::float8 AS funding_8h,
       next_funding_at, open_interest, open_interest * mark AS open_interest_quote,
       liquidations, liquidated_long_quote, liquidated_short_quote,
       since, trace, number, recv_ns, id
  FROM tidegauge.market;
COMMENT ON VIEW tidegauge.v_market IS
    'What was told beside the books, with the premium of the mark over the index and the funding rate of eight hours.';

DO $$
DECLARE
    whole   text;
    oldest  timestamptz;
    newest  timestamptz;
    part    text;
BEGIN
    SET LOCAL timezone = 'UTC';
    FOREACH whole IN ARRAY ARRAY['readings', 'market'] LOOP
        IF whole = 'readings' THEN
            SELECT min(s.oldest), max(s.newest) INTO oldest, newest
              FROM tidegauge.series CROSS JOIN LATERAL (
                   SELECT min(at) AS oldest, max(at) AS newest
                     FROM tidegauge.first_readings WHERE series = series.id) AS s;
        ELSE
            SELECT min(at), max(at) INTO oldest, newest FROM tidegauge.first_market;
        END IF;
        IF oldest IS NULL THEN
            EXECUTE format('DROP TABLE tidegauge.%I', 'first_' || whole);
            CONTINUE;
        END IF;
        oldest := date_trunc('day', oldest);
        newest := date_trunc('day', newest) + interval '1 day';
        part := whole || to_char(newest, '_"before"_YYYYMMDD');
        EXECUTE format('ALTER TABLE tidegauge.%I RENAME TO %I', 'first_' || whole, part);
        EXECUTE format('ALTER INDEX tidegauge.%I RENAME TO %I', 'first_' || whole || '_pkey', part || '_pkey');
        EXECUTE format('ALTER INDEX tidegauge.%I RENAME TO %I', 'first_' || whole || '_by_time', part || '_by_time');
        IF whole = 'market' THEN
            EXECUTE format('ALTER INDEX tidegauge.first_market_by_book RENAME TO %I', part || '_by_book');
        END IF;
        EXECUTE format('COMMENT ON TABLE tidegauge.%I IS %L', part,
                       'The rows of ' || whole || ' from before there was a partition a day.');
        EXECUTE format('ALTER TABLE tidegauge.%I ATTACH PARTITION tidegauge.%I FOR VALUES FROM (%L) TO (%L)',
                       whole, part, oldest, newest);
    END LOOP;
END
$$;

-- -- rollups --------------------------------------------------------------------------------------

CREATE TABLE tidegauge.minutes (
    symbol             text NOT NULL,
    venue              text NOT NULL,
    at                 timestamptz NOT NULL,
    readings           bigint NOT NULL,
    mid_scale          integer NOT NULL,
    quote_scale        integer NOT NULL,
    mid_first          bigint,
    mid_last           bigint,
    mid_low            bigint,
    mid_high           bigint,
    spread_readings    bigint NOT NULL,
    spread_bps_sum     float8,
    spread_bps_min     float8,
    spread_bps_max     float8,
    imbalance_readings bigint NOT NULL,
    imbalance_sum      float8,
    band_bps           integer[] NOT NULL,
    band_readings      integer[] NOT NULL,
    band_bid_sum       float8[] NOT NULL,
    band_ask_sum       float8[] NOT NULL,
    band_low           bigint[],
    fill_taker         text[] NOT NULL,
    fill_notional      numeric[] NOT NULL,
    fill_readings      integer[] NOT NULL,
    fill_filled        integer[] NOT NULL,
    fill_bps_sum       float8[] NOT NULL,
    fill_bps_max       float8[] NOT NULL,
    wide               numeric[],
    PRIMARY KEY (symbol, venue, at)
);
CREATE INDEX minutes_by_time ON tidegauge.minutes USING brin (at) WITH (autosummarize = on);
CREATE TABLE tidegauge.hours (LIKE tidegauge.minutes, PRIMARY KEY (symbol, venue, at));
COMMENT ON TABLE tidegauge.minutes IS
    'What the readings of a book came to in a minute; it outlives them. Integers of its scales, as readings. The views v_minutes, v_depth_minutes and v_slippage_minutes tell it as numbers.';
COMMENT ON TABLE tidegauge.hours IS
    'What the minutes of a book came to in an hour. The views v_hours, v_depth_hours and v_slippage_hours tell it as numbers.';

CREATE FUNCTION tidegauge.units_of(mids numeric[], mid_scale integer, lows numeric[], quote_scale integer)
RETURNS numeric[] LANGUAGE sql IMMUTABLE SET search_path = tidegauge, pg_temp AS $$
    SELECT ARRAY(SELECT trim_scale(each * ('1e' || mid_scale)::numeric)
                   FROM unnest(mids) WITH ORDINALITY AS m (each, place) ORDER BY place)
        || ARRAY(SELECT trim_scale(each * ('1e' || quote_scale)::numeric)
                   FROM unnest(lows) WITH ORDINALITY AS l (each, place) ORDER BY place)
$$;
COMMENT ON FUNCTION tidegauge.units_of(numeric[], integer, numeric[], integer) IS
    'Prices and sums of quote as the integers of their scales, which is what rollups store.';

CREATE FUNCTION tidegauge.units_fit(units numeric[]) RETURNS boolean
LANGUAGE sql IMMUTABLE SET search_path = tidegauge, pg_temp AS $$
    SELECT coalesce(bool_and(each BETWEEN -9223372036854775808 AND 9223372036854775807), true)
      FROM unnest(units) AS each
$$;
COMMENT ON FUNCTION tidegauge.units_fit(numeric[]) IS 'Whether a bigint holds each of these integers.';

CREATE FUNCTION tidegauge.roll_minutes(since timestamptz, until timestamptz) RETURNS bigint
LANGUAGE plpgsql SET search_path = tidegauge, pg_temp SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
    written bigint;
BEGIN
    INSERT INTO minutes AS old
    WITH touch AS (
        SELECT s.symbol, s.venue, date_bin('1 minute', r.at, 'epoch') AS at,
               count(*) AS readings, max(s.price_scale) + 1 AS mid_scale, max(s.quote_scale) AS quote_scale,
               ARRAY[(array_agg(m.mid ORDER BY r.recv_ns, r.series, r.epoch, r.frame)
                          FILTER (WHERE m.mid IS NOT NULL))[1],
                     (array_agg(m.mid ORDER BY r.recv_ns DESC, r.series DESC, r.epoch DESC, r.frame DESC)
                          FILTER (WHERE m.mid IS NOT NULL))[1],
                     min(m.mid), max(m.mid)] AS mids,
               count(r.spread_bps) AS spread_readings, sum(r.spread_bps) AS spread_sum,
               min(r.spread_bps) AS spread_min, max(r.spread_bps) AS spread_max,
               count(r.imbalance) AS imbalance_readings, sum(r.imbalance) AS imbalance_sum
          FROM readings AS r
          JOIN series AS s ON s.id = r.series
         CROSS JOIN LATERAL (
               SELECT (coalesce(r.bid_ticks, r.wide[1])::numeric + coalesce(r.ask_ticks, r.wide[3]))
                      * 5 * (s.price_unit * 0.1) AS mid) AS m
         WHERE r.at >= roll_minutes.since AND r.at < roll_minutes.until
         GROUP BY s.symbol, s.venue, date_bin('1 minute', r.at, 'epoch')
    ), band AS (
        SELECT s.symbol, s.venue, date_bin('1 minute', r.at, 'epoch') AS at, b.bps,
               count(*) AS readings,
               sum((u.bid * s.quote_unit)::float8) AS bid_sum, sum((u.ask * s.quote_unit)::float8) AS ask_sum,
               min(u.bid * s.quote_unit) AS bid_low, min(u.ask * s.quote_unit) AS ask_low,
               min((u.bid + u.ask) * s.quote_unit) AS total_low
          FROM readings AS r
          JOIN series AS s ON s.id = r.series
         CROSS JOIN LATERAL unnest(s.band_bps) WITH ORDINALITY AS b (bps, place)
         CROSS JOIN LATERAL (
               SELECT coalesce(r.band_units[4 * b.place - 2], r.wide[4 * b.place + 2])::numeric AS bid,
                      coalesce(r.band_units[4 * b.place], r.wide[4 * b.place + 4])::numeric AS ask) AS u
         WHERE r.at >= roll_minutes.since AND r.at < roll_minutes.until
         GROUP BY s.symbol, s.venue, date_bin('1 minute', r.at, 'epoch'), b.bps
    ), depth AS (
        SELECT symbol, venue, at, array_agg(bps ORDER BY bps) AS bps,
               array_agg(readings::integer ORDER BY bps) AS readings,
               array_agg(bid_sum ORDER BY bps) AS bid_sum, array_agg(ask_sum ORDER BY bps) AS ask_sum,
               array_agg(bid_low ORDER BY bps) || array_agg(ask_low ORDER BY bps)
                   || array_agg(total_low ORDER BY bps) AS lows
          FROM band GROUP BY symbol, venue, at
    ), fill AS (
        SELECT s.symbol, s.venue, date_bin('1 minute', r.at, 'epoch') AS at, f.taker, f.notional,
               count(*) AS readings, count(*) FILTER (WHERE p.filled) AS filled,
               sum(f.cost_bps) FILTER (WHERE p.filled) AS bps_sum,
               max(f.cost_bps) FILTER (WHERE p.filled) AS bps_max
          FROM readings AS r
          JOIN series AS s ON s.id = r.series
         CROSS JOIN LATERAL unnest(s.fill_taker, s.fill_notional, r.fill_cost_bps)
                    WITH ORDINALITY AS f (taker, notional, cost_bps, place)
         CROSS JOIN LATERAL (SELECT get_bit(r.fill_partial, f.place::int - 1) = 0 AS filled) AS p
         WHERE r.at >= roll_minutes.since AND r.at < roll_minutes.until
         GROUP BY s.symbol, s.venue, date_bin('1 minute', r.at, 'epoch'), f.taker, f.notional
    ), fills AS (
        SELECT symbol, venue, at, array_agg(taker ORDER BY taker, notional) AS taker,
               array_agg(notional ORDER BY taker, notional) AS notional,
               array_agg(readings::integer ORDER BY taker, notional) AS readings,
               array_agg(filled::integer ORDER BY taker, notional) AS filled,
               array_agg(bps_sum ORDER BY taker, notional) AS bps_sum,
               array_agg(bps_max ORDER BY taker, notional) AS bps_max
          FROM fill GROUP BY symbol, venue, at
    )
    SELECT t.symbol, t.venue, t.at, t.readings, t.mid_scale, t.quote_scale,
           CASE WHEN u.fit THEN u.units[1]::bigint END, CASE WHEN u.fit THEN u.units[2]::bigint END,
           CASE WHEN u.fit THEN u.units[3]::bigint END, CASE WHEN u.fit THEN u.units[4]::bigint END,
           t.spread_readings, t.spread_sum, t.spread_min, t.spread_max, t.imbalance_readings, t.imbalance_sum,
           coalesce(d.bps, '{}'), coalesce(d.readings, '{}'), coalesce(d.bid_sum, '{}'), coalesce(d.ask_sum, '{}'),
           CASE WHEN u.fit THEN u.units[5:]::bigint[] END,
           coalesce(f.taker, '{}'), coalesce(f.notional, '{}'), coalesce(f.readings, '{}'),
           coalesce(f.filled, '{}'), coalesce(f.bps_sum, '{}'), coalesce(f.bps_max, '{}'),
           CASE WHEN NOT u.fit THEN u.units END
      FROM touch AS t
      LEFT JOIN depth AS d USING (symbol, venue, at)
      LEFT JOIN fills AS f USING (symbol, venue, at)
     CROSS JOIN LATERAL (
           SELECT units, units_fit(units) AS fit
             FROM units_of(t.mids, t.mid_scale, d.lows, t.quote_scale) AS units) AS u
        ON CONFLICT (symbol, venue, at) DO UPDATE SET (
           readings, mid_scale, quote_scale, mid_first, mid_last, mid_low, mid_high,
           spread_readings, spread_bps_sum, spread_bps_min, spread_bps_max, imbalance_readings,
           imbalance_sum, band_bps, band_readings, band_bid_sum, band_ask_sum, band_low, fill_taker,
           fill_notional, fill_readings, fill_filled, fill_bps_sum, fill_bps_max, wide
           ) = (
           EXCLUDED.readings, EXCLUDED.mid_scale, EXCLUDED.quote_scale, EXCLUDED.mid_first,
           EXCLUDED.mid_last, EXCLUDED.mid_low, EXCLUDED.mid_high, EXCLUDED.spread_readings,
           EXCLUDED.spread_bps_sum, EXCLUDED.spread_bps_min, EXCLUDED.spread_bps_max,
           EXCLUDED.imbalance_readings, EXCLUDED.imbalance_sum, EXCLUDED.band_bps,
           EXCLUDED.band_readings, EXCLUDED.band_bid_sum, EXCLUDED.band_ask_sum, EXCLUDED.band_low,
           EXCLUDED.fill_taker, EXCLUDED.fill_notional, EXCLUDED.fill_readings,
           EXCLUDED.fill_filled, EXCLUDED.fill_bps_sum, EXCLUDED.fill_bps_max, EXCLUDED.wide)
     WHERE EXCLUDED.readings >= old.readings AND old IS DISTINCT FROM EXCLUDED;
    GET DIAGNOSTICS written = ROW_COUNT;
    RETURN written;
END
$$;
COMMENT ON FUNCTION tidegauge.roll_minutes(timestamptz, timestamptz) IS
    'Computes the minutes from since to until, both whole minutes, from their readings. A minute with more readings than there are now is left alone. For roll_up, which is the one to call.';

CREATE FUNCTION tidegauge.roll_hours(since timestamptz, until timestamptz) RETURNS bigint
LANGUAGE plpgsql SET search_path = tidegauge, pg_temp SET plan_cache_mode = force_custom_plan SET jit = off AS $$
#variable_conflict use_column
DECLARE
    written bigint;
BEGIN
    INSERT INTO hours AS old
    WITH minute AS (
        SELECT m.*, date_bin('1 hour', m.at, 'epoch') AS hour,
               ('1e' || -m.mid_scale)::numeric AS mid_unit, ('1e' || -m.quote_scale)::numeric AS quote_unit
          FROM minutes AS m
         WHERE m.at >= roll_hours.since AND m.at < roll_hours.until
    ), touch AS (
        SELECT m.symbol, m.venue, m.hour AS at, sum(m.readings)::bigint AS readings,
               max(m.mid_scale) AS mid_scale, max(m.quote_scale) AS quote_scale,
               ARRAY[(array_agg(coalesce(m.mid_first, m.wide[1]) * m.mid_unit ORDER BY m.at)
                          FILTER (WHERE coalesce(m.mid_first, m.wide[1]) IS NOT NULL))[1],
                     (array_agg(coalesce(m.mid_last, m.wide[2]) * m.mid_unit ORDER BY m.at DESC)
                          FILTER (WHERE coalesce(m.mid_last, m.wide[2]) IS NOT NULL))[1],
                     min(coalesce(m.mid_low, m.wide[3]) * m.mid_unit),
                     max(coalesce(m.mid_high, m.wide[4]) * m.mid_unit)] AS mids,
               sum(m.spread_readings)::bigint AS spread_readings, sum(m.spread_bps_sum) AS spread_sum,
               min(m.spread_bps_min) AS spread_min, max(m.spread_bps_max) AS spread_max,
               sum(m.imbalance_readings)::bigint AS imbalance_readings, sum(m.imbalance_sum) AS imbalance_sum
          FROM minute AS m GROUP BY m.symbol, m.venue, m.hour
    ), band AS (
        SELECT m.symbol, m.venue, m.hour AS at, b.bps, sum(b.readings) AS readings,
               sum(b.bid_sum) AS bid_sum, sum(b.ask_sum) AS ask_sum,
               min(u.bid_low * m.quote_unit) AS bid_low, min(u.ask_low * m.quote_unit) AS ask_low,
               min(u.total_low * m.quote_unit) AS total_low
          FROM minute AS m
         CROSS JOIN LATERAL unnest(m.band_bps, m.band_readings, m.band_bid_sum, m.band_ask_sum)
                    WITH ORDINALITY AS b (bps, readings, bid_sum, ask_sum, place)
         CROSS JOIN LATERAL (SELECT cardinality(m.band_bps) AS bands) AS n
         CROSS JOIN LATERAL (
               SELECT coalesce(m.band_low[b.place], m.wide[4 + b.place]) AS bid_low,
                      coalesce(m.band_low[n.bands + b.place], m.wide[4 + n.bands + b.place]) AS ask_low,
                      coalesce(m.band_low[2 * n.bands + b.place], m.wide[4 + 2 * n.bands + b.place]) AS total_low) AS u
         GROUP BY m.symbol, m.venue, m.hour, b.bps
    ), depth AS (
        SELECT symbol, venue, at, array_agg(bps ORDER BY bps) AS bps,
               array_agg(readings::integer ORDER BY bps) AS readings,
               array_agg(bid_sum ORDER BY bps) AS bid_sum, array_agg(ask_sum ORDER BY bps) AS ask_sum,
               array_agg(bid_low ORDER BY bps) || array_agg(ask_low ORDER BY bps)
                   || array_agg(total_low ORDER BY bps) AS lows
          FROM band GROUP BY symbol, venue, at
    ), fill AS (
        SELECT m.symbol, m.venue, m.hour AS at, f.taker, f.notional,
               sum(f.readings) AS readings, sum(f.filled) AS filled,
               sum(f.bps_sum) AS bps_sum, max(f.bps_max) AS bps_max
          FROM minute AS m
         CROSS JOIN LATERAL unnest(m.fill_taker, m.fill_notional, m.fill_readings, m.fill_filled,
                                   m.fill_bps_sum, m.fill_bps_max)
                    AS f (taker, notional, readings, filled, bps_sum, bps_max)
         GROUP BY m.symbol, m.venue, m.hour, f.taker, f.notional
    ), fills AS (
        SELECT symbol, venue, at, array_agg(taker ORDER BY taker, notional) AS taker,
               array_agg(notional ORDER BY taker, notional) AS notional,
               array_agg(readings::integer ORDER BY taker, notional) AS readings,
               array_agg(filled::integer ORDER BY taker, notional) AS filled,
               array_agg(bps_sum ORDER BY taker, notional) AS bps_sum,
               array_agg(bps_max ORDER BY taker, notional) AS bps_max
          FROM fill GROUP BY symbol, venue, at
    )
    SELECT t.symbol, t.venue, t.at, t.readings, t.mid_scale, t.quote_scale,
           CASE WHEN u.fit THEN u.units[1]::bigint END, CASE WHEN u.fit THEN u.units[2]::bigint END,
           CASE WHEN u.fit THEN u.units[3]::bigint END, CASE WHEN u.fit THEN u.units[4]::bigint END,
           t.spread_readings, t.spread_sum, t.spread_min, t.spread_max, t.imbalance_readings, t.imbalance_sum,
           coalesce(d.bps, '{}'), coalesce(d.readings, '{}'), coalesce(d.bid_sum, '{}'), coalesce(d.ask_sum, '{}'),
           CASE WHEN u.fit THEN u.units[5:]::bigint[] END,
           coalesce(f.taker, '{}'), coalesce(f.notional, '{}'), coalesce(f.readings, '{}'),
           coalesce(f.filled, '{}'), coalesce(f.bps_sum, '{}'), coalesce(f.bps_max, '{}'),
           CASE WHEN NOT u.fit THEN u.units END
      FROM touch AS t
      LEFT JOIN depth AS d USING (symbol, venue, at)
      LEFT JOIN fills AS f USING (symbol, venue, at)
     CROSS JOIN LATERAL (
           SELECT units, units_fit(units) AS fit
             FROM units_of(t.mids, t.mid_scale, d.lows, t.quote_scale) AS units) AS u
        ON CONFLICT (symbol, venue, at) DO UPDATE SET (
           readings, mid_scale, quote_scale, mid_first, mid_last, mid_low, mid_high,
           spread_readings, spread_bps_sum, spread_bps_min, spread_bps_max, imbalance_readings,
           imbalance_sum, band_bps, band_readings, band_bid_sum, band_ask_sum, band_low, fill_taker,
           fill_notional, fill_readings, fill_filled, fill_bps_sum, fill_bps_max, wide
           ) = (
           EXCLUDED.readings, EXCLUDED.mid_scale, EXCLUDED.quote_scale, EXCLUDED.mid_first,
           EXCLUDED.mid_last, EXCLUDED.mid_low, EXCLUDED.mid_high, EXCLUDED.spread_readings,
           EXCLUDED.spread_bps_sum, EXCLUDED.spread_bps_min, EXCLUDED.spread_bps_max,
           EXCLUDED.imbalance_readings, EXCLUDED.imbalance_sum, EXCLUDED.band_bps,
           EXCLUDED.band_readings, EXCLUDED.band_bid_sum, EXCLUDED.band_ask_sum, EXCLUDED.band_low,
           EXCLUDED.fill_taker, EXCLUDED.fill_notional, EXCLUDED.fill_readings,
           EXCLUDED.fill_filled, EXCLUDED.fill_bps_sum, EXCLUDED.fill_bps_max, EXCLUDED.wide)
     WHERE EXCLUDED.readings >= old.readings AND old IS DISTINCT FROM EXCLUDED;
    GET DIAGNOSTICS written = ROW_COUNT;
    RETURN written;
END
$$;
COMMENT ON FUNCTION tidegauge.roll_hours(timestamptz, timestamptz) IS
    'Computes the hours from since to until, both whole hours, from their minutes. For roll_up, which is the one to call.';

CREATE FUNCTION tidegauge.roll_up(since timestamptz, until timestamptz) RETURNS bigint
LANGUAGE plpgsql SET search_path = tidegauge, pg_temp AS $$
DECLARE
    hour    timestamptz;
    written bigint := 0;
BEGIN
    IF NOT since < until THEN
        RETURN 0;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('tidegauge.roll_up', 0));
    FOR hour IN SELECT generate_series(date_bin('1 hour', since, 'epoch'), until - interval '1 microsecond', '1 hour') LOOP
        written := written
            + roll_minutes(greatest(hour, date_bin('1 minute', since, 'epoch')),
                           least(hour + interval '1 hour',
                                 date_bin('1 minute', until + interval '1 minute' - interval '1 microsecond', 'epoch')))
            + roll_hours(hour, hour + interval '1 hour');
    END LOOP;
    RETURN written;
END
$$;
COMMENT ON FUNCTION tidegauge.roll_up(timestamptz, timestamptz) IS
    'Computes anew every minute that overlaps the time from since to until, from the readings that are there, and the hours they are in. Takes nothing away from a minute whose readings are gone. Returns the rows written.';

CREATE FUNCTION tidegauge.not_rolled_up(since timestamptz, until timestamptz) RETURNS SETOF timestamptz
LANGUAGE plpgsql STABLE SET search_path = tidegauge, pg_temp SET plan_cache_mode = force_custom_plan SET jit = off
SET enable_indexscan = off SET enable_indexonlyscan = off AS $$
BEGIN
    -- An index does not know which rows are visible until they are vacuumed: 3.7 s against 0.4.
    RETURN QUERY
    SELECT DISTINCT raw.hour
      FROM (SELECT s.symbol, s.venue, date_bin('1 hour', r.at, 'epoch') AS hour, sum(r.readings) AS readings
              FROM (SELECT series, date_bin('1 hour', at, 'epoch') AS at, count(*) AS readings
                      FROM readings
                     WHERE at >= since AND at < not_rolled_up.until
                     GROUP BY 1, 2) AS r
              JOIN series AS s ON s.id = r.series
             GROUP BY 1, 2, 3) AS raw
      LEFT JOIN (SELECT symbol, venue, date_bin('1 hour', at, 'epoch') AS hour, sum(readings) AS readings
                   FROM minutes
                  WHERE at >= since AND at < not_rolled_up.until
                  GROUP BY 1, 2, 3) AS rolled
             USING (symbol, venue, hour)
     WHERE raw.readings > coalesce(rolled.readings, 0)
     ORDER BY raw.hour;
END
$$;
COMMENT ON FUNCTION tidegauge.not_rolled_up(timestamptz, timestamptz) IS
    'The hours from since to until with readings that no minute counts: they came late, and roll_up is to be called for them.';

CREATE FUNCTION tidegauge.prune(keep_days integer)
RETURNS TABLE (partition text, rows_estimate bigint, bytes bigint)
LANGUAGE plpgsql SET search_path = tidegauge, pg_temp AS $$
#variable_conflict use_column
DECLARE
    old  partitions[];
    each partitions;
    hour timestamptz;
BEGIN
    IF prune.keep_days < 1 THEN
        RAISE EXCEPTION 'keep_days is %, and at least one day is kept', prune.keep_days USING ERRCODE = '22023';
    END IF;
    -- While we wait for a lock, all who want the table wait behind us.
    IF current_setting('lock_timeout') = '0' THEN
        PERFORM set_config('lock_timeout', '2s', true);
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('tidegauge.partitions', 0));
    old := ARRAY(SELECT p FROM partitions AS p WHERE p.until <= now() - make_interval(days => prune.keep_days)
                  ORDER BY p.first, p.table_name);
    FOREACH each IN ARRAY old LOOP
        CONTINUE WHEN each.table_name <> 'readings';
        -- Nothing comes in between what is rolled up and what is dropped.
        EXECUTE format('LOCK TABLE tidegauge.%I IN SHARE MODE', each.partition);
        FOR hour IN SELECT h FROM not_rolled_up(each.first, each.until) AS h LOOP
            PERFORM roll_up(hour, hour + interval '1 hour');
        END LOOP;
    END LOOP;
    -- Only now, and quickly: from the first DROP on nobody reads or writes until we are done.
    FOREACH each IN ARRAY old LOOP
        EXECUTE format('DROP TABLE tidegauge.%I', each.partition);
        partition := each.partition;
        rows_estimate := each.rows_estimate;
        bytes := each.bytes;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION tidegauge.prune(integer) IS
    'Drops the partitions that lie wholly before now less keep_days, having rolled up what was not, and returns them. Waits no longer than lock_timeout, or 2 s, for those who use the tables.';

CREATE VIEW tidegauge.v_minutes AS
SELECT m.at, m.venue, m.symbol, m.readings,
       coalesce(m.mid_first, m.wide[1]) * u.unit AS mid_first,
       coalesce(m.mid_last, m.wide[2]) * u.unit AS mid_last,
       coalesce(m.mid_low, m.wide[3]) * u.unit AS mid_low,
       coalesce(m.mid_high, m.wide[4]) * u.unit AS mid_high,
       m.spread_bps_sum / nullif(m.spread_readings, 0) AS spread_bps_avg,
       m.spread_bps_max, m.spread_bps_min,
       m.imbalance_sum / nullif(m.imbalance_readings, 0) AS imbalance_avg
  FROM tidegauge.minutes AS m
 CROSS JOIN LATERAL (SELECT ('1e' || -m.mid_scale)::numeric AS unit) AS u;
COMMENT ON VIEW tidegauge.v_minutes IS 'The mid, the spread and the imbalance of a book, one row a minute. Mids are exact.';

CREATE VIEW tidegauge.v_depth_minutes AS
SELECT m.at, m.venue, m.symbol, b.band_bps, b.readings,
       b.bid_sum / b.readings AS bid_quote_avg, b.ask_sum / b.readings AS ask_quote_avg,
       coalesce(m.band_low[b.place], m.wide[4 + b.place]) * u.unit AS bid_quote_low,
       coalesce(m.band_low[u.bands + b.place], m.wide[4 + u.bands + b.place]) * u.unit AS ask_quote_low,
       coalesce(m.band_low[2 * u.bands + b.place], m.wide[4 + 2 * u.bands + b.place]) * u.unit AS total_quote_low
  FROM tidegauge.minutes AS m
 CROSS JOIN LATERAL (
       SELECT ('1e' || -m.quote_scale)::numeric AS unit, cardinality(m.band_bps) AS bands) AS u
 CROSS JOIN LATERAL unnest(m.band_bps, m.band_readings, m.band_bid_sum, m.band_ask_sum)
            WITH ORDINALITY AS b (band_bps, readings, bid_sum, ask_sum, place);
COMMENT ON VIEW tidegauge.v_depth_minutes IS
    'What rested within each band of the mid, one row a minute and band: on average, and when it was least. Lows are exact.';

CREATE VIEW tidegauge.v_slippage_minutes AS
SELECT m.at, m.venue, m.symbol, f.taker, f.notional, f.readings, f.filled,
       f.bps_sum / nullif(f.filled, 0) AS slippage_bps_avg, f.bps_max AS slippage_bps_max
  FROM tidegauge.minutes AS m
 CROSS JOIN LATERAL unnest(m.fill_taker, m.fill_notional, m.fill_readings, m.fill_filled,
                           m.fill_bps_sum, m.fill_bps_max)
            AS f (taker, notional, readings, filled, bps_sum, bps_max);
COMMENT ON VIEW tidegauge.v_slippage_minutes IS
    'What taking each notional would have cost, one row a minute, size and side.';

CREATE VIEW tidegauge.v_hours AS
SELECT m.at, m.venue, m.symbol, m.readings,
       coalesce(m.mid_first, m.wide[1]) * u.unit AS mid_first,
       coalesce(m.mid_last, m.wide[2]) * u.unit AS mid_last,
       coalesce(m.mid_low, m.wide[3]) * u.unit AS mid_low,
       coalesce(m.mid_high, m.wide[4]) * u.unit AS mid_high,
       m.spread_bps_sum / nullif(m.spread_readings, 0) AS spread_bps_avg,
       m.spread_bps_max, m.spread_bps_min,
       m.imbalance_sum / nullif(m.imbalance_readings, 0) AS imbalance_avg
  FROM tidegauge.hours AS m
 CROSS JOIN LATERAL (SELECT ('1e' || -m.mid_scale)::numeric AS unit) AS u;
COMMENT ON VIEW tidegauge.v_hours IS 'The mid, the spread and the imbalance of a book, one row a hour. Mids are exact.';

CREATE VIEW tidegauge.v_depth_hours AS
SELECT m.at, m.venue, m.symbol, b.band_bps, b.readings,
       b.bid_sum / b.readings AS bid_quote_avg, b.ask_sum / b.readings AS ask_quote_avg,
       coalesce(m.band_low[b.place], m.wide[4 + b.place]) * u.unit AS bid_quote_low,
       coalesce(m.band_low[u.bands + b.place], m.wide[4 + u.bands + b.place]) * u.unit AS ask_quote_low,
       coalesce(m.band_low[2 * u.bands + b.place], m.wide[4 + 2 * u.bands + b.place]) * u.unit AS total_quote_low
  FROM tidegauge.hours AS m
 CROSS JOIN LATERAL (
       SELECT ('1e' || -m.quote_scale)::numeric AS unit, cardinality(m.band_bps) AS bands) AS u
 CROSS JOIN LATERAL unnest(m.band_bps, m.band_readings, m.band_bid_sum, m.band_ask_sum)
            WITH ORDINALITY AS b (band_bps, readings, bid_sum, ask_sum, place);
COMMENT ON VIEW tidegauge.v_depth_hours IS
    'What rested within each band of the mid, one row a hour and band: on average, and when it was least. Lows are exact.';

CREATE VIEW tidegauge.v_slippage_hours AS
SELECT m.at, m.venue, m.symbol, f.taker, f.notional, f.readings, f.filled,
       f.bps_sum / nullif(f.filled, 0) AS slippage_bps_avg, f.bps_max AS slippage_bps_max
  FROM tidegauge.hours AS m
 CROSS JOIN LATERAL unnest(m.fill_taker, m.fill_notional, m.fill_readings, m.fill_filled,
                           m.fill_bps_sum, m.fill_bps_max)
            AS f (taker, notional, readings, filled, bps_sum, bps_max);
COMMENT ON VIEW tidegauge.v_slippage_hours IS
    'What taking each notional would have cost, one row a hour, size and side.';

-- -- trust ----------------------------------------------------------------------------------------

ALTER TABLE tidegauge.feed_events ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY;
CREATE INDEX feed_events_of_trust ON tidegauge.feed_events (venue, symbol, at) WHERE kind = 'trust';

CREATE VIEW tidegauge.v_feed_trust AS
SELECT venue, symbol, instrument, run, trust, reason, at AS since,
       lead(at) OVER next_one AS until, lead(at) OVER next_one - at AS lasted, detail, trace
  FROM tidegauge.feed_events
 WHERE kind = 'trust'
WINDOW next_one AS (PARTITION BY run, venue, symbol, instrument ORDER BY at_ns, number);
COMMENT ON VIEW tidegauge.v_feed_trust IS
    'From when until when a book could be believed, and why not: one row a spell of one state and reason.';

-- -- incidents and leases --------------------------------------------------------------------------

CREATE TABLE tidegauge.incidents (
    id                 text PRIMARY KEY,
    run                text NOT NULL,
    symbol             text NOT NULL,
    family             text NOT NULL,
    state              text NOT NULL,
    severity           text NOT NULL,
    worst_severity     text NOT NULL,
    trigger            text NOT NULL,
    impact_quote       numeric,
    action             text NOT NULL,
    opened_at          timestamptz NOT NULL,
    acknowledged_at    timestamptz,
    acknowledged_by    text,
    acknowledged_until timestamptz,
    mitigated_at       timestamptz,
    mitigated_by       text,
    resolved_at        timestamptz,
    resolved_by        text,
    version            bigint NOT NULL,
    alerts             text[] NOT NULL,
    postmortem         text,
    updated_at         timestamptz NOT NULL,
    updated_ns         bigint NOT NULL
);
CREATE INDEX incidents_by_time ON tidegauge.incidents (opened_at);
COMMENT ON TABLE tidegauge.incidents IS 'Every incident as it stands now. How it came there is in incident_events.';

CREATE TABLE tidegauge.incident_events (
    id            uuid PRIMARY KEY,
    incident_id   text NOT NULL,
    number        bigint NOT NULL,
    at            timestamptz NOT NULL,
    at_ns         bigint NOT NULL,
    kind          text NOT NULL,
    actor         text NOT NULL,
    comment       text NOT NULL,
    from_state    text,
    to_state      text,
    detail        jsonb,
    previous_hash text NOT NULL,
    hash          text NOT NULL
);
CREATE INDEX incident_events_by_incident ON tidegauge.incident_events (incident_id, number);
COMMENT ON TABLE tidegauge.incident_events IS 'What happened to each incident, and who did it. Nothing here is ever changed.';

CREATE VIEW tidegauge.v_incidents AS
SELECT opened_at, resolved_at, state, severity, worst_severity, symbol, family, trigger, impact_quote, action,
       acknowledged_at, acknowledged_by, acknowledged_until, mitigated_at, mitigated_by, resolved_by,
       acknowledged_at - opened_at AS to_acknowledge, mitigated_at - opened_at AS to_mitigate,
       resolved_at - opened_at AS to_resolve,
       alerts, postmortem, updated_at, version, run, id
  FROM tidegauge.incidents;
COMMENT ON VIEW tidegauge.v_incidents IS 'Incidents as they stand, with how long each took to be acknowledged, mitigated and resolved.';

CREATE TABLE tidegauge.leases (
    symbol             text PRIMARY KEY,
    holder             text NOT NULL,
    host               text NOT NULL,
    pid                integer NOT NULL,
    process_started_ns bigint NOT NULL,
    acquired_at        timestamptz NOT NULL,
    renewed_at         timestamptz NOT NULL,
    expires_at         timestamptz NOT NULL,
    fence              bigint NOT NULL
);
COMMENT ON TABLE tidegauge.leases IS 'Who watches each symbol: one daemon a symbol and database.';

-- -- what every column is ---------------------------------------------------------------------------
-- Those of one relation first; then, by their name, those that say nothing yet.

DO $$
DECLARE
    said record;
BEGIN
    FOR said IN
        SELECT relation, word, sentence FROM (VALUES
            ('partitions', 'table_name', 'readings or market.'),
            ('partitions', 'partition', 'Its name: that of the table and its day, in UTC.'),
            ('partitions', 'first', 'The first instant it holds.'),
            ('partitions', 'until', 'The first instant it does not hold any more.'),
            ('partitions', 'rows_estimate', 'Rows, as PostgreSQL last estimated them.'),
            ('partitions', 'bytes', 'What it takes on disk, its indexes included.'),
            ('schema_migrations', 'version', 'The number the file begins with.'),
            ('schema_migrations', 'name', 'The rest of the name of the file.'),
            ('schema_migrations', 'checksum', 'The SHA-256 of the file, as it was applied.'),
            ('schema_migrations', 'applied_at', 'When it was applied.'),
            ('runs', 'started_at', 'When it started.'),
            ('instruments', 'base', 'What is bought or sold.'),
            ('instruments', 'quote', 'What it is paid in.'),
            ('instruments', 'updated_at', 'When the catalogue said so.'),
            ('feed_events', 'at', 'When it happened (at_ns, to the microsecond).'),
            ('feed_events', 'at_ns', 'When it happened, UTC nanoseconds.'),
            ('feed_events', 'number', 'Counts the rows as they came: of two events of a run at one nanosecond, the later has the greater.'),
            ('feed_events', 'detail', 'The venue''s words, or ours.'),
            ('v_feed_events', 'at', 'When it happened.'),
            ('v_feed_events', 'id', 'The row of feed_events.'),
            ('v_feed_trust', 'trust', 'What the book was: live, syncing, stale or untrusted. Only a live book gives readings.'),
            ('v_feed_trust', 'reason', 'Why it became so.'),
            ('v_feed_trust', 'since', 'From when on.'),
            ('v_feed_trust', 'until', 'Until when; null: it still is so, as of the last word of the run.'),
            ('v_feed_trust', 'lasted', 'How long; null while it is so.'),
            ('v_feed_trust', 'trace', 'The frame that made it so.'),
            ('v_readings', 'at', 'When the reading was taken, to the microsecond.'),
            ('v_readings', 'recv_ns', 'When the reading was taken, UTC nanoseconds.'),
            ('v_readings', 'quotability', 'quoted, or one_sided: then what takes both sides is null.'),
            ('v_readings', 'best_bid', 'The highest bid, in quote.'),
            ('v_readings', 'best_bid_size', 'What is bid there, in base.'),
            ('v_readings', 'best_ask', 'The lowest ask, in quote.'),
            ('v_readings', 'best_ask_size', 'What is asked there, in base.'),
            ('v_readings', 'microprice', 'The mid weighted by the sizes at the touch, in quote.'),
            ('v_readings', 'spread', 'The best ask less the best bid, in quote.'),
            ('v_readings', 'spread_bps', 'The spread over the mid, in basis points.'),
            ('v_readings', 'imbalance', '(bid - ask) / (bid + ask) over base sizes of the top levels, -1 to 1.'),
            ('v_readings', 'bid_levels', 'Levels in the book, bid side.'),
            ('v_readings', 'ask_levels', 'Levels in the book, ask side.'),
            ('v_readings', 'feed_age_ms', 'Age of the last frame that proved liveness, in milliseconds.'),
            ('v_readings', 'latency_ms', 'Receive less venue time, in excess of the smallest seen, in milliseconds.'),
            ('v_readings', 'venue_time', 'The venue''s own time of the update.'),
            ('v_readings', 'sequence', 'The venue''s last update id in the book.'),
            ('v_readings', 'id', 'Names the reading: series/recv_ns/epoch/frame.'),
            ('v_depth', 'band_bps', 'The band: so many basis points about the mid.'),
            ('v_depth', 'bid_base', 'What is bid within the band, in base.'),
            ('v_depth', 'bid_quote', 'What is bid within the band, in quote.'),
            ('v_depth', 'ask_base', 'What is asked within the band, in base.'),
            ('v_depth', 'ask_quote', 'What is asked within the band, in quote.'),
            ('v_depth', 'total_quote', 'bid_quote + ask_quote.'),
            ('v_depth', 'bid_complete', 'Whether the band lies within the known range of the bids; if not, its depth is a floor.'),
            ('v_depth', 'ask_complete', 'Whether the band lies within the known range of the asks; if not, its depth is a floor.'),
            ('v_depth', 'imbalance', '(bid_quote - ask_quote) / total_quote, -1 to 1; null of an empty band.'),
            ('v_slippage', 'filled', 'Whether the side holds that much.'),
            ('v_slippage', 'filled_fraction', 'How much of the notional the side holds, 0 to 1.'),
            ('v_slippage', 'base', 'Base that was bought or sold.'),
            ('v_slippage', 'average', 'The average price, in quote.'),
            ('v_slippage', 'worst', 'The price of the last level reached, in quote.'),
            ('v_slippage', 'slippage_bps', 'The average against the mid, in basis points; null unless all of it was filled.'),
            ('v_slippage', 'partial_slippage_bps', 'The same of the part that was filled; null when all of it was.'),
            ('v_slippage', 'slippage_cost', 'What the slippage costs, in quote; null unless all of it was filled.'),
            ('v_slippage', 'floor', 'Whether the walk ended beyond the known range: the book may hold more.'),
            ('v_max_size', 'bps', 'The slippage, in basis points, within which it stays.'),
            ('v_max_size', 'notional', 'The largest notional that stays within it, in quote.'),
            ('v_max_size', 'floor', 'Whether the walk ended beyond the known range: the book may bear more.'),
            ('v_market', 'at', 'The end of the span, to the microsecond.'),
            ('v_market', 'since', 'The beginning of the span.'),
            ('v_market', 'recv_ns', 'The end of the span, UTC nanoseconds.'),
            ('v_market', 'number', 'Counts the rows of a book in a run, from 1; a hole is a row that was given up.'),
            ('v_market', 'id', 'The row of market.'),
            ('v_market', 'trace', 'venue/epoch/frame: the last frame in it.'),
            ('v_market', 'last_price', 'Of the newest trade, in quote.'),
            ('v_market', 'trades', 'Trades in the span.'),
            ('v_market', 'buy_base', 'Base bought by takers.'),
            ('v_market', 'buy_quote', 'Quote paid by takers that bought.'),
            ('v_market', 'sell_base', 'Base sold by takers.'),
            ('v_market', 'sell_quote', 'Quote had by takers that sold.'),
            ('v_market', 'mark', 'The mark price, in quote.'),
            ('v_market', 'index', 'The index price, in quote.'),
            ('v_market', 'premium_bps', 'The mark over the index, in basis points of the index.'),
            ('v_market', 'funding_rate', 'A fraction for funding_interval_s, positive when longs pay.'),
            ('v_market', 'funding_interval_s', 'Seconds between two fundings.'),
            ('v_market', 'funding_8h', 'The funding rate of eight hours, so that venues compare.'),
            ('v_market', 'next_funding_at', 'When the next funding is due.'),
            ('v_market', 'open_interest', 'In base.'),
            ('v_market', 'open_interest_quote', 'In quote, at the mark.'),
            ('v_market', 'liquidations', 'Positions the venue closed by force in the span; null where it does not tell of them.'),
            ('v_market', 'liquidated_long_quote', 'Notional of the longs among them.'),
            ('v_market', 'liquidated_short_quote', 'Notional of the shorts among them.'),
            ('v_alerts', 'lasted', 'How long it lasted; null while it does.'),
            ('v_alerts', 'fired_at', 'When it first fired; null when it never did.'),
            ('v_alerts', 'id', 'The row of alerts, and alert_changes.alert_id.'),
            ('minutes', 'at', 'When the minute begins.'),
            ('hours', 'at', 'When the hour begins.'),
            ('incidents', 'id', 'The opening time and a hash of what opened it; the same in every replay.'),
            ('incidents', 'run', 'The run that last changed it (runs.id).'),
            ('incidents', 'alerts', 'The alerts that joined it (alerts.id).'),
            ('incidents', 'version', 'Counts its changes; one is made only to the version it was decided on.'),
            ('incidents', 'updated_ns', 'updated_at in nanoseconds: the newest change wins.'),
            ('v_incidents', 'id', 'The row of incidents, and incident_events.incident_id.'),
            ('v_incidents', 'run', 'The run that last changed it (runs.id).'),
            ('v_incidents', 'alerts', 'The alerts that joined it (alerts.id).'),
            ('v_incidents', 'version', 'Counts its changes.'),
            ('v_incidents', 'to_acknowledge', 'How long until somebody acknowledged it; null: nobody did.'),
            ('v_incidents', 'to_mitigate', 'How long until it was mitigated; null: it was not.'),
            ('v_incidents', 'to_resolve', 'How long until it was resolved; null: it was not.'),
            ('incident_events', 'id', 'Sent twice, stored once.'),
            ('incident_events', 'incident_id', 'The incident it happened to (incidents.id).'),
            ('incident_events', 'number', 'Counts the events of an incident, from 1.'),
            ('incident_events', 'at', 'When it happened (at_ns, to the microsecond).'),
            ('incident_events', 'at_ns', 'When it happened, UTC nanoseconds.'),
            ('incident_events', 'kind', 'opened, joined, acknowledged, mitigated, resolved, reopened, commented, ...'),
            ('incident_events', 'actor', 'Who did it: a person, or the daemon.'),
            ('incident_events', 'comment', 'What they said of it.'),
            ('incident_events', 'from_state', 'The state before; null when it was not there.'),
            ('incident_events', 'to_state', 'The state after; null when it stayed.'),
            ('incident_events', 'detail', 'What else belongs to it.'),
            ('incident_events', 'previous_hash', 'The hash of the event before, so that none can be taken out or changed unseen.'),
            ('incident_events', 'hash', 'The hash of this event and of previous_hash.'),
            ('leases', 'symbol', 'The symbol that is watched.'),
            ('leases', 'holder', 'The run that watches it (runs.id).'),
            ('leases', 'host', 'The machine it runs on.'),
            ('leases', 'pid', 'Its process there.'),
            ('leases', 'process_started_ns', 'When that process started, UTC nanoseconds: a process id is used again.'),
            ('leases', 'acquired_at', 'When it took the lease.'),
            ('leases', 'renewed_at', 'When it last renewed it.'),
            ('leases', 'expires_at', 'When another may take it.'),
            ('leases', 'fence', 'Grows with every holder: who holds an older one has lost the lease.')
        ) AS one (relation, word, sentence)
        UNION ALL
        SELECT relation, word, sentence
          FROM unnest(ARRAY['minutes', 'hours']) AS relation, (VALUES
            ('readings', 'Readings that were taken in it.'),
            ('mid_scale', 'A unit of mid_first, mid_last, mid_low and mid_high is 10^-mid_scale of the quote.'),
            ('quote_scale', 'A unit of band_low is 10^-quote_scale of the quote.'),
            ('mid_first', 'The first mid that was known, in units; null where none was, or where wide holds it.'),
            ('mid_last', 'The last mid that was known, in units.'),
            ('mid_low', 'The lowest mid, in units.'),
            ('mid_high', 'The highest mid, in units.'),
            ('spread_readings', 'Readings whose spread was known.'),
            ('spread_bps_sum', 'The sum of their spreads, in basis points.'),
            ('spread_bps_min', 'The least of them, in basis points.'),
            ('spread_bps_max', 'The greatest of them, in basis points.'),
            ('imbalance_readings', 'Readings whose imbalance was known.'),
            ('imbalance_sum', 'The sum of their imbalances.'),
            ('band_bps', 'The bands about the mid, in basis points; the other band_ arrays go with it, place by place.'),
            ('band_readings', 'Readings of each band.'),
            ('band_bid_sum', 'The sum of what was bid within each, in quote.'),
            ('band_ask_sum', 'The sum of what was asked within each, in quote.'),
            ('band_low', 'The least that was bid within each band; after them the least that was asked; after them the least of both together. In units; null where wide holds them.'),
            ('fill_taker', 'buy or sell; the other fill_ arrays go with it, place by place.'),
            ('fill_notional', 'Quote to be spent (buy) or received (sell).'),
            ('fill_readings', 'Readings that measured it.'),
            ('fill_filled', 'Those of them in which all of it would have been filled.'),
            ('fill_bps_sum', 'The sum of the slippage in those, in basis points; null where there was none.'),
            ('fill_bps_max', 'The greatest slippage in those, in basis points.'),
            ('wide', 'Null, but for a row with an integer beyond a bigint: then all its integers, which are null in their own columns. mid_first, mid_last, mid_low, mid_high, band_low.')
        ) AS each (word, sentence)
    LOOP
        EXECUTE format('COMMENT ON COLUMN tidegauge.%I.%I IS %L', said.relation, said.word, said.sentence);
    END LOOP;

    FOR said IN
        SELECT c.relname AS relation, word, sentence FROM (VALUES
            ('run', 'The run that told of it (runs.id).'),
            ('venue', 'The exchange market by our name: binance, bybit-linear, ...'),
            ('symbol', 'Our name for what is traded.'),
            ('instrument', 'The venue''s own name of it; null when it concerns the whole venue.'),
            ('at', 'When the reading was taken; of a rollup, when its minute or hour begins.'),
            ('trace', 'venue/epoch/frame: the frame that caused it, within a run.'),
            ('reading', 'The reading it belongs to (v_readings.id).'),
            ('mid', 'Half way between the best bid and the best ask, in quote. Exact.'),
            ('taker', 'buy or sell.'),
            ('notional', 'Quote to be spent (buy) or received (sell).'),
            ('kind', 'connected, disconnected, subscribed, gap, resync, trust, ...'),
            ('trust', 'What the book became, where kind is trust.'),
            ('reason', 'Why it became so.'),
            ('detail', 'The venue''s words, or ours.'),
            ('signal', 'What was judged: liquidity_crunch, ...'),
            ('severity', 'info, warning, high or critical.'),
            ('worst_severity', 'The worst it has been.'),
            ('state', 'pending, firing or resolved; of an incident open, acknowledged, mitigated or resolved.'),
            ('cause', 'The input that breached first; value, threshold and baseline are its own.'),
            ('causes', 'All inputs that breach.'),
            ('value', 'The input as it was measured; a ratio or a statistic.'),
            ('threshold', 'What it is not to pass.'),
            ('baseline', 'What is usual.'),
            ('sentence', 'The alert in plain words.'),
            ('action', 'What is recommended.'),
            ('started_at', 'When it began.'),
            ('ended_at', 'When it ended; null while it has not.'),
            ('unobserved_since', 'Since when the book behind a firing alert is not trusted.'),
            ('updated_at', 'When it last changed.'),
            ('updated_ns', 'updated_at in nanoseconds.'),
            ('readings', 'Readings that were taken in it.'),
            ('mid_first', 'The first mid that was known, in quote. Exact.'),
            ('mid_last', 'The last mid that was known, in quote. Exact.'),
            ('mid_low', 'The lowest mid, in quote. Exact.'),
            ('mid_high', 'The highest mid, in quote. Exact.'),
            ('spread_bps_avg', 'The average spread over the mid, in basis points.'),
            ('spread_bps_min', 'The least spread over the mid, in basis points.'),
            ('spread_bps_max', 'The greatest spread over the mid, in basis points.'),
            ('imbalance_avg', 'The average imbalance, -1 to 1.'),
            ('band_bps', 'The band: so many basis points about the mid.'),
            ('bid_quote_avg', 'What was bid within the band, on average, in quote.'),
            ('ask_quote_avg', 'What was asked within the band, on average, in quote.'),
            ('bid_quote_low', 'The least that was bid within the band, in quote. Exact.'),
            ('ask_quote_low', 'The least that was asked within the band, in quote. Exact.'),
            ('total_quote_low', 'The least that was bid and asked together, in quote. Exact.'),
            ('filled', 'Readings in which all of it would have been filled.'),
            ('slippage_bps_avg', 'The average slippage in those, in basis points; null where there was none.'),
            ('slippage_bps_max', 'The greatest slippage in those, in basis points.'),
            ('family', 'liquidity, divergence, stress, feed or exposure: one open incident a symbol and family.'),
            ('trigger', 'What opened it, in plain words.'),
            ('impact_quote', 'What it costs for the configured size, in quote; null when unknown.'),
            ('opened_at', 'When it was opened.'),
            ('acknowledged_at', 'When somebody took it on; null when nobody has.'),
            ('acknowledged_by', 'Who.'),
            ('acknowledged_until', 'Until when their word holds; null: until it ends.'),
            ('mitigated_at', 'When the harm was stopped.'),
            ('mitigated_by', 'By whom.'),
            ('resolved_at', 'When it was over.'),
            ('resolved_by', 'Who said so: a person, or the daemon.'),
            ('alerts', 'The alerts that joined it (alerts.id).'),
            ('postmortem', 'Where to read what was learnt.')
        ) AS any_one (word, sentence)
          JOIN pg_attribute AS a ON a.attname = word AND NOT a.attisdropped
          JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
         WHERE c.relnamespace = 'tidegauge'::regnamespace AND col_description(c.oid, a.attnum) IS NULL
    LOOP
        EXECUTE format('COMMENT ON COLUMN tidegauge.%I.%I IS %L', said.relation, said.word, said.sentence);
    END LOOP;

    PERFORM tidegauge.make_partitions((now() AT TIME ZONE 'UTC')::date - 1, (now() AT TIME ZONE 'UTC')::date + 7);
END
$$;
