-- What venues tell beside their books, and which contracts count in quote.

CREATE TABLE tidegauge.market (
    id                     uuid PRIMARY KEY,
    run                    text NOT NULL,
    venue                  text NOT NULL,
    symbol                 text NOT NULL,
    instrument             text NOT NULL,
    number                 bigint NOT NULL,
    since                  timestamptz NOT NULL,
    at                     timestamptz NOT NULL,
    recv_ns                bigint NOT NULL,
    trace                  text NOT NULL,
    last_price             numeric,
    trades                 bigint NOT NULL,
    buy_base               numeric NOT NULL,
    buy_quote              numeric NOT NULL,
    sell_base              numeric NOT NULL,
    sell_quote             numeric NOT NULL,
    mark                   numeric,
    index                  numeric,
    funding_rate           numeric,
    funding_interval_s     bigint,
    next_funding_at        timestamptz,
    open_interest          numeric,
    liquidations           bigint,
    liquidated_long_quote  numeric,
    liquidated_short_quote numeric
);
CREATE INDEX market_by_book ON tidegauge.market (venue, symbol, at);
CREATE INDEX market_by_time ON tidegauge.market USING brin (at);
COMMENT ON TABLE tidegauge.market IS
    'What a venue told beside a book from since to at: sums of that span, and what was said last. Exact; null was never said. Written only when something changed.';
COMMENT ON COLUMN tidegauge.market.id IS 'Made from run, venue, symbol, number and recv_ns: sent twice, stored once.';
COMMENT ON COLUMN tidegauge.market.run IS 'The run that wrote it (runs.id).';
COMMENT ON COLUMN tidegauge.market.instrument IS 'The venue''s own name of it.';
COMMENT ON COLUMN tidegauge.market.number IS 'Counts the rows of a book in a run, from 1; a hole is a row that was given up.';
COMMENT ON COLUMN tidegauge.market.since IS 'The row before this one, or when the venue first told of it.';
COMMENT ON COLUMN tidegauge.market.at IS 'The end of the span (recv_ns, to the microsecond).';
COMMENT ON COLUMN tidegauge.market.recv_ns IS 'The end of the span, UTC nanoseconds.';
COMMENT ON COLUMN tidegauge.market.trace IS 'venue/epoch/frame: the last frame in it.';
COMMENT ON COLUMN tidegauge.market.last_price IS 'Of the newest trade, in quote.';
COMMENT ON COLUMN tidegauge.market.trades IS 'Trades in the span; one told twice is counted once.';
COMMENT ON COLUMN tidegauge.market.buy_base IS 'Base bought by takers. Of an inverse contract the sum of quote / price of each trade, to 18 decimals.';
COMMENT ON COLUMN tidegauge.market.buy_quote IS 'Quote paid by takers that bought.';
COMMENT ON COLUMN tidegauge.market.sell_base IS 'Base sold by takers, as buy_base.';
COMMENT ON COLUMN tidegauge.market.sell_quote IS 'Quote had by takers that sold.';
COMMENT ON COLUMN tidegauge.market.mark IS 'The mark price.';
COMMENT ON COLUMN tidegauge.market.index IS 'The index price.';
COMMENT ON COLUMN tidegauge.market.funding_rate IS 'A fraction for funding_interval_s, positive when longs pay.';
COMMENT ON COLUMN tidegauge.market.funding_interval_s IS 'Seconds between two fundings.';
COMMENT ON COLUMN tidegauge.market.next_funding_at IS 'When the next funding is due.';
COMMENT ON COLUMN tidegauge.market.open_interest IS 'In base; contracts are converted, inverse ones at the mark.';
COMMENT ON COLUMN tidegauge.market.liquidations IS 'Positions the venue closed by force in the span; null where it does not tell of them.';
COMMENT ON COLUMN tidegauge.market.liquidated_long_quote IS 'Notional of the longs among them.';
COMMENT ON COLUMN tidegauge.market.liquidated_short_quote IS 'Notional of the shorts among them.';

CREATE VIEW tidegauge.v_market AS
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

ALTER TABLE tidegauge.instruments ADD COLUMN inverse boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN tidegauge.instruments.inverse IS 'Whether a size unit stands for contract_value of the quote instead of the base.';
COMMENT ON COLUMN tidegauge.instruments.contract_value IS 'Base units that one size unit stands for; quote units where inverse.';
