/** Where liquidity rested, over time and price. What was is asked for; what is comes from the stream. */

import { ask, path, query } from "./ask.js";
import { h } from "./dom.js";
import { trusted } from "./ladder.js";
import { FONT, easel, faint, ink, sized, venuesOf } from "./paint.js";
import { card, choice, picker } from "./parts.js";
import { hatch } from "./plot.js";
import { RANGES } from "./history.js";
import { apart, clock, exact, fixed, millis, money } from "./words.js";

const HEIGHT = 260;
const COLUMNS = 300;
const EDGE = { left: 74, right: 10, top: 8, bottom: 22 };

export class Heat {
  constructor(symbol, app) {
    this.symbol = symbol;
    this.app = app;
    this.venue = "";
    this.range = RANGES[1][0];
    this.reach = 0;
    this.bands = [];
    /** By the number of their step. @type {Map<number, any>} */
    this.columns = new Map();
    this.step = 3;
    this.problem = "";
    this.loading = null;
    this.loaded = 0;
    this.version = "";
  }

  end() {
    this.loading?.abort();
  }

  #again(what) {
    Object.assign(this, what);
    this.loading?.abort();
    this.loading = null;
    this.app.redraw();
  }

  async #load(now) {
    const loading = new AbortController();
    this.loading = loading;
    const asked = {
      from: new Date(now - this.range * 1000).toISOString(),
      to: new Date(now).toISOString(),
      step: Math.ceil(this.range / COLUMNS),
    };
    this.columns = new Map();
    this.step = asked.step;
    try {
      const told = await ask(query(path("heat", this.venue, this.symbol), asked), { signal: loading.signal });
      this.bands = told.bands.map(Number);
      this.step = Math.max(1, Number(told.step_s));
      for (const column of told.columns)
        this.columns.set(Math.floor(millis(column.at) / 1000 / this.step), {
          mid: Number(column.mid),
          bids: column.bids.map(number),
          asks: column.asks.map(number),
        });
      this.problem = "";
    } catch (error) {
      if (loading.signal.aborted) return;
      this.problem = error.message;
    }
    if (loading.signal.aborted) return;
    this.loaded += 1;
    this.version = `${this.loaded}`;
    this.app.redraw();
  }

  /** A column of the bands that the stream shows: what rests between one and the next. */
  #continue(book, now) {
    // Of one side alone there is no middle to draw it about.
    if (book.reading.mid === undefined || book.reading.mid === null) return;
    const bands = [...book.reading.bands].sort((a, b) => a.bps - b.bps);
    if (!this.bands.length) this.bands = bands.map((band) => band.bps);
    const between = (side) =>
      this.bands.map((edge, at) => {
        const [outer, inner] = [
          bands.find((band) => band.bps === edge),
          at ? bands.find((band) => band.bps === this.bands[at - 1]) : null,
        ];
        if (!outer || (at && !inner) || !outer[`${side}_complete`]) return null;
        return Number(outer[side]) - (inner ? Number(inner[side]) : 0);
      });
    const at = Math.floor(millis(book.reading.at) / 1000 / this.step);
    this.columns.set(at, {
      mid: Number(book.reading.mid),
      bids: between("bid"),
      asks: between("ask"),
    });
    const first = Math.floor((now / 1000 - this.range) / this.step);
    for (const old of this.columns.keys()) {
      if (old >= first) break;
      this.columns.delete(old);
    }
    this.version = `${this.loaded} ${at}`;
  }

  view(picture, { live, now }) {
    const venues = venuesOf(picture, this.symbol);
    if (!venues.includes(this.venue)) this.venue = venues[0] ?? "";
    if (this.loading && live && this.wasOld) this.#again({});
    this.wasOld = !live;
    if (!this.loading && live && this.venue) this.#load(now);
    const book = picture.books?.[`${this.venue}/${this.symbol}`];
    if (live && book && trusted(book) && picture.at !== this.seenAt) {
      this.seenAt = picture.at;
      this.#continue(book, now);
    }
    if (live) this.now = now;
    const reach = this.bands.includes(this.reach)
      ? this.reach
      : (this.bands.filter((band) => band <= 25).at(-1) ?? this.bands.at(-1) ?? 25);
    return card(
      "Liquidity over time and price",
      {
        wide: true,
        about: this.problem || "quote per bp; the line is the mid; hatched: not known",
        tools: [
          picker("Venue", venues, this.venue, (venue) => this.#again({ venue, bands: [] })),
          picker(
            "Within",
            this.bands.map(String),
            String(reach),
            (text) => {
              this.reach = Number(text);
              this.app.redraw();
            },
            (band) => `${band} bps`,
          ),
          choice("Span", RANGES, this.range, (range) => this.#again({ range })),
        ],
      },
      h("div", {
        class: "heat",
        island: heatIsland,
        data: { ...this, now: this.now ?? now, reach, stamp: `${this.version} ${reach} ${this.range} ${this.venue}` },
      }),
    );
  }
}

const number = (value) => (value === null || value === undefined ? null : Number(value));

/** An island (see dom.js). @param {HTMLElement} place */
function heatIsland(place) {
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.style.height = `${HEIGHT}px`;
  const told = document.createElement("p");
  told.className = "note num heat-told";
  place.append(canvas, told);
  let data = null;
  let scale = null;
  const { ask, end } = easel(canvas, () => {
    if (data) scale = paint(canvas, told, data);
  });
  canvas.addEventListener("pointermove", (event) => scale && point(told, scale, data, event));
  canvas.addEventListener("pointerleave", ask);
  return {
    update(next) {
      const fresh = next.stamp !== data?.stamp;
      data = next;
      if (fresh) ask();
    },
    end,
  };
}

/** The cells of a column, from the lowest price to the highest: their edges in price, and quote per bp. */
function cells({ mid, bids, asks }, bands) {
  const found = [];
  bands.forEach((outer, at) => {
    const inner = at ? bands[at - 1] : 0;
    for (const [side, sign] of [
      [bids, -1],
      [asks, 1],
    ]) {
      const value = side[at];
      found.push({
        from: mid * (1 + (sign * inner) / 1e4),
        to: mid * (1 + (sign * outer) / 1e4),
        dense: value === null || value === undefined ? null : value / (outer - inner),
      });
    }
  });
  return found;
}

function paint(canvas, told, { columns, bands, step, range, now, reach, venue }) {
  const width = canvas.clientWidth;
  if (!width) return null;
  const context = sized(canvas, width, HEIGHT);
  const last = now / 1000;
  const first = last - range;
  const shown = [...columns]
    .map(([at, column]) => ({ at: at * step, cells: cells(column, bands), mid: column.mid }))
    .filter((each) => each.at >= first - step && each.at <= last + step)
    .sort((a, b) => a.at - b.at);
  if (!shown.length) {
    told.textContent = "Nothing is known of this span yet.";
    canvas.setAttribute("aria-label", told.textContent);
    return null;
  }
  const mids = shown.map((each) => each.mid);
  const [low, high] = [Math.min(...mids) * (1 - reach / 1e4), Math.max(...mids) * (1 + reach / 1e4)];
  const dense = shown
    .flatMap((each) =>
      each.cells.filter((cell) => cell.dense > 0 && cell.to >= low && cell.to <= high).map((cell) => cell.dense),
    )
    .sort((a, b) => a - b);
  const [least, most] = [dense[Math.floor(dense.length * 0.03)] ?? 1, dense[Math.floor(dense.length * 0.985)] ?? 10];
  const x = (at) => EDGE.left + ((at - first) / (last - first)) * (width - EDGE.left - EDGE.right);
  const y = (price) => EDGE.top + ((high - price) / (high - low)) * (HEIGHT - EDGE.top - EDGE.bottom);
  const inner = [EDGE.left, EDGE.top, width - EDGE.left - EDGE.right, HEIGHT - EDGE.top - EDGE.bottom];
  hatch(context, ...inner);
  context.save();
  context.beginPath();
  context.rect(...inner);
  context.clip();
  fill(context, shown, { x, y, step, least, most });
  context.restore();
  axes(context, { x, y, low, high, first, last, width });
  const summary = `${venue}: thin is ${money(least)} per bp, thick is ${money(most)} per bp.`;
  told.textContent = summary;
  canvas.setAttribute("aria-label", `Liquidity within ${reach} bps. ${summary}`);
  return { x, y, shown, step, first, last, width, low, high };
}

function fill(context, shown, { x, y, step, least, most }) {
  const held = 2 * Math.max(step, apart(shown.map((each) => each.at)));
  const ramp = Array.from({ length: 64 }, (_, at) => faint(ink("heat"), 0.03 + 0.97 * (at / 63) ** 1.3));
  const known = Math.log(Math.max(most / least, 1.0001));
  const surface = ink("surface");
  for (const [index, { at, cells: each }] of shown.entries()) {
    // Rows come a little late at times: a column stands until the next, if that is near.
    const next = shown[index + 1]?.at ?? at + step;
    const [left, right] = [Math.floor(x(at)), Math.ceil(x(next - at <= held ? next : at + step))];
    for (const cell of each) {
      if (cell.dense === null) continue;
      const [top, bottom] = [y(Math.max(cell.from, cell.to)), y(Math.min(cell.from, cell.to))];
      const strength = cell.dense > 0 ? Math.min(1, Math.max(0, Math.log(cell.dense / least) / known)) : 0;
      context.fillStyle = surface;
      context.fillRect(left, top, right - left, bottom - top);
      context.fillStyle = ramp[Math.round(strength * 63)];
      context.fillRect(left, top, right - left, bottom - top);
    }
  }
  context.beginPath();
  let before = null;
  for (const { at, mid } of shown) {
    const place = [x(at + step / 2), y(mid)];
    if (before === null || at - before > held) context.moveTo(...place);
    else context.lineTo(...place);
    before = at;
  }
  context.strokeStyle = ink("mid");
  context.lineWidth = 1.5;
  context.stroke();
}

function axes(context, { x, y, low, high, first, last, width }) {
  context.font = FONT;
  context.fillStyle = ink("muted");
  context.textAlign = "right";
  context.textBaseline = "middle";
  const decimals = high >= 10000 ? 0 : high >= 100 ? 2 : high >= 1 ? 4 : 8;
  for (const share of [0.05, 0.28, 0.5, 0.72, 0.95]) {
    const price = low + (high - low) * share;
    context.fillText(fixed(price, decimals), EDGE.left - 8, y(price));
  }
  context.textAlign = "center";
  context.textBaseline = "bottom";
  const ticks = width < 500 ? 3 : 6;
  for (let at = 0; at <= ticks; at += 1) {
    const when = first + ((last - first) * (at + 0.25)) / (ticks + 0.5);
    context.fillText(clock(when * 1000).slice(0, last - first > 3600 ? 5 : 8), x(when), HEIGHT - 3);
  }
}

/** What is under the pointer, in words. */
function point(told, { shown, step, first, last, width, low, high }, { bands }, event) {
  const at = first + ((event.offsetX - EDGE.left) / (width - EDGE.left - EDGE.right)) * (last - first);
  const price = high - ((event.offsetY - EDGE.top) / (HEIGHT - EDGE.top - EDGE.bottom)) * (high - low);
  const column = shown.find((each) => at >= each.at && at < each.at + step);
  const cell = column?.cells.find(
    (each) => price >= Math.min(each.from, each.to) && price < Math.max(each.from, each.to),
  );
  if (!column || !cell || !bands.length) return;
  const away = (price / column.mid - 1) * 1e4;
  told.textContent = `${clock(column.at * 1000)} UTC · ${exact(fixed(price, price >= 1000 ? 1 : 4).replaceAll(",", ""))} (${fixed(away, 1)} bps) · ${cell.dense === null ? "not known" : `${money(cell.dense)} per bp`}`;
}
