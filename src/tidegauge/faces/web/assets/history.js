/** What was measured over the last while, of all venues, and goes on live. */

import { ask, path, query } from "./ask.js";
import { h } from "./dom.js";
import { trusted } from "./ladder.js";
import { lineOf, venuesOf } from "./paint.js";
import { card, choice, picker } from "./parts.js";
import { plotIsland } from "./plot.js";
import { Shades } from "./shades.js";
import { apart, bps, exact, fixed, millis, money } from "./words.js";

export const RANGES = [
  [300, "5 min"],
  [900, "15 min"],
  [3600, "1 h"],
  [21600, "6 h"],
  [86400, "24 h"],
];
const POINTS = 900;
const AGAIN_MS = 15000;
/** A value stands for so many of the usual distances of rows: they come a little early or late. */
const HELD = 2;

/** What one plot shows of a point. @typedef {{title: string, about?: string, of: (point: any, pick: any) => any, say: (value: number) => string, zero?: boolean, least?: number}} Metric */

const sum = (pair) => (pair && pair[0] != null && pair[1] != null ? Number(pair[0]) + Number(pair[1]) : null);

/** @type {Metric[]} */
const METRICS = [
  {
    title: "Mid",
    about: "price",
    of: (point) => point.mid,
    say: (value) => exact(fixed(value, value >= 1000 ? 1 : 4).replaceAll(",", "")),
  },
  { title: "Spread", about: "bps", of: (point) => point.spread_bps, say: bps, zero: true },
  { title: "Depth", of: (point, { band }) => sum(point.bands?.[band]), say: money, zero: true },
  { title: "Slippage", of: (point, { cost }) => point.slippage?.[cost], say: bps, zero: true },
  {
    title: "Depth z",
    about: "harm over its noise: up is thinner",
    least: 2,
    of: (point) => point.depth_z,
    say: (value) => fixed(value, 1),
  },
  { title: "Spread z", about: "up is wider", least: 2, of: (point) => point.spread_z, say: (value) => fixed(value, 1) },
];

/** A point as `/history` tells it, of what the stream shows of a book now. */
export function pointOf(book) {
  const { reading } = book;
  const z = (name) => book.crunch?.inputs?.find((each) => each.name === name)?.robust_z ?? null;
  return {
    at: reading.at,
    mid: reading.mid,
    spread_bps: reading.spread_bps,
    depth_z: z("depth"),
    spread_z: z("spread"),
    bands: Object.fromEntries(reading.bands.map((band) => [band.bps, [band.bid, band.ask]])),
    slippage: Object.fromEntries(
      reading.fills.map((fill) => [`${fill.side} ${Number(fill.notional)}`, fill.slippage_bps ?? null]),
    ),
  };
}

export class History {
  constructor(symbol, app) {
    this.symbol = symbol;
    this.app = app;
    this.range = RANGES[1][0];
    this.band = "10";
    this.cost = "";
    this.hidden = new Set();
    this.problem = "";
    this.loaded = 0;
    this.version = "";
    this.loading = null;
    /** By venue: points by the number of their step. @type {Map<string, Map<number, any>>} */
    this.points = new Map();
    this.step = 1;
    this.held = HELD;
    this.shades = new Shades();
  }

  end() {
    this.#forget();
  }

  choose(range) {
    this.range = range;
    this.step = Math.max(1, Math.round(range / POINTS));
    this.points = new Map();
    this.#forget();
    this.app.redraw();
  }

