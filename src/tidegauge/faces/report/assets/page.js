"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const [WIDTH, HEIGHT] = data.grid;
  const LASTS = data.until - data.since;
  const LEAST = Math.min(1, Math.max(1000, LASTS / 5000) / LASTS);
  const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];
  const SVG = "http://www.w3.org/2000/svg";
  const all = (root, query) => [...root.querySelectorAll(query)];
  const make = (name, attributes, text) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const two = (number) => String(number).padStart(2, "0");
  const clock = (ms, tenths) => {
    const at = new Date(ms);
    const text = `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())}`;
    return tenths ? `${text}.${Math.floor(at.getUTCMilliseconds() / 100)}` : text;
  };
  const day = (ms) => new Date(ms).toISOString().slice(0, 10);

  const money = (value) => {
    let amount = value;
    for (const unit of ["", "k", "M"]) {
      if (Math.abs(amount) < 1000) return unit ? `${+amount.toPrecision(3)}${unit}` : amount.toFixed(0);
      amount /= 1000;
    }
    return `${+amount.toPrecision(3)}B`;
  };
  const bps = (value) => {
    if (value && Math.abs(value) < 0.01) return String(+value.toPrecision(1));
    return value.toLocaleString("en", { minimumFractionDigits: Math.abs(value) < 100 ? 2 : 0, maximumFractionDigits: Math.abs(value) < 100 ? 2 : 0 });
  };
  const price = (value) => value.toLocaleString("en", { maximumFractionDigits: 12 });
  const score = (value) => {
    const text = Math.abs(value).toFixed(1);
    return text === "0.0" ? text : `${value < 0 ? "-" : "+"}${text}`;
  };
  const written = { mid: price, depth: money, bids: money, asks: money, depth_z: score, spread_z: score };

  let view = [0, 1];
  const plots = all(document, ".plot").filter((figure) => data.plots[figure.dataset.metric]).map((figure) => {
    const own = data.plots[figure.dataset.metric];
    return {
      figure, ...own,
      write: written[figure.dataset.metric] || bps,
      frame: figure.querySelector(".frame"),
      lines_: figure.querySelector(".lines"),
      cursor: figure.querySelector(".cursor"),
      drag: figure.querySelector(".drag"),
      rows: figure.querySelector(".rows"),
      values: figure.querySelector(".values"),
      outputs: new Map(all(figure, ".key li[data-venue]").map((li) => [li.dataset.venue, li.querySelector("output")])),
    };
  });
  const moving = all(document, "[data-at]");
  const columns = all(document, ".columns");
  const times = all(document, ".times");
  const whens = all(document, ".key .when");
  const now = document.querySelector(".now");

  const share = (part) => (part - view[0]) / (view[1] - view[0]);

  const place = () => {
    for (const each of moving) {
      const from = share(each.dataset.at / 100);
      if (each.dataset.width === undefined) {
        each.setAttribute("x1", `${from * 100}%`);
        each.setAttribute("x2", `${from * 100}%`);
        continue;
      }
      const to = share((+each.dataset.at + +each.dataset.width) / 100);
      const left = Math.max(from, -0.01), right = Math.min(to, 1.01);
      each.setAttribute("x", `${left * 100}%`);
      each.setAttribute("width", `${Math.max(0, right - left) * 100}%`);
      if (each.tagName === "svg") each.classList.toggle("narrow", (right - left) * each.parentNode.clientWidth < 48);
    }
  };

  const timeTicks = () => {
    const since = data.since + view[0] * LASTS, until = data.since + view[1] * LASTS;
    const rough = (until - since) / 6000;
    const step = (STEPS.find((each) => each >= rough) || Math.ceil(rough / 86400) * 86400) * 1000;
    const found = [];
    for (let at = Math.ceil(since / step) * step; at <= until; at += step) {
      const text = step < 60000 ? clock(at) : step < 86400000 ? clock(at).slice(0, 5) : day(at).slice(5);
      found.push([((at - since) / (until - since)) * 100, text]);
    }
    return found;
  };

  const drawTimes = () => {
    const ticks = timeTicks();
    for (const group of columns) group.replaceChildren(...ticks.map(([x]) => make("line", { x1: `${x}%`, x2: `${x}%`, y1: 0, y2: "100%" })));
    for (const group of times) {
      group.replaceChildren(...ticks.map(([x, text]) => make("text", { x: `${x}%`, y: 12, class: x < 3 ? "first" : x > 97 ? "last" : "" }, text)));
    }
  };

  const within = (plot) => {
    const from = view[0] * WIDTH, to = view[1] * WIDTH;
    let low = Infinity, high = -Infinity;
    for (const line of plot.lines) {
      for (const [xs, values] of line.runs) {
        for (let i = 0; i < xs.length; i++) {
          if (xs[i] < from || xs[i] > to) continue;
          const value = +values[i];
          if (value < low) low = value;
          if (value > high) high = value;
        }
      }
    }
    return [low, high];
  };

  const scaleOf = (plot) => {
    if (view[0] === 0 && view[1] === 1) return [plot.low, plot.high];
    let [low, high] = within(plot);
    if (low > high) return [plot.low, plot.high];
    if (plot.zero) { low = Math.min(low, 0); high = Math.max(high, 0); }
    const room = (high - low) * 0.1 || Math.max(Math.abs(high) * 1e-4, 1e-4);
    return [plot.zero && low === 0 ? low : low - room, plot.zero && high === 0 && low < 0 ? high : high + room];
  };

  const valueTicks = (low, high) => {
    const rough = (high - low) / 4, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= rough) || 10 * power;
    const found = [];
    for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(+(i * step).toFixed(12));
    return found;
  };

  const draw = () => {
    place();
    drawTimes();
    for (const plot of plots) {
      const [low, high] = scaleOf(plot);
      const grid = (value) => ((plot.high - value) / (plot.high - plot.low)) * HEIGHT;
      const top = grid(high);
      plot.lines_.setAttribute("viewBox", `${view[0] * WIDTH} ${top} ${(view[1] - view[0]) * WIDTH} ${grid(low) - top}`);
      const ticks = valueTicks(low, high).map((value) => [((high - value) / (high - low)) * 100, value]);
      plot.rows.replaceChildren(...ticks.map(([y]) => make("line", { x1: 0, x2: "100%", y1: `${y}%`, y2: `${y}%` })));
      plot.values.replaceChildren(...ticks.map(([y, value]) => make("text", { x: "100%", y: `${y}%` }, plot.write(value))));
    }
    document.documentElement.dataset.view = view.map((each) => each.toFixed(4)).join(" ");
  };

  const look = (from, to) => {
    let width = Math.min(1, Math.max(LEAST, to - from));
    let left = Math.min(Math.max(0, from), 1 - width);
    view = [left, left + width];
    draw();
  };

  const nearest = (line, x, slack) => {
    let best = null, gap = slack;
    for (const [xs, values] of line.runs) {
      const first = xs[0], last = xs[xs.length - 1];
      if (x < first - slack || x > last + slack) continue;
      let a = 0, b = xs.length - 1;
      while (b - a > 1) { const middle = (a + b) >> 1; if (xs[middle] <= x) a = middle; else b = middle; }
      const i = Math.abs(xs[a] - x) <= Math.abs(xs[b] - x) ? a : b;
      const far = x >= first && x <= last ? 0 : Math.abs(xs[i] - x);
      if (far <= gap) { gap = far; best = values[i]; }
    }
    return best;
  };

  let at = null;
  const point = (part) => {
    at = part;
    const shown = part !== null;
    const x = shown ? (view[0] + part * (view[1] - view[0])) * WIDTH : 0;
    const slack = (view[1] - view[0]) * WIDTH * 0.006;
    for (const plot of plots) {
      plot.cursor.setAttribute("visibility", shown ? "visible" : "hidden");
      if (shown) { plot.cursor.setAttribute("x1", `${part * 100}%`); plot.cursor.setAttribute("x2", `${part * 100}%`); }
      for (const line of plot.lines) {
        const value = shown ? nearest(line, x, slack) : null;
        const output = plot.outputs.get(line.venue);
        output.textContent = !shown ? output.dataset.last : value === null ? "–" : plot.write(+value);
      }
    }
    const ms = data.since + (x / WIDTH) * LASTS;
    for (const each of whens) each.textContent = shown ? clock(ms, true) : "last";
    now.textContent = shown ? `${day(ms)} ${clock(ms, true)} UTC` : "\u00a0";
  };

  const fraction = (plot, event) => {
    const box = plot.frame.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };

  for (const plot of plots) {
    let begun = null;
    const stretch = (from, to) => {
      for (const other of plots) {
        other.drag.setAttribute("visibility", from === null ? "hidden" : "visible");
        if (from === null) continue;
        other.drag.setAttribute("x", `${Math.min(from, to) * 100}%`);
        other.drag.setAttribute("width", `${Math.abs(to - from) * 100}%`);
      }
    };
    plot.frame.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      point(fraction(plot, event));
      if (event.pointerType !== "mouse") return;
      begun = fraction(plot, event);
      plot.frame.setPointerCapture(event.pointerId);
    });
    plot.frame.addEventListener("pointermove", (event) => {
      const part = fraction(plot, event);
      point(part);
      if (begun !== null) stretch(begun, part);
    });
    const end = (event) => {
      if (begun === null) return;
      const from = Math.min(begun, fraction(plot, event)), to = Math.max(begun, fraction(plot, event));
      begun = null;
      stretch(null);
      if (event.type === "pointerup" && to - from > 0.01) {
        const width = view[1] - view[0];
        look(view[0] + from * width, view[0] + to * width);
      }
    };
    plot.frame.addEventListener("pointerup", end);
    plot.frame.addEventListener("pointercancel", end);
    plot.frame.addEventListener("pointerleave", () => { if (begun === null) point(null); });
    plot.frame.addEventListener("dblclick", () => look(0, 1));
    plot.frame.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -0.01, ArrowRight: 0.01 }[event.key];
      if (step) point(Math.min(1, Math.max(0, (at === null ? 0.5 : at) + step)));
      else if (event.key === "+" || event.key === "=") zoom(0.5);
      else if (event.key === "-") zoom(2);
      else if (event.key === "0" || event.key === "Escape") look(0, 1);
      else return;
      event.preventDefault();
    });
    plot.frame.addEventListener("blur", () => point(null));
    for (const li of all(plot.figure, ".key li[data-venue]")) {
      const dim = (on) => { for (const path of all(document, "path.line")) path.classList.toggle("dim", on && path.dataset.venue !== li.dataset.venue); };
      li.addEventListener("pointerenter", () => dim(true));
      li.addEventListener("pointerleave", () => dim(false));
    }
  }

  const zoom = (factor) => {
    const width = (view[1] - view[0]) * factor, middle = view[0] + (at === null ? 0.5 : at) * (view[1] - view[0]);
    look(middle - width / 2, middle + width / 2);
  };
  const shift = (part) => look(view[0] + part * (view[1] - view[0]), view[1] + part * (view[1] - view[0]));
  const doing = { in: () => zoom(0.5), out: () => zoom(2), left: () => shift(-0.5), right: () => shift(0.5), all: () => look(0, 1) };
  addEventListener("resize", place);
  place();
  for (const button of all(document, "[data-do]")) button.addEventListener("click", doing[button.dataset.do]);
  for (const hidden of all(document, ".tools, .shown-by-script")) hidden.hidden = false;
})();
