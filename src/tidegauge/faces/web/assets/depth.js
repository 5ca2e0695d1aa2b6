/** The cumulative depth of all venues around their mids: level by level near it, band by band beyond. */

import { h } from "./dom.js";
import { swatch } from "./history.js";
import { LEVELS, trusted } from "./ladder.js";
import { FONT, easel, faint, ink, lineOf, sized } from "./paint.js";
import { card, choice } from "./parts.js";
import { money } from "./words.js";

const HEIGHT = 252;
const EDGE = { left: 52, right: 10, top: 8, bottom: 22 };
const REACHES = [
  [2, "2 bps"],
  [10, "10 bps"],
  [50, "50 bps"],
];

export class Depth {
  constructor(app) {
    this.app = app;
    this.reach = REACHES[1][0];
  }

  end() {}

  view(books, venues, ladders) {
    const shown = books
      .filter(trusted)
      .map((book) => ({
        name: book.venue,
        at: venues.indexOf(book.venue),
        inverse: book.inverse,
        bands: book.reading.bands,
        ladder: ladders[`${book.venue}/${book.symbol}`],
      }))
      .filter((each) => each.ladder?.trust === "live" && each.ladder.mid);
    const choose = (reach) => {
      this.reach = reach;
      this.app.redraw();
    };
    return card(
      "Depth",
      { about: "cumulative, in quote", tools: choice("Within", REACHES, this.reach, choose) },
      h("div", { island: depthIsland, data: { venues: shown, reach: this.reach } }),
      h(
        "ul",
        { class: "legend" },
        shown.map((each) => h("li", { key: each.name }, swatch(each.at), each.name)),
      ),
      h("p", { class: "note" }, `Steps are the best ${LEVELS} levels; straight lines beyond them join the bands.`),
    );
  }
}

/** An island (see dom.js). Its data: books that may be trusted. @param {HTMLElement} place */
function depthIsland(place) {
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.className = "depth";
  canvas.style.height = `${HEIGHT}px`;
  place.append(canvas);
  let data = null;
  const { ask, end } = easel(canvas, () => data && paint(canvas, data));
  return {
    update(next) {
      data = next;
      ask();
    },
    end,
  };
}

/** The line of one side: how far from the mid in bps, the quote up to there, and whether it is a step. */
function lineOfSide({ ladder, inverse, bands }, side, reach) {
  let upTo = 0;
  const found = ladder[`${side}s`].map(([price, size]) => {
    upTo += inverse ? Number(size) : Number(price) * Number(size);
    return { away: Math.abs(Number(price) / Number(ladder.mid) - 1) * 1e4, upTo, step: true };
  });
  const edge = found.at(-1)?.away ?? 0;
  if (ladder[`${side}_more`]) {
    for (const band of [...bands].sort((a, b) => a.bps - b.bps)) {
      if (band.bps > edge && band[`${side}_complete`] && Number(band[side]) >= upTo)
        found.push({ away: band.bps, upTo: Number(band[side]), step: false });
    }
  }
  const beyond = found.findIndex((each) => each.away > reach);
  return beyond === -1 ? found : found.slice(0, beyond + 1);
}

function paint(canvas, { venues, reach }) {
  const width = canvas.clientWidth;
  if (!width) return;
  const drawn = venues.map((each) => ({
    ...each,
    bids: lineOfSide(each, "bid", reach),
    asks: lineOfSide(each, "ask", reach),
  }));
  const context = sized(canvas, width, HEIGHT);
  const most = Math.max(1, ...drawn.flatMap((each) => [within(each.bids, reach), within(each.asks, reach)]));
  const inner = { w: width - EDGE.left - EDGE.right, h: HEIGHT - EDGE.top - EDGE.bottom };
  const x = (away) => EDGE.left + ((away + reach) / (2 * reach)) * inner.w;
  const y = (quote) => EDGE.top + inner.h - (quote / most) * inner.h;
  grid(context, { x, y, reach, most, width });
  context.save();
  context.beginPath();
  context.rect(EDGE.left, EDGE.top - 2, inner.w, inner.h + 3);
  context.clip();
  for (const each of drawn) {
    for (const [side, sign] of [
      [each.bids, -1],
      [each.asks, 1],
    ]) {
      line(context, side, sign, x, y, lineOf(each.at));
    }
  }
  context.restore();
  const said = drawn.map(
    (each) => `${each.name} bids ${money(within(each.bids, reach))}, asks ${money(within(each.asks, reach))}`,
  );
  canvas.setAttribute(
    "aria-label",
    said.length ? `Depth within ${reach} bps: ${said.join("; ")}` : "No book may be trusted now",
  );
}

/** The quote within the reach, as far as it is known. */
const within = (side, reach) => side.filter((each) => each.away <= reach).at(-1)?.upTo ?? 0;

function grid(context, { x, y, reach, most, width }) {
  context.font = FONT;
  context.lineWidth = 1;
  context.strokeStyle = ink("line");
  context.fillStyle = ink("muted");
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const at = Math.round(y(most * share)) + 0.5;
    context.beginPath();
    context.moveTo(EDGE.left, at);
    context.lineTo(width - EDGE.right, at);
    context.stroke();
    context.fillText(money(most * share), EDGE.left - 8, Math.max(7, at));
  }
  context.textAlign = "center";
  context.textBaseline = "bottom";
  for (const share of [-0.8, -0.4, 0, 0.4, 0.8]) {
    const away = reach * share;
    context.fillText(
      share === 0 ? "mid" : `${away > 0 ? "+" : "−"}${Math.abs(away)} bps`.replace(/(\.\d)\d+/, "$1"),
      x(away),
      HEIGHT - 3,
    );
  }
}

function line(context, side, sign, x, y, { stroke, dash }) {
  if (!side.length) return;
  context.beginPath();
  context.moveTo(x(sign * side[0].away), y(0));
  let before = 0;
  for (const { away, upTo, step } of side) {
    if (step) context.lineTo(x(sign * away), y(before));
    context.lineTo(x(sign * away), y(upTo));
    before = upTo;
  }
  context.strokeStyle = stroke;
  context.lineWidth = 1.5;
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
  context.lineTo(x(sign * side.at(-1).away), y(0));
  context.closePath();
  context.fillStyle = faint(stroke, 0.06);
  context.fill();
}
