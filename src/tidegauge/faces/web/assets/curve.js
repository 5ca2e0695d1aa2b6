/** What a size costs, over the size: a plot a side, a line a venue, and one for the cheapest split. */

import { ask, query } from "./ask.js";
import { h } from "./dom.js";
import { card, empty } from "./parts.js";
import { ink, lineOf, venuesOf } from "./paint.js";
import { swatch } from "./history.js";
import { plotIsland } from "./plot.js";
import { bps, clock, money } from "./words.js";

const AGAIN_MS = 5000;

export class Curve {
  constructor(symbol, app) {
    this.symbol = symbol;
    this.app = app;
    this.told = null;
    this.problem = "";
    this.stopping = new AbortController();
    this.timer = 0;
    this.begun = false;
  }

  end() {
    clearTimeout(this.timer);
    this.stopping.abort();
  }

  async #ask() {
    this.timer = setTimeout(() => this.#ask(), AGAIN_MS);
    if (document.hidden || !this.app.stream.live) return;
    try {
      this.told = await ask(query("/curve", { symbol: this.symbol, points: 40 }), { signal: this.stopping.signal });
      this.problem = "";
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      // What it was before is no answer any more.
      this.told = null;
      this.problem = error.message;
    }
    this.app.redraw();
  }

  view(picture) {
    if (!this.begun && this.app.stream.live) {
      this.begun = true;
      this.#ask();
    }
    const { told } = this;
    const venues = venuesOf(picture, this.symbol);
    const body = !told
      ? empty(this.problem || "Asking …")
      : ["sell", "buy"].map((side) =>
          h("div", { class: "plot", key: side, island: plotIsland, data: drawn(told, side, venues) }),
        );
    return card(
      "Slippage by size",
      { about: told ? `bps, as of ${clock(told.at)} UTC` : "bps" },
      body,
      told &&
        h(
          "ul",
          { class: "legend" },
          venues
            .filter((venue) => told.venues[venue])
            .map((venue) => h("li", { key: venue }, swatch(venues.indexOf(venue)), venue)),
          h("li", { key: " all" }, h("b", null, "━ "), "split over all"),
        ),
    );
  }
}

function drawn(told, side, venues) {
  const shown = Object.keys(told.venues).sort();
  const lines = shown.map((venue) => ({ label: venue, ...lineOf(Math.max(0, venues.indexOf(venue))) }));
  const costs = shown.map((venue) => told.venues[venue][side]);
  return {
    title: side === "sell" ? "Selling" : "Buying",
    lines: [...lines, { label: "split over all", stroke: ink("ink"), width: 2.5 }],
    columns: () => [told.sizes.map(Number), ...costs, told.together[side]],
    version: told.at,
    say: bps,
    sayX: money,
    axis: "size",
    height: 124,
    zero: true,
    least: 0.5,
    quiet: true,
    sync: "curve",
  };
}
