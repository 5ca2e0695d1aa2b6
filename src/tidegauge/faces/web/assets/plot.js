/** Lines over a common axis, by uPlot: shades behind them, the values under the cursor above them. */

import { FONT, easel, faint, ink } from "./paint.js";
import { DASH, clock } from "./words.js";

/**
 * @typedef {{label: string, stroke: string, dash?: number[], width?: number}} Line
 * @typedef {{from: number, to: number, kind: string}} Shade   seconds; `kind`: warning, high, critical, info or gap
 * @typedef {Object} Drawn
 * @property {string} title
 * @property {string} [about]
 * @property {Line[]} lines
 * @property {() => (number|null)[][]} columns   the axis, then a column a line; asked for when it is drawn
 * @property {any} version        what changes whenever `columns` or `shades` would
 * @property {Shade[]} [shades]
 * @property {(value: number) => string} say   a value in words
 * @property {(x: number) => string} [sayX]
 * @property {[number, number]} [between]      of the axis
 * @property {"time"|"size"} axis
 * @property {number} height
 * @property {string} [sync]
 * @property {boolean} [quiet]    values are told under the cursor only, each with its name
 * @property {number} [least]     the scale spans as much at least
 * @property {boolean} [zero]     nought is part of the scale
 */

const uPlot = /** @type {any} */ (globalThis).uPlot;
const AXIS_WIDTH = 62;
const KEY_STEP = 8;

/** An island (see dom.js) that draws. @param {HTMLElement} place */
export function plotIsland(place) {
  const caption = document.createElement("div");
  const body = document.createElement("div");
  caption.className = "plot-head";
  body.className = "plot-body";
  body.tabIndex = 0;
  body.setAttribute("role", "img");
  place.append(caption, body);
  let plot = null;
  let built = "";
  let version = null;
  /** @type {(number|null)[][]} */
  let columns = [];
  /** @type {Drawn} */
  let drawn;
  const { ask, end } = easel(body, draw);
  const retell = () => tell(caption, drawn, columns, plot);

  body.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -KEY_STEP, ArrowRight: KEY_STEP }[event.key];
    if (step === undefined || !plot) return;
    event.preventDefault();
    const width = plot.over.clientWidth;
    const from = plot.cursor.left >= 0 ? plot.cursor.left : width;
    plot.setCursor({ left: Math.min(width - 1, Math.max(0, from + step)), top: plot.over.clientHeight / 2 });
  });
  body.addEventListener("blur", () => plot?.setCursor({ left: -10, top: -10 }));

  function draw() {
    if (!drawn) return;
    const wanted = JSON.stringify([drawn.lines, drawn.height, drawn.title, drawn.about, ink("line")]);
    columns = drawn.columns();
    if (wanted !== built) {
      built = wanted;
      plot?.destroy();
      plot = new uPlot(
        options(() => drawn, body, retell),
        columns,
        body,
      );
    } else {
      if (plot.width !== body.clientWidth) plot.setSize({ width: body.clientWidth, height: drawn.height });
      plot.setData(columns);
    }
    retell();
    body.setAttribute("aria-label", described(drawn, columns));
  }

  return {
    /** @param {Drawn} next */
    update(next) {
      drawn = next;
      const wanted = JSON.stringify([next.version, next.lines]);
      if (wanted === version) return;
      version = wanted;
      ask();
    },
    end() {
      end();
      plot?.destroy();
    },
  };
}

function options(look, body, moved) {
  const drawn = look();
  const axis = { stroke: ink("muted"), font: FONT, ticks: { show: false }, grid: { stroke: ink("line"), width: 1 } };
  const scaleX = drawn.axis === "time" ? { time: true } : { time: false, distr: 3 };
  return {
    width: body.clientWidth || 300,
    height: drawn.height,
    legend: { show: false },
    padding: [6, 10, 0, 0],
    cursor: {
      y: false,
      points: { size: 5 },
      drag: { x: false, y: false },
      sync: drawn.sync ? { key: drawn.sync } : undefined,
    },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    scales: {
      x: { ...scaleX, range: (_plot, low, high) => look().between ?? [low, high] },
      y: { range: (_plot, low, high) => room(low, high, look()) },
    },
    series: [
      {},
      ...drawn.lines.map((line) => ({
        label: line.label,
        stroke: line.stroke,
        width: line.width ?? 1.5,
        dash: line.dash,
        points: { show: false },
      })),
    ],
    axes: [
      {
        ...axis,
        size: 26,
        space: 70,
        values:
          drawn.axis === "time"
            ? (_plot, at) => at.map(timeTick)
            : (_plot, at) => at.map((x) => (x === null ? null : drawn.sayX(x))),
      },
      {
        ...axis,
        size: AXIS_WIDTH,
        space: 28,
        values: (_plot, at) => at.map((y) => (y === null ? null : drawn.say(y))),
      },
    ],
    hooks: { drawClear: [(plot) => shade(plot, look().shades ?? [])], setCursor: [moved] },
  };
}

