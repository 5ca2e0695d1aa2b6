/** Colours for canvases, and which of light and dark is shown. */

const THEMES = ["auto", "light", "dark"];
const inks = new Map();

/** @returns {"auto"|"light"|"dark"} */
export function theme() {
  return /** @type {any} */ (document.documentElement.dataset.theme ?? "auto");
}

/** Go on to the next of auto, light and dark, and remember it. */
export function nextTheme() {
  const next = THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length];
  if (next === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  try {
    localStorage.setItem("theme", next);
  } catch {
    // Then it holds for this page only.
  }
  themeChanged();
}

/** Forget the colours that were looked up, and have everything drawn again. */
export function themeChanged() {
  inks.clear();
  dispatchEvent(new Event("themechange"));
}

/** The colour a custom property comes to now. @param {string} name */
export function ink(name) {
  let found = inks.get(name);
  if (found === undefined) {
    const probe = document.createElement("i");
    probe.style.color = `var(--${name})`;
    probe.hidden = true;
    document.body.append(probe);
    found = getComputedStyle(probe).color;
    probe.remove();
    inks.set(name, found);
  }
  return found;
}

/** A colour with its opacity. @param {string} colour as `rgb(…)` */
export const faint = (colour, opacity) =>
  colour.replace(/^rgba?\(([^,]+),([^,]+),([^,)]+).*$/, `rgba($1,$2,$3,${opacity})`);

export const LINES = 8;
const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3]];

/** How the line of the n-th venue is drawn: a colour, and a dash where colours begin again to look alike. */
export const lineOf = (at) => ({ stroke: ink(`line-${at % LINES}`), dash: DASHES[Math.floor(at / 2) % DASHES.length] });

/** The order of a symbol's venues, which decides their colours on every chart. */
export const venuesOf = (picture, symbol) =>
  Object.values(picture?.books ?? {})
    .filter((book) => book.symbol === symbol)
    .map((book) => book.venue)
    .sort();

/** A canvas as large as its box, in device pixels; returns its context in CSS pixels. */
export function sized(canvas, width, height) {
  const ratio = devicePixelRatio || 1;
  const [w, t] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== t) {
    canvas.width = w;
    canvas.height = t;
  }
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

const UNSEEN_MS = 10_000;

/**
 * Has `draw` called when `ask` is, and when the size or the colours change. What is out of sight is drawn
 * seldom, and at once when it comes into sight.
 * @param {Element} element @param {() => void} draw
 */
export function easel(element, draw) {
  let [seen, due, drawnAt] = [true, false, -Infinity];
  const now = () => {
    due = false;
    drawnAt = performance.now();
    draw();
  };
  const ask = () => {
    if (seen || performance.now() - drawnAt > UNSEEN_MS) now();
    else due = true;
  };
  const sight = new IntersectionObserver(
    (entries) => {
      seen = entries.at(-1).isIntersecting;
      if (seen && due) now();
    },
    { rootMargin: "100px" },
  );
  const size = new ResizeObserver(ask);
  sight.observe(element);
  size.observe(element);
  addEventListener("themechange", ask);
  const end = () => {
    sight.disconnect();
    size.disconnect();
    removeEventListener("themechange", ask);
  };
  return { ask, end };
}

/** The font of text on a canvas. */
export const FONT = '11px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif';
