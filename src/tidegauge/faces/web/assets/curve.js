/** What a size costs, over the size: buying above nought, selling below, a line a venue. */

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
      : h("div", { class: "plot", island: plotIsland, data: drawn(told, venues) });
    return card(
      "Slippage by size",
      { about: told ? `buying above, selling below · as of ${clock(told.at)} UTC` : "buying above, selling below" },
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

function drawn(told, venues) {
  const shown = Object.keys(told.venues).sort();
  const numbers = told.sizes.map(Number);
  const columns = [numbers];
  const lines = [];
  const add = (sides, label, look) => {
    for (const side of ["buy", "sell"]) {
      lines.push({ label: `${label}, ${side}`, ...look });
      columns.push(
        sides[side].map((value) => (value === null || value === undefined ? null : side === "buy" ? value : -value)),
      );
    }
  };
  for (const venue of shown) add(told.venues[venue], venue, lineOf(Math.max(0, venues.indexOf(venue))));
  if (told.together) add(told.together, "split over all", { stroke: ink("ink"), width: 2.5 });
  return {
    title: "Slippage",
    about: "bps",
    lines,
    columns,
    version: told,
    say: (value) => bps(Math.abs(value)),
    sayX: money,
    axis: "size",
    height: 232,
    zero: true,
    steep: true,
    quiet: true,
  };
}
