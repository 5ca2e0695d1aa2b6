-- Readings as integers of their instrument's scales; what a run of them has in common is told once.
-- Rows of the earlier readings are moved over: each figure that was stored is the same number still.

DROP VIEW tidegauge.v_readings, tidegauge.v_depth, tidegauge.v_slippage;
ALTER TABLE tidegauge.readings RENAME TO first_readings;
ALTER INDEX tidegauge.readings_pkey RENAME TO first_readings_pkey;
DROP INDEX tidegauge.readings_by_book, tidegauge.readings_by_time;

CREATE TABLE tidegauge.series (
    id            bigint PRIMARY KEY,
    run           text NOT NULL,
    venue         text NOT NULL,
    symbol        text NOT NULL,
    instrument    text NOT NULL,
    price_scale   integer NOT NULL,
    base_scale    integer NOT NULL,
    quote_scale   integer NOT NULL,
    band_bps      integer[] NOT NULL,
    fill_taker    text[] NOT NULL,
    fill_notional numeric[] NOT NULL,
    max_taker     text[] NOT NULL,
    max_bps       integer[] NOT NULL,
    max_scale     integer[] NOT NULL,
    price_unit    numeric NOT NULL GENERATED ALWAYS AS (('1e' || (-price_scale)::text)::numeric) STORED,
    base_unit     numeric NOT NULL GENERATED ALWAYS AS (('1e' || (-base_scale)::text)::numeric) STORED,
    quote_unit    numeric NOT NULL GENERATED ALWAYS AS (('1e' || (-quote_scale)::text)::numeric) STORED
);
CREATE INDEX series_by_book ON tidegauge.series (venue, symbol);
CREATE INDEX series_by_run ON tidegauge.series (run);
COMMENT ON TABLE tidegauge.series IS
    'What a run of readings of one book has in common: whose they are, the scales of their integers, and what was asked of the book. A new one begins when any of it changes.';
COMMENT ON COLUMN tidegauge.series.id IS 'A 63-bit hash of all the rest: sent twice, stored once.';
COMMENT ON COLUMN tidegauge.series.run IS 'The run that took the readings (runs.id).';
COMMENT ON COLUMN tidegauge.series.venue IS 'The exchange market by our name: binance, bybit-linear, ...';
COMMENT ON COLUMN tidegauge.series.symbol IS 'Our name for what is traded.';
COMMENT ON COLUMN tidegauge.series.instrument IS 'The venue''s own name of the book.';
COMMENT ON COLUMN tidegauge.series.price_scale IS 'A tick is 10^-price_scale of the quote.';
COMMENT ON COLUMN tidegauge.series.base_scale IS 'A unit of base is 10^-base_scale.';
COMMENT ON COLUMN tidegauge.series.quote_scale IS 'A unit of quote is 10^-quote_scale.';
COMMENT ON COLUMN tidegauge.series.band_bps IS 'The bands about the mid, in basis points; readings.band_units holds four sums of each.';
COMMENT ON COLUMN tidegauge.series.fill_taker IS 'buy or sell; the fill_ arrays here and in readings go together, place by place.';
COMMENT ON COLUMN tidegauge.series.fill_notional IS 'Quote to be spent (buy) or received (sell).';
COMMENT ON COLUMN tidegauge.series.max_taker IS 'buy or sell; the max_ arrays here and in readings go together, place by place.';
COMMENT ON COLUMN tidegauge.series.max_bps IS 'The slippage, in basis points, within which readings.max_units stays.';
COMMENT ON COLUMN tidegauge.series.max_scale IS 'A unit of readings.max_units is 10^-max_scale of the quote.';
COMMENT ON COLUMN tidegauge.series.price_unit IS 'What a tick is, in quote. Ticks times this is the exact price.';
COMMENT ON COLUMN tidegauge.series.base_unit IS 'What a unit of base is, in base.';
COMMENT ON COLUMN tidegauge.series.quote_unit IS 'What a unit of quote is, in quote.';

