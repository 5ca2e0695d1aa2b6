/** The ladder of a book: its best levels, with how much there is up to each. */

import { h } from "./dom.js";
import { mark, oldNote, outdated } from "./parts.js";
import { DASH, bps, decimalsOf, exact, money, price, short, spoken } from "./words.js";

const SHOWN = 9;

/** How many levels of a side are asked for; the depth chart draws them all. */
export const LEVELS = 50;

/** Whether numbers of a book may be shown. */
export const trusted = (book) => book.trust === "live" && Boolean(book.reading);

/** The ladder of one book, or why there is none. */
export function ladder(picture, book, told) {
  const old = outdated(picture, book.daemon);
  return h(
    "section",
    { class: `ladder ${old === null ? "" : "old"}`, key: book.venue, "aria-label": `Ladder of ${book.venue}` },
    h(
      "header",
      { class: "ladder-head" },
      h("h3", null, book.venue),
      mark(book.trust),
      h("span", { class: "note" }, `${book.instrument} · ${book.kind}`, oldNote(old)),
    ),
    trusted(book) && told?.trust === "live" ? levels(book, told) : untrusted(book, told),
  );
}

function untrusted(book, told) {
  if (book.trust === "live")
    return h("p", { class: "empty" }, told ? "No levels are told now." : "Waiting for its levels …");
  return h(
    "div",
    { class: "untrusted" },
    h("b", null, spoken(book.reason || book.trust.toLowerCase())),
    h("p", { class: "note" }, "No numbers are shown of a book that may not be trusted."),
  );
}

function levels(book, told) {
  const [asks, bids] = [summed(told.asks, book), summed(told.bids, book)];
  const most = Math.max(asks.at(-1)?.upTo ?? 0, bids.at(-1)?.upTo ?? 0) || 1;
  const { reading } = book;
  const decimals = decimalsOf([...asks, ...bids].map((each) => each.price));
  return [
    h(
      "table",
      { class: "rungs num" },
      h("caption", { class: "hidden" }, `Asks, then bids, of ${book.venue}`),
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          h("th", { scope: "col" }, "Price"),
          h("th", { scope: "col" }, `Size, ${book.inverse ? book.quote : book.base}`),
          h("th", { scope: "col" }, `Sum, ${book.quote}`),
        ),
      ),
      h(
        "tbody",
        { class: "asks" },
        Array.from({ length: SHOWN }, (_, at) => rung(asks[SHOWN - 1 - at], most, decimals)),
      ),
      h(
        "tbody",
        { class: "middle" },
        h(
          "tr",
          null,
          h(
            "td",
            { colspan: "3" },
            h("b", null, price(reading.mid)),
            h("span", { class: "note" }, ` spread ${bps(reading.spread_bps)} bps`),
          ),
        ),
      ),
      h(
        "tbody",
        { class: "bids" },
        Array.from({ length: SHOWN }, (_, at) => rung(bids[at], most, decimals)),
      ),
    ),
    h(
      "p",
      { class: "note num ladder-foot" },
      `told ${short(book.age_s)} ago`,
      reading.latency_s === undefined || reading.latency_s === null ? "" : `, ${short(reading.latency_s)} on its way`,
    ),
  ];
}

/** Levels with the quote up to each. @param {[string, string][]} side */
function summed(side, book) {
  let upTo = 0;
  return (side ?? []).slice(0, SHOWN).map(([price, size]) => {
    upTo += book.inverse ? Number(size) : Number(price) * Number(size);
    return { price, size, upTo };
  });
}

function rung(level, most, decimals) {
  if (!level) return h("tr", { class: "none" }, h("td", null, DASH), h("td", null, DASH), h("td", null, DASH));
  return h(
    "tr",
    { style: { "--filled": `${Math.round((level.upTo / most) * 1000) / 10}%` } },
    h("td", null, aligned(level.price, decimals)),
    h("td", null, sized(level.size)),
    h("td", null, money(level.upTo)),
  );
}

/** A price with as many decimals as its neighbours. */
function aligned(text, decimals) {
  const [whole, part = ""] = String(text).split(".");
  return exact(decimals ? `${whole}.${part.slice(0, decimals).padEnd(decimals, "0")}` : whole);
}

/** A size with five digits or so: the whole of it is more than anyone reads. */
const sized = (text) => {
  const size = Number(text);
  return size >= 10000
    ? money(size)
    : exact(
        text.length > 7
          ? size
              .toPrecision(5)
              .replace(/(\.\d*?)0+$/, "$1")
              .replace(/\.$/, "")
          : text,
      );
};
