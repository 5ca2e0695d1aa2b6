/** One symbol: its books live, what a size costs, what was, and what is judged of it. */

import { Curve } from "./curve.js";
import { Depth } from "./depth.js";
import { h } from "./dom.js";
import { Heat } from "./heat.js";
import { History } from "./history.js";
import { isOpen, subject } from "./incidents.js";
import { LEVELS, ladder } from "./ladder.js";
import { venuesOf } from "./paint.js";
import {
  bySeverity,
  card,
  empty,
  incidentLink,
  mark,
  oldNote,
  outdated,
  rank,
  scoreBlock,
  shape,
  since,
} from "./parts.js";
import { Quote } from "./quote.js";
import { booksCard, crunchCard, divergenceCard, marketCard, stressCard } from "./risk.js";
import { capital, head as firstSentence, span, spoken } from "./words.js";

export class SymbolPage {
  /** @param {string} about */
  constructor(about, app) {
    const symbol = about.toUpperCase();
    this.symbol = symbol;
    this.parts = {
      depth: new Depth(app),
      curve: new Curve(symbol, app),
      quote: new Quote(symbol, app),
      history: new History(symbol, app),
      heat: new Heat(symbol, app),
    };
  }

  title() {
    return this.symbol;
  }

  wants() {
    return { symbols: [this.symbol], ladders: LEVELS };
  }

  end() {
    for (const part of Object.values(this.parts)) part.end();
  }

  view({ stream }) {
    const { picture, ladders } = stream;
    const symbol = picture?.symbols?.[this.symbol];
    const crumb = crumbs(picture, this.symbol);
    if (!symbol) {
      return [
        crumb,
        h("h1", null, this.symbol || "Symbol"),
        empty(picture ? unseen(picture, this.symbol) : "Reading what the daemons show …"),
      ];
    }
    const venues = venuesOf(picture, this.symbol);
    const books = venues.map((venue) => picture.books[`${venue}/${this.symbol}`]).filter(Boolean);
    const state = { live: stream.live, now: stream.now };
    return [
      crumb,
      head(picture, symbol, stream.now),
      card(
        "Ladders",
        { class: "ladders-card" },
        books.length
          ? h(
              "div",
              { class: "ladders" },
              books.map((book) => ladder(picture, book, ladders[`${book.venue}/${this.symbol}`])),
            )
          : empty("Waiting for its books …"),
      ),
      h(
        "div",
        { class: "columns three" },
        this.parts.depth.view(books, venues, ladders),
        this.parts.curve.view(picture),
        this.parts.quote.view(),
      ),
      this.parts.history.view(picture, state),
      h("div", { class: "columns" }, divergenceCard(symbol), stressCard(symbol)),
      this.parts.heat.view(picture, state),
      crunchCard(books),
      marketCard(books),
      booksCard(picture, books),
    ];
  }
}

/** Why there is nothing of a symbol. */
function unseen(picture, symbol) {
  const daemon = Object.values(picture.daemons ?? {}).find((each) => each.symbols.includes(symbol));
  if (!daemon) return `Nobody watches ${symbol || "it"}.`;
  const age = outdated(picture, daemon.id);
  const heard = age === null ? "shows nothing of it yet" : `was last heard of ${span(age)} ago`;
  return `Daemon ${daemon.id}, which watches ${symbol}, ${heard}. As soon as it tells of it again, or is started again, it is shown here.`;
}

const MOST_NAMED = 16;

/** The way back, and to the other symbols, the worst first. */
function crumbs(picture, here) {
  const others = bySeverity(Object.values(picture?.symbols ?? {})).slice(0, MOST_NAMED);
  return h(
    "nav",
    { class: "crumbs", "aria-label": "Symbols" },
    h("a", { href: "#/" }, "Overview"),
    others.map(({ symbol, score }) =>
      h(
        "a",
        {
          key: symbol,
          href: `#/symbol/${encodeURIComponent(symbol)}`,
          "aria-current": symbol === here ? "page" : null,
        },
        shape(score.weather),
        symbol,
      ),
    ),
  );
}

function head(picture, symbol, now) {
  const old = outdated(picture, symbol.daemon);
  // What is told of all symbols ("*": a venue is down) is told of this one.
  const ours = (each) => each.symbol === symbol.symbol || each.symbol === "*";
  const incidents = Object.values(picture.incidents ?? {}).filter((each) => ours(each) && isOpen(each));
  const loose = Object.values(picture.alerts ?? {}).filter(
    (each) =>
      ours(each) &&
      each.state === "firing" &&
      !incidents.some((incident) => incident.alerts.includes(each.id)),
  );
  return h(
    "header",
    { class: `symbol-head r${rank(symbol.score.weather)} ${old === null ? "" : "old"}` },
    h(
      "div",
      null,
      h("h1", null, symbol.symbol),
      h("p", { class: "note num" }, `${symbol.live} of ${symbol.books} books live`),
      oldNote(old),
    ),
    scoreBlock(symbol.score),
    h(
      "ul",
      { class: "list" },
      incidents.map((each) =>
        h(
          "li",
          { key: each.id, class: `sev r${rank(each.severity)}` },
          h(
            "div",
            { class: "list-head" },
            mark(each.severity),
            incidentLink(each.id, capital(subject(each))),
            h("span", { class: "note num" }, `${each.state}, ${span(since(each.opened_at, now))}`),
          ),
          h("p", null, firstSentence(each.trigger)),
        ),
      ),
      loose.map((each) =>
        h(
          "li",
          { key: each.id, class: `sev r${rank(each.severity)}` },
          h("div", { class: "list-head" }, mark(each.severity), capital(spoken(each.signal))),
          h("p", null, firstSentence(each.sentence)),
        ),
      ),
      incidents.length + loose.length
        ? null
        : h("li", { key: " none", class: "note" }, "Nothing fires, and no incident is open."),
    ),
  );
}
