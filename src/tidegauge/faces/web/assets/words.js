/** Numbers and times as people read them. What is unknown is a dash, never a nought. */

export const DASH = "–";
const MINUS = "−";

const known = (value) => value !== null && value !== undefined && value !== "" && Number.isFinite(Number(value));

/** An exact number with every digit it came with, its thousands apart. @param {string|number|null|undefined} text */
export function exact(text) {
  if (!known(text)) return DASH;
  let plain = String(text);
  if (/e/i.test(plain)) plain = Number(plain).toLocaleString("en", { maximumFractionDigits: 12, useGrouping: false });
  const sign = plain.startsWith("-") ? MINUS : "";
  const [whole, part] = plain.replace(/^[-+]/, "").split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ",");
  return sign + grouped + (part ? `.${part}` : "");
}

/** With a fixed number of decimals. */
export function fixed(value, decimals) {
  if (!known(value)) return DASH;
  const text = Number(value).toLocaleString("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  return /^-0(\.0*)?$/.test(text) ? text.slice(1) : text.replace("-", MINUS);
}

/** With about three digits, as 1.25M. */
export function money(value) {
  if (!known(value)) return DASH;
  const size = Math.abs(Number(value));
  const sign = Number(value) < 0 ? MINUS : "";
  for (const [least, unit] of [
    [1e12, "T"],
    [1e9, "B"],
    [1e6, "M"],
    [1e3, "k"],
  ]) {
    if (size >= least * 0.99995) return sign + digits(size / least) + unit;
  }
  return sign + digits(size);
}

function digits(size) {
  const decimals = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  return size.toFixed(decimals).replace(/\.0+$/, "");
}

/** Basis points, without the unit. What is small and not nought does not read as nought. */
export function bps(value) {
  if (!known(value)) return DASH;
  const size = Math.abs(Number(value));
  if (size > 0 && size < 0.01) return size < 0.0001 ? `${value < 0 ? MINUS : ""}<0.0001` : fixed(value, 4);
  return fixed(value, size >= 100 ? 0 : size >= 9.995 ? 1 : 2);
}

/** With the sign always told. */
export function signed(value, decimals = 1) {
  if (!known(value)) return DASH;
  const text = fixed(value, decimals);
  return Number(value) > 0 ? `+${text}` : text;
}

/** A share as percent. */
export function percent(value, decimals = 0) {
  return known(value) ? `${fixed(Number(value) * 100, decimals)} %` : DASH;
}

/** A whole number with its thousands apart. */
export const count = (value) => fixed(value, 0);

/** "1 book", "2 books". */
export const counted = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

/** A span of seconds. */
export function span(seconds) {
  if (!known(seconds)) return DASH;
  const s = Math.max(0, Number(seconds));
  if (s < 9.95) return `${s.toFixed(1)} s`;
  if (s < 99.5) return `${Math.round(s)} s`;
  const minutes = Math.round(s / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.round(hours / 24)} d`;
}

/** A short span, as from venue to us: in ms below a second. */
export const short = (seconds) =>
  known(seconds) && Math.abs(seconds) < 1
    ? `${fixed(seconds * 1000, Math.abs(seconds) < 0.01 ? 1 : 0)} ms`
    : span(seconds);

/** Milliseconds of a time that was told, or null. @param {string|null|undefined} at */
export function millis(at) {
  const found = at ? Date.parse(at) : NaN;
  return Number.isNaN(found) ? null : found;
}

const two = (number) => String(number).padStart(2, "0");

/** The time of day, UTC. */
export function clock(at) {
  const ms = typeof at === "number" ? at : millis(at);
  if (ms === null) return DASH;
  const when = new Date(ms);
  return `${two(when.getUTCHours())}:${two(when.getUTCMinutes())}:${two(when.getUTCSeconds())}`;
}

/** The date too, where it is not the day of `now`. */
export function moment(at, now = Date.now()) {
  const ms = typeof at === "number" ? at : millis(at);
  if (ms === null) return DASH;
  const day = new Date(ms).toISOString().slice(0, 10);
  return day === new Date(now).toISOString().slice(0, 10) ? clock(ms) : `${day} ${clock(ms)}`;
}

/** A word of a machine as people write it: `sell_slippage` is "sell slippage". */
export const spoken = (name) => String(name ?? DASH).replaceAll("_", " ");

/** The first sentence of several; a point inside a number ends none. */
export const head = (text) => text.split(/(?<=\.)\s+(?=[A-Z])/)[0];

/** How many decimals these numbers need: those that are noughts in all of them are left out. */
export const decimalsOf = (numbers) =>
  Math.max(0, ...numbers.map((text) => (/\.(\d*?)0*$/.exec(String(text))?.[1] ?? "").length));

/** An exact number without the noughts at its end. */
export const price = (text) =>
  known(text) && String(text).includes(".") ? exact(String(text).replace(/\.?0+$/, "")) : exact(text);

/** How far these whole numbers usually lie apart: the median. */
export function apart(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const gaps = sorted.slice(1).map((number, at) => number - sorted[at]);
  return gaps.sort((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 1;
}

/** With a capital at its head. */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
