/** What is judged of a symbol: divergence, stress, the crunch inputs, and what is told beside its books. */

import { h } from "./dom.js";
import { trusted } from "./ladder.js";
import { card, empty, mark, oldNote, outdated, rank, shape, table } from "./parts.js";
import { DASH, bps, clock, count, price, fixed, money, percent, short, signed, span, spoken } from "./words.js";

/** Each pair of venues: how far apart they are beyond the usual. */
export function divergenceCard(symbol) {
  const { divergence } = symbol;
  const venues = [...(divergence.venues ?? [])].sort();
  if (venues.length < 2) return card("Divergence", {}, empty("One venue has nothing to diverge from."));
  const pairs = new Map(
    (divergence.pairs ?? []).flatMap((pair) => [
      [`${pair.one} ${pair.other}`, [pair, 1]],
      [`${pair.other} ${pair.one}`, [pair, -1]],
    ]),
  );
  const about =
    divergence.judged_bps == null
      ? `widest: unknown, ${divergence.phase}`
      : `widest ${bps(divergence.judged_bps)} bps, ${divergence.phase}`;
  return card(
    "Divergence",
    {
      about,
      tools: divergence.left?.length
        ? h("span", { class: "warn" }, `${divergence.left.join(", ")} left the others`)
        : null,
    },
    h(
      "div",
      { class: "scroll", role: "group", "aria-label": "Divergence matrix" },
      h(
        "table",
        { class: "matrix num" },
        h(
          "caption",
          { class: "hidden" },
          "How much dearer the venue of the row is than that of the column, beyond the usual, in bps",
        ),
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            h("th", { scope: "col" }, "bps"),
            venues.map((venue) => h("th", { scope: "col", key: venue }, venue)),
          ),
        ),
        h(
          "tbody",
          null,
          venues.map((one) =>
            h(
              "tr",
              { key: one },
              h("th", { scope: "row" }, one),
              venues.map((other) => pairCell(one, other, pairs.get(`${one} ${other}`))),
            ),
          ),
        ),
      ),
    ),
    h("p", { class: "note" }, "Row dearer than column, beyond the usual premium. ✓ pays both fees."),
  );
}

function pairCell(one, other, found) {
  if (one === other) return h("td", { key: other, class: "self" }, h("span", { class: "hidden" }, "the same"));
  if (!found) return h("td", { key: other }, DASH);
  const [pair, sign] = found;
  const unseen = pair.phase === "unseen";
  const value = unseen || pair.deviation_bps == null ? null : pair.deviation_bps * sign;
  const strength = value === null ? 0 : Math.min(1, Math.abs(value) / 50);
  const said = `raw ${signed(pair.raw_bps == null ? null : pair.raw_bps * sign, 2)}, usual ${signed(pair.premium_bps == null ? null : pair.premium_bps * sign, 2)}, after fees ${bps(pair.executable_bps)}`;
  return h(
    "td",
    {
      key: other,
      class: `r${rank(pair.phase)}`,
      title: said,
      style: { "--strength": `${Math.round(strength * 60)}%` },
    },
    ["pending", "firing"].includes(pair.phase) ? shape(pair.phase) : null,
    value === null ? h("span", { class: "note" }, unseen ? "unseen" : pair.phase) : signed(value, 1),
    pair.executable_bps > 0 ? " ✓" : "",
  );
}