CREATE TABLE tidegauge.readings (
    series        bigint NOT NULL REFERENCES tidegauge.series,
    recv_ns       bigint NOT NULL,
    at            timestamptz NOT NULL,
    epoch         bigint NOT NULL,
    frame         bigint NOT NULL,
    sequence      bigint NOT NULL,
    feed_age_ns   bigint NOT NULL,
    bid_levels    integer NOT NULL,
    ask_levels    integer NOT NULL,
    venue_time    timestamptz,
    latency_ns    bigint,
    bid_ticks     bigint,
    bid_units     bigint,
    ask_ticks     bigint,
    ask_units     bigint,
    microprice    float8,
    spread_bps    float8,
    imbalance     float8,
    band_units    bigint[],
    fill_cost_bps float8[] NOT NULL,
    fill_base     float8[] NOT NULL,
    fill_worst    bigint[],
    max_units     bigint[],
    band_floor    bit varying NOT NULL,
    fill_partial  bit varying NOT NULL,
    fill_floor    bit varying NOT NULL,
    max_floor     bit varying NOT NULL,
    fill_fraction float8[],
    wide          numeric[],
    PRIMARY KEY (series, at, recv_ns, epoch, frame)
);
CREATE INDEX readings_by_time ON tidegauge.readings USING brin (at);
COMMENT ON TABLE tidegauge.readings IS
    'One instant''s measurements of one live book, as integers of the scales of its series. Null is unknown. The views v_readings, v_depth and v_slippage tell them as numbers.';
COMMENT ON COLUMN tidegauge.readings.series IS 'Whose reading it is, its scales, and what was asked (series.id).';
COMMENT ON COLUMN tidegauge.readings.recv_ns IS 'When the reading was taken, UTC nanoseconds; recv_ns - feed_age_ns is when the book last changed.';
COMMENT ON COLUMN tidegauge.readings.at IS 'recv_ns to the microsecond below: as its frame came, or at the cadence from an unchanged book.';
COMMENT ON COLUMN tidegauge.readings.epoch IS 'The connection the book belonged to.';
COMMENT ON COLUMN tidegauge.readings.frame IS 'The frame, counted in its epoch, that last changed the book.';
COMMENT ON COLUMN tidegauge.readings.sequence IS 'The venue''s last update id in the book.';
COMMENT ON COLUMN tidegauge.readings.feed_age_ns IS 'Age of the last frame that proved liveness, in nanoseconds.';
COMMENT ON COLUMN tidegauge.readings.bid_levels IS 'Levels in the book, bid side.';
COMMENT ON COLUMN tidegauge.readings.ask_levels IS 'Levels in the book, ask side.';
COMMENT ON COLUMN tidegauge.readings.venue_time IS 'The venue''s own time of the update.';
COMMENT ON COLUMN tidegauge.readings.latency_ns IS 'Receive less venue time, in excess of the smallest seen, in nanoseconds.';
COMMENT ON COLUMN tidegauge.readings.bid_ticks IS 'The best bid, in ticks; null where the side is empty, or wide holds it.';
COMMENT ON COLUMN tidegauge.readings.bid_units IS 'The size at the best bid, in units of base.';
COMMENT ON COLUMN tidegauge.readings.ask_ticks IS 'The best ask, in ticks.';
COMMENT ON COLUMN tidegauge.readings.ask_units IS 'The size at the best ask, in units of base.';
COMMENT ON COLUMN tidegauge.readings.microprice IS 'The mid weighted by the sizes at the touch, in quote.';
COMMENT ON COLUMN tidegauge.readings.spread_bps IS 'The spread over the mid, in basis points.';
COMMENT ON COLUMN tidegauge.readings.imbalance IS '(bid - ask) / (bid + ask) over base sizes of the top levels, -1 to 1.';
COMMENT ON COLUMN tidegauge.readings.band_units IS 'Four a band: bid base, bid quote, ask base, ask quote, in units of base and of quote. Null where wide holds them.';
COMMENT ON COLUMN tidegauge.readings.fill_cost_bps IS 'Slippage of what was filled, in basis points of the mid.';
COMMENT ON COLUMN tidegauge.readings.fill_base IS 'Base that was filled.';
COMMENT ON COLUMN tidegauge.readings.fill_worst IS 'The price of the last level reached, in ticks. Null where wide holds them.';
COMMENT ON COLUMN tidegauge.readings.max_units IS 'The largest notional whose slippage stays within series.max_bps, rounded down, in units of series.max_scale. Null where wide holds them.';
COMMENT ON COLUMN tidegauge.readings.band_floor IS 'Two bits a band, bid and ask. 1: the band ends beyond the known range, and its depth is a floor.';
COMMENT ON COLUMN tidegauge.readings.fill_partial IS 'A bit a fill. 1: the side holds less than that.';
COMMENT ON COLUMN tidegauge.readings.fill_floor IS 'A bit a fill. 1: the walk ended beyond the known range, and the book may hold more.';
COMMENT ON COLUMN tidegauge.readings.max_floor IS 'A bit a size. 1: the walk ended beyond the known range, and the book may bear more.';
COMMENT ON COLUMN tidegauge.readings.fill_fraction IS 'How much of each notional was filled; null: all of all of them.';
COMMENT ON COLUMN tidegauge.readings.wide IS
    'Null, but for a reading with an integer beyond a bigint: then all its integers, which are null in their own columns. bid_ticks, bid_units, ask_ticks, ask_units, band_units, fill_worst, max_units.';