const timeTick = (seconds) => clock(seconds * 1000).slice(0, seconds % 60 === 0 ? 5 : 8);

/** Room above and below; a flat line lies in the middle. */
function room(low, high, { zero, least = 0 }) {
  if (low === null || high === null || low === undefined || high === undefined) return [0, 1];
  if (zero) [low, high] = [Math.min(0, low), Math.max(0, high)];
  const missing = Math.max(0, least - (high - low));
  [low, high] = [zero && low === 0 ? low : low - missing / 2, high + missing / (zero && low === 0 ? 1 : 2)];
  const span = high - low || Math.abs(high) * 0.001 || 1;
  return [zero && low === 0 ? 0 : low - span * 0.08, zero && high === 0 ? 0 : high + span * 0.08];
}

/** Alerts are tinted under a bar at the top, gaps are hatched: not by colour alone. */
function shade(plot, shades) {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio || 1;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const each of shades) {
    const left = Math.max(bbox.left, plot.valToPos(each.from, "x", true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(each.to, "x", true));
    if (!(right > bbox.left && left < bbox.left + bbox.width)) continue;
    const width = Math.max(ratio, right - left);
    if (each.kind === "gap") hatch(ctx, left, bbox.top, width, bbox.height, ratio);
    else {
      const colour = ink(`sev-${each.kind}`);
      ctx.fillStyle = faint(colour, 0.13);
      ctx.fillRect(left, bbox.top, width, bbox.height);
      ctx.fillStyle = colour;
      ctx.fillRect(left, bbox.top, width, 3 * ratio);
    }
  }
  ctx.restore();
}

/** Slanting lines over what is not known. */
export function hatch(ctx, left, top, width, height, ratio = 1) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.fillStyle = faint(ink("muted"), 0.08);
  ctx.fillRect(left, top, width, height);
  ctx.strokeStyle = faint(ink("muted"), 0.5);
  ctx.lineWidth = ratio;
  ctx.beginPath();
  const step = 7 * ratio;
  for (let x = Math.floor((left - height) / step) * step; x < left + width; x += step) {
    ctx.moveTo(x, top + height);
    ctx.lineTo(x + height, top);
  }
  ctx.stroke();
  ctx.restore();
}

/** The title, and what each line is at the cursor, or at its end. */
function tell(caption, drawn, columns, plot) {
  const at = plot?.cursor?.idx ?? null;
  const inside = at !== null && plot.cursor.left >= 0;
  const x = inside ? columns[0][at] : null;
  const head = document.createElement("span");
  head.className = "plot-title";
  head.textContent = drawn.title;
  const about = document.createElement("span");
  about.className = "note";
  about.textContent =
    x !== null && x !== undefined
      ? `at ${drawn.axis === "time" ? `${clock(x * 1000)} UTC` : drawn.sayX(x)}`
      : (drawn.about ?? "");
  const values =
    drawn.quiet && !inside
      ? []
      : drawn.lines.map((line, index) => {
          const column = columns[index + 1] ?? [];
          const value = inside ? column[at] : lastOf(column);
          const said = document.createElement("output");
          said.className = "num";
          const dot = document.createElement("i");
          dot.style.background = line.stroke;
          const told = value === null || value === undefined ? DASH : drawn.say(value);
          said.append(dot, drawn.quiet ? `${line.label} ${told}` : told);
          said.title = line.label;
          return said;
        });
  caption.replaceChildren(head, about, ...values);
}

/** The last value, if it is not long gone. */
function lastOf(column) {
  for (let at = column.length - 1; at >= Math.max(0, column.length - 4); at -= 1)
    if (column[at] !== null) return column[at];
  return null;
}

function described(drawn, columns) {
  const said = drawn.lines.map((line, index) => {
    const known = columns[index + 1].filter((value) => value !== null && value !== undefined);
    if (!known.length) return `${line.label}: nothing known`;
    let [low, high] = [Infinity, -Infinity];
    for (const value of known) {
      if (value < low) low = value;
      if (value > high) high = value;
    }
    return `${line.label}: from ${drawn.say(low)} to ${drawn.say(high)}`;
  });
  return `${drawn.title}. ${said.join("; ")}.`;
}