/** What the configured size costs with part of the depth gone. */
export function stressCard(symbol) {
  if (!symbol.stress?.length) return card("Stress", {}, empty("No size is set, so none is judged."));
  return card(
    "Stress",
    { about: `for ${money(symbol.size)}, with part of every level gone` },
    h(
      "div",
      { class: "stress" },
      symbol.stress.map((each) =>
        h(
          "div",
          { key: each.side, class: `side r${rank(each.safety)}` },
          h("h3", null, each.side === "sell" ? "Selling" : "Buying"),
          mark(each.safety),
          h(
            "dl",
            { class: "facts tight" },
            fact("Costs", each.slippage == null ? `does not fill: ${percent(each.filled)}` : percent(each.slippage, 3)),
            fact("Gone", percent(each.haircut)),
            fact(
              "Safe up to",
              each.largest_safe == null ? DASH : `${each.largest_at_least ? "≥ " : ""}${money(each.largest_safe)}`,
            ),
            fact("Best alone", each.best ?? DASH),
          ),
          h(
            "ul",
            { class: "split" },
            (each.split ?? []).map((portion) =>
              h(
                "li",
                { key: portion.venue, style: { "--filled": `${Math.round(portion.share * 100)}%` } },
                h("span", null, portion.venue),
                h("span", { class: "num" }, percent(portion.share)),
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

const fact = (term, value) => h("div", { key: term }, h("dt", null, term), h("dd", { class: "num" }, value));

const IN_QUOTE = new Set(["depth", "bid_depth", "ask_depth"]);
const IN_BPS = new Set(["spread", "sell_slippage", "buy_slippage"]);
const sayInput = (name, value) => (IN_QUOTE.has(name) ? money(value) : IN_BPS.has(name) ? bps(value) : fixed(value, 2));

/** The inputs of the crunch detectors, a venue a column. */
export function crunchCard(books) {
  const judged = books.filter((book) => book.crunch);
  if (!judged.length) return card("Crunch", {}, empty("Nothing is judged yet."));
  const names = [...new Set(judged.flatMap((book) => book.crunch.inputs.map((each) => each.name)))];
  return card(
    "Crunch inputs",
    { wide: true, about: "value, and how far from its usual: robust z, then the textbook z" },
    table({
      caption: "Inputs of the crunch detectors",
      class: "tight",
      columns: [{ name: "Input" }, ...judged.map((book) => ({ name: book.venue, number: true }))],
      rows: [
        { key: " phase", cells: ["phase", ...judged.map(phase)] },
        ...names.map((name) => ({
          key: name,
          cells: [
            h(
              "span",
              null,
              spoken(name),
              h("span", { class: "unit" }, IN_QUOTE.has(name) ? " quote" : IN_BPS.has(name) ? " bps" : ""),
            ),
            ...judged.map((book) => inputCell(book, name)),
          ],
        })),
      ],
    }),
  );
}

function phase(book) {
  const { crunch } = book;
  const warming = crunch.phase === "warming" ? ` ${count(crunch.samples)}/${count(crunch.samples_needed)}` : "";
  return h(
    "span",
    { class: "stack" },
    mark(crunch.phase, crunch.phase + warming),
    h(
      "span",
      { class: "note num" },
      crunch.band == null ? "" : `at ${crunch.band} bps${crunch.noise_limited ? ", noisy" : ""}`,
    ),
  );
}

function inputCell(book, name) {
  const each = book.crunch.inputs.find((input) => input.name === name);
  if (!each || !trusted(book)) return DASH;
  const z = each.robust_z;
  const level = z == null ? 4 : z >= 4 ? 3 : z >= 3 ? 2 : z >= 2 ? 1 : 0;
  return h(
    "span",
    { class: "input" },
    h("span", null, sayInput(name, each.value)),
    h(
      "span",
      { class: `z r${level}`, title: each.baseline == null ? "" : `usually ${sayInput(name, each.baseline)}` },
      level && level < 4 ? "▲ " : "",
      signed(z),
    ),
    h("span", { class: "note" }, signed(each.textbook_z)),
  );
}

/** What the venues tell beside their books. */
export function marketCard(books) {
  const told = books.filter((book) => book.market);
  if (!told.length) return card("Market", {}, empty("Nothing is told beside the books."));
  const columns = [
    { name: "Venue" },
    { name: "Last", number: true },
    { name: "Mark", number: true },
    { name: "Funding", number: true },
    { name: "Open interest", number: true },
    { name: "Bought / sold, 1 min" },
    { name: "Liquidations", number: true },
  ];
  return card(
    "Market",
    { wide: true, about: "told beside the books" },
    table({
      caption: "Market by venue",
      columns,
      class: "cards",
      rows: told.map(({ venue, market }) => ({
        key: venue,
        cells: [
          venue,
          price(market.last_price),
          price(market.mark),
          market.funding_rate == null
            ? DASH
            : h(
                "span",
                { class: "stack" },
                percent(market.funding_rate, 4),
                h(
                  "span",
                  { class: "note num" },
                  market.next_funding_at ? `at ${clock(market.next_funding_at).slice(0, 5)}` : "",
                ),
              ),
          market.open_interest == null ? DASH : money(market.open_interest),
          flow(market),
          market.liquidations == null ? DASH : count(market.liquidations),
        ],
      })),
    }),
  );
}

function flow({ bought, sold, trades }) {
  const whole = Number(bought) + Number(sold);
  const share = whole > 0 ? Number(bought) / whole : null;
  return h(
    "div",
    { class: "flow" },
    h("span", { class: "num" }, `${money(bought)} / ${money(sold)}`),
    h("span", { class: "note num" }, `${count(trades)} trades`),
    share === null ? null : h("i", { "aria-hidden": "true", style: { "--filled": percent(share).replace(" ", "") } }),
  );
}

/** The books: how far each may be trusted, how old it is, and what is seen of it. */
export function booksCard(picture, books) {
  const columns = [
    { name: "Venue" },
    { name: "Trust" },
    { name: "Age", number: true },
    { name: "Latency", number: true },
    { name: "Spread, bps", number: true },
    { name: "Imbalance", number: true },
    { name: "Levels", number: true },
    { name: "Updates", number: true },
    { name: "Gaps", number: true },
    { name: "Resyncs", number: true },
  ];
  return card(
    "Books",
    { wide: true },
    table({
      caption: "Books and their feeds",
      columns,
      class: "cards",
      rows: books.map((book) => {
        const reading = trusted(book) ? book.reading : null;
        const feed = picture.venues?.[`${book.venue}@${book.daemon}`];
        const old = outdated(picture, book.daemon);
        return {
          key: book.venue,
          class: old === null ? "" : "old",
          cells: [
            h("span", null, book.venue, oldNote(old)),
            h(
              "span",
              { class: "stack" },
              mark(book.trust),
              book.trust === "live" ? null : h("span", { class: "note" }, book.reason),
            ),
            book.age_s == null ? DASH : span(book.age_s),
            reading?.latency_s == null ? DASH : short(reading.latency_s),
            bps(reading?.spread_bps),
            signed(reading?.imbalance, 2),
            reading ? `${count(reading.bid_levels)} / ${count(reading.ask_levels)}` : DASH,
            count(book.updates),
            count(feed?.gaps),
            count(feed?.resyncs),
          ],
        };
      }),
    }),
  );
}