-- -- the rows that were there ---------------------------------------------------------------------

CREATE TEMP TABLE moved_readings ON COMMIT DROP AS
SELECT r.id,
       ('x' || left(md5(ROW(run, venue, symbol, instrument, band_bps, fill_taker, fill_notional,
                            max_taker, max_bps)::text), 16))::bit(64)::bigint
           & 9223372036854775807 AS series,
       greatest(scale(best_bid), scale(best_ask),
                (SELECT max(scale(p)) FROM unnest(fill_worst) AS p)) AS price_scale,
       greatest(scale(best_bid_size), scale(best_ask_size),
                (SELECT max(scale(b)) FROM unnest(band_bid_base || band_ask_base) AS b)) AS base_scale,
       (SELECT max(scale(q)) FROM unnest(band_bid_quote || band_ask_quote) AS q) AS quote_scale,
       (SELECT max(scale(m)) FROM unnest(max_notional) AS m) AS max_scale
  FROM tidegauge.first_readings AS r;

INSERT INTO tidegauge.series (id, run, venue, symbol, instrument, price_scale, base_scale,
                              quote_scale, band_bps, fill_taker, fill_notional, max_taker, max_bps,
                              max_scale)
SELECT m.series, max(run), max(venue), max(symbol), max(instrument),
       coalesce(max(m.price_scale), 0), coalesce(max(m.base_scale), 0),
       coalesce(max(m.quote_scale), 0),
       max(band_bps), max(fill_taker), max(fill_notional), max(max_taker), max(max_bps),
       array_fill(coalesce(max(m.max_scale), 0), ARRAY[max(cardinality(max_bps))])
  FROM tidegauge.first_readings JOIN moved_readings AS m USING (id)
 GROUP BY m.series;