  /** Have it asked for again. */
  #forget() {
    this.loading?.abort();
    this.loading = null;
    clearTimeout(this.timer);
  }

  async #load(venues, now) {
    const loading = new AbortController();
    this.loading = loading;
    this.asked = venues.join();
    const asked = {
      from: new Date(now - this.range * 1000).toISOString(),
      to: new Date(now).toISOString(),
      step: Math.max(1, Math.round(this.range / POINTS)),
    };
    const told = await Promise.all(
      venues.map((venue) =>
        ask(query(path("history", venue, this.symbol), asked), { signal: loading.signal }).catch((error) => ({
          venue,
          failed: error.message,
        })),
      ),
    );
    if (loading.signal.aborted) return;
    const good = told.filter((each) => !each.failed);
    this.problem = told
      .filter((each) => each.failed)
      .map((each) => `${each.venue}: ${each.failed}`)
      .join(" ");
    if (this.problem) this.timer = setTimeout(() => this.#forget(), AGAIN_MS);
    this.step = Math.max(1, ...good.map((each) => Number(each.step_s)));
    this.points = new Map(venues.map((venue) => [venue, new Map()]));
    this.shades = new Shades();
    for (const each of good) {
      const held = this.points.get(each.venue) ?? new Map();
      for (const point of each.points) held.set(Math.floor(millis(point.at) / 1000 / this.step), plain(point));
      this.shades.told(each.venue, each);
    }
    this.held = HELD * Math.max(1, ...[...this.points.values()].map((held) => apart(held.keys())));
    this.loaded += 1;
    this.version = `${this.loaded}`;
    this.app.redraw();
  }

  /** Take what the stream shows now. */
  #continue(picture, venues, now) {
    for (const venue of venues) {
      const book = picture.books[`${venue}/${this.symbol}`];
      if (!book) continue;
      this.shades.seen(venue, book, now);
      if (!trusted(book)) continue;
      const held = this.points.get(venue) ?? new Map();
      this.points.set(venue, held);
      const at = Math.floor(millis(book.reading.at) / 1000 / this.step);
      held.set(at, pointOf(book));
      const first = Math.floor((now / 1000 - this.range) / this.step);
      for (const old of held.keys()) {
        if (old >= first) break;
        held.delete(old);
      }
    }
    this.shades.alerts(Object.values(picture.alerts ?? {}).filter((each) => each.symbol === this.symbol));
    // Once a step, and at most once a second: what moves faster stands in the ladders.
    this.version = `${this.loaded} ${Math.floor(now / 1000 / this.step)}`;
  }

  /** All points on one grid: the times, then a column a venue, for one metric. */
  #columns(metric, venues, now) {
    const last = Math.floor(now / 1000 / this.step);
    const first = last - Math.ceil(this.range / this.step);
    const times = Array.from({ length: last - first + 1 }, (_, at) => (first + at) * this.step);
    const pick = { band: this.band, cost: this.cost };
    const columns = venues.map((venue) => {
      const held = this.points.get(venue);
      let [value, age] = [null, 0];
      return times.map((_, at) => {
        const point = held?.get(first + at);
        const found = point ? metric.of(point, pick) : undefined;
        if (found !== undefined) [value, age] = [found === null ? null : Number(found), 0];
        else if ((age += 1) > this.held) value = null;
        return value;
      });
    });
    return [times, ...columns];
  }

  view(picture, { live, now }) {
    const venues = venuesOf(picture, this.symbol);
    // Other venues, or a while in which nothing was heard: there is more to ask for.
    if (this.loading && (this.asked !== venues.join() || (live && this.wasOld))) this.#forget();
    this.wasOld = !live;
    if (!this.loading && live && venues.length) this.#load(venues, now);
    if (live && picture.at !== this.seenAt) {
      this.seenAt = picture.at;
      this.#continue(picture, venues, now);
    }
    const shown = venues.filter((venue) => !this.hidden.has(venue));
    const lines = shown.map((venue) => ({ label: venue, ...lineOf(venues.indexOf(venue)) }));
    // The axis moves with what is drawn, and stands still while nothing comes.
    if (this.drawn !== this.version) [this.drawn, this.at] = [this.version, now];
    const at = this.at ?? now;
    const shades = this.shades.of(shown, at / 1000);
    const stamp = `${this.version} ${this.range} ${shown} ${this.band} ${this.cost}`;
    const { bands, costs } = this.#choices(venues);
    return card(
      "History",
      {
        wide: true,
        about: this.problem || this.#about(shades),
        tools: [
          picker(
            "Depth within",
            bands,
            this.band,
            (band) => this.#pick({ band }),
            (band) => `${band} bps`,
          ),
          picker("Slippage of", costs, this.cost, (cost) => this.#pick({ cost }), costWords),
          choice("Span", RANGES, this.range, (range) => this.choose(range)),
        ],
      },
      legend(venues, this.hidden, (venue) => this.#toggle(venue)),
      h(
        "div",
        { class: "plots" },
        METRICS.map((metric) =>
          h("div", {
            class: "plot",
            key: metric.title,
            island: plotIsland,
            data: {
              ...metric,
              about:
                metric.about ??
                (metric.title === "Depth"
                  ? `both sides within ${this.band} bps, in quote`
                  : `${costWords(this.cost)}, bps`),
              lines,
              columns: () => this.#columns(metric, shown, at),
              shades,
              version: stamp,
              axis: "time",
              height: 132,
              between: [at / 1000 - this.range, at / 1000],
              sync: "history",
            },
          }),
        ),
      ),
    );
  }

  #about(shades) {
    const said = [];
    if (shades.some((each) => each.kind !== "gap")) said.push("tinted under a bar: an alert fired");
    if (shades.some((each) => each.kind === "gap")) said.push("hatched: a book was not to be trusted");
    return said.join("; ") || null;
  }

  #choices(venues) {
    const [bands, costs] = [new Set(), new Set()];
    for (const venue of venues) {
      const latest = [...(this.points.get(venue)?.values() ?? [])].at(-1);
      for (const band of Object.keys(latest?.bands ?? {})) bands.add(band);
      for (const cost of Object.keys(latest?.slippage ?? {})) costs.add(cost);
    }
    const sorted = [...costs].sort(
      (a, b) => a.split(" ")[0].localeCompare(b.split(" ")[0]) || Number(a.split(" ")[1]) - Number(b.split(" ")[1]),
    );
    if (!costs.has(this.cost)) this.cost = sorted.filter((each) => each.startsWith("sell")).at(-1) ?? this.cost;
    return { bands: [...bands].sort((a, b) => a - b), costs: sorted };
  }

  #pick(what) {
    Object.assign(this, what);
    this.app.redraw();
  }

  #toggle(venue) {
    if (this.hidden.has(venue)) this.hidden.delete(venue);
    else this.hidden.add(venue);
    this.app.redraw();
  }
}

