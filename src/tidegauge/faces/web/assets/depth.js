/** The cumulative depth of all venues around their mids, from the ladders. */

import { FONT, faint, ink, lineOf, sized } from "./paint.js";
import { money } from "./words.js";

const HEIGHT = 252;
const EDGE = { left: 52, right: 10, top: 8, bottom: 22 };

/**
 * An island (see dom.js). Its data: `{venues: [{name, at, ladder, inverse}]}`, of books that may be trusted.
 * @param {HTMLElement} place
 */
export function depthIsland(place) {
  const canvas = document.createElement("canvas");
  canvas.setAttribute("role", "img");
  canvas.className = "depth";
  canvas.style.height = `${HEIGHT}px`;
  place.append(canvas);
  let data = { venues: [] };
  const again = () => paint(canvas, data);
  const watcher = new ResizeObserver(again);
  watcher.observe(canvas);
  addEventListener("themechange", again);
  return {
    update(next) {
      data = next;
      again();
    },
    end() {
      watcher.disconnect();
      removeEventListener("themechange", again);
    },
  };
}

/** Steps of one side: how far from the mid in bps, and the quote up to there. */
export function steps(side, mid, inverse) {
  let upTo = 0;
  return side.map(([price, size]) => {
    upTo += inverse ? Number(size) : Number(price) * Number(size);
    return [Math.abs(Number(price) / mid - 1) * 1e4, upTo];
  });
}

function paint(canvas, { venues }) {
  const width = canvas.clientWidth;
  if (!width) return;
  const drawn = venues.map((each) => {
    const mid = Number(each.ladder.mid);
    return {
      ...each,
      bids: steps(each.ladder.bids, mid, each.inverse),
      asks: steps(each.ladder.asks, mid, each.inverse),
    };
  });
  const context = sized(canvas, width, HEIGHT);
  const reach = Math.max(0.5, ...drawn.map((each) => Math.max(each.bids.at(-1)?.[0] ?? 0, each.asks.at(-1)?.[0] ?? 0)));
  const most = Math.max(1, ...drawn.flatMap((each) => [each.bids.at(-1)?.[1] ?? 0, each.asks.at(-1)?.[1] ?? 0]));
  const inner = { w: width - EDGE.left - EDGE.right, h: HEIGHT - EDGE.top - EDGE.bottom };
  const x = (away) => EDGE.left + ((away + reach) / (2 * reach)) * inner.w;
  const y = (quote) => EDGE.top + inner.h - (quote / most) * inner.h;
  grid(context, { x, y, reach, most, width });
  for (const each of drawn) {
    for (const [side, sign] of [
      [each.bids, -1],
      [each.asks, 1],
    ])
      line(context, side, sign, x, y, lineOf(each.at));
  }
  canvas.setAttribute(
    "aria-label",
    drawn.length
      ? `Depth within ${reach.toFixed(1)} bps: ${drawn.map((each) => `${each.name} bids ${money(each.bids.at(-1)?.[1])}, asks ${money(each.asks.at(-1)?.[1])}`).join("; ")}`
      : "No book may be trusted now",
  );
}

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
  for (const share of [-0.9, -0.45, 0, 0.45, 0.9]) {
    const away = reach * share;
    context.fillText(
      share === 0 ? "mid" : `${away > 0 ? "+" : "−"}${Math.abs(away).toFixed(reach < 3 ? 2 : 1)} bps`,
      x(away),
      HEIGHT - 3,
    );
  }
}

function line(context, side, sign, x, y, { stroke, dash }) {
  if (!side.length) return;
  context.beginPath();
  context.moveTo(x(sign * side[0][0]), y(0));
  let before = 0;
  for (const [away, upTo] of side) {
    context.lineTo(x(sign * away), y(before));
    context.lineTo(x(sign * away), y(upTo));
    before = upTo;
  }
  context.strokeStyle = stroke;
  context.lineWidth = 1.5;
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
  context.lineTo(x(sign * side.at(-1)[0]), y(0));
  context.closePath();
  context.fillStyle = faint(stroke, 0.08);
  context.fill();
}