INSERT INTO tidegauge.readings
SELECT s.id, r.recv_ns, r.at, r.epoch, r.frame, r.sequence, r.feed_age_ns,
       r.bid_levels, r.ask_levels, r.venue_time, r.latency_ns,
       CASE WHEN n.fit THEN n.units[1]::bigint END, CASE WHEN n.fit THEN n.units[2]::bigint END,
       CASE WHEN n.fit THEN n.units[3]::bigint END, CASE WHEN n.fit THEN n.units[4]::bigint END,
       r.microprice, r.spread_bps, r.imbalance,
       CASE WHEN n.fit THEN n.units[5 : 4 + n.bands]::bigint[] END,
       ARRAY(SELECT coalesce(whole, part)
               FROM unnest(r.fill_slippage_bps, r.fill_partial_slippage_bps)
                    WITH ORDINALITY AS f (whole, part, place) ORDER BY place),
       r.fill_base,
       CASE WHEN n.fit THEN n.units[5 + n.bands : 4 + n.bands + n.fills]::bigint[] END,
       CASE WHEN n.fit THEN n.units[5 + n.bands + n.fills :]::bigint[] END,
       (SELECT coalesce(string_agg((NOT bid)::int::text || (NOT ask)::int::text, '' ORDER BY place), '')
          FROM unnest(r.band_bid_complete, r.band_ask_complete)
               WITH ORDINALITY AS b (bid, ask, place))::bit varying,
       (SELECT coalesce(string_agg((NOT filled)::int::text, '' ORDER BY place), '')
          FROM unnest(r.fill_filled) WITH ORDINALITY AS f (filled, place))::bit varying,
       (SELECT coalesce(string_agg(floor::int::text, '' ORDER BY place), '')
          FROM unnest(r.fill_floor) WITH ORDINALITY AS f (floor, place))::bit varying,
       (SELECT coalesce(string_agg(floor::int::text, '' ORDER BY place), '')
          FROM unnest(r.max_floor) WITH ORDINALITY AS m (floor, place))::bit varying,
       CASE WHEN false = ANY (r.fill_filled) THEN r.fill_filled_fraction END,
       CASE WHEN NOT n.fit THEN n.units END
  FROM tidegauge.first_readings AS r
  JOIN moved_readings AS m USING (id)
  JOIN tidegauge.series AS s ON s.id = m.series
 CROSS JOIN LATERAL (
       SELECT u.units, 4 * cardinality(r.band_bps) AS bands, cardinality(r.fill_taker) AS fills,
              (SELECT coalesce(bool_and(each BETWEEN -9223372036854775808 AND 9223372036854775807), true)
                 FROM unnest(u.units) AS each) AS fit
         FROM (SELECT ARRAY(
                    SELECT trim_scale(each / unit) FROM (
                        VALUES (1::bigint, 0, r.best_bid, s.price_unit), (2, 0, r.best_bid_size, s.base_unit),
                               (3, 0, r.best_ask, s.price_unit), (4, 0, r.best_ask_size, s.base_unit)
                        UNION ALL
                        SELECT 4 + place, side, each, CASE WHEN side IN (1, 3) THEN s.base_unit ELSE s.quote_unit END
                          FROM unnest(r.band_bid_base, r.band_bid_quote, r.band_ask_base, r.band_ask_quote)
                               WITH ORDINALITY AS b (bid_base, bid_quote, ask_base, ask_quote, place)
                         CROSS JOIN LATERAL (VALUES (1, bid_base), (2, bid_quote), (3, ask_base), (4, ask_quote))
                               AS sums (side, each)
                        UNION ALL
                        SELECT 1000000 + place, 0, worst, s.price_unit
                          FROM unnest(r.fill_worst) WITH ORDINALITY AS f (worst, place)
                        UNION ALL
                        SELECT 2000000 + place, 0, notional, ('1e' || (-s.max_scale[place])::text)::numeric
                          FROM unnest(r.max_notional) WITH ORDINALITY AS x (notional, place)
                    ) AS all_of_it (place, side, each, unit) ORDER BY place, side) AS units) AS u
       ) AS n;

DROP TABLE tidegauge.first_readings;

-- -- the views ------------------------------------------------------------------------------------

CREATE VIEW tidegauge.v_readings AS
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

CREATE VIEW tidegauge.v_depth AS
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

CREATE VIEW tidegauge.v_slippage AS
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

CREATE VIEW tidegauge.v_max_size AS
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