const costWords = (key) => (key ? `${key.split(" ")[0]}ing ${money(key.split(" ")[1])}` : "a size");

/** A stored point with its keys as the stream's are: `sell 100000` however the number was written. */
function plain(point) {
  const slippage = Object.fromEntries(
    Object.entries(point.slippage ?? {}).map(([key, value]) => {
      const [side, size] = key.split(" ");
      return [`${side} ${Number(size)}`, value];
    }),
  );
  return { ...point, slippage };
}

/** Which line is whose; each can be hidden. */
function legend(venues, hidden, toggle) {
  return h(
    "div",
    { class: "legend", role: "group", "aria-label": "Venues shown" },
    venues.map((venue, at) =>
      h(
        "button",
        {
          type: "button",
          key: venue,
          "aria-pressed": hidden.has(venue) ? "false" : "true",
          onclick: () => toggle(venue),
        },
        swatch(at),
        venue,
      ),
    ),
  );
}

/** A piece of a venue's line. */
export function swatch(at) {
  const { stroke, dash } = lineOf(at);
  return h(
    "svg",
    { viewBox: "0 0 22 8", class: "swatch", "aria-hidden": "true" },
    h("path", {
      d: "M1 4h20",
      fill: "none",
      stroke,
      "stroke-width": "2.5",
      "stroke-dasharray": dash.join(" ") || null,
    }),
  );
}
