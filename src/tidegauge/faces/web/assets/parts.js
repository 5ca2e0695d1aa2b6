/** Pieces that several pages are made of. */

import { h } from "./dom.js";
import { DASH, fixed, millis, span, spoken } from "./words.js";
import { OLD_AFTER_S } from "./stream.js";

/** How bad it is, from 0 to 3, whatever the scale is called. */
const RANK = {
  calm: 0,
  watch: 1,
  stressed: 2,
  critical: 3,
  info: 1,
  warning: 1,
  high: 2,
  safe: 0,
  elevated: 1,
  unsafe: 3,
  well: 0,
  starting: 1,
  degraded: 2,
  down: 3,
  refused: 3,
  dark: 3,
  live: 0,
  syncing: 1,
  stale: 2,
  untrusted: 3,
  warming: 4,
  pending: 2,
  firing: 3,
  unseen: 4,
  blind: 2,
  resolved: 0,
};

/** @param {string|null|undefined} word @returns {number} 4 where it is not known */
export const rank = (word) => RANK[word ?? ""] ?? 4;

const draw = (tag, kind, shape) => h(tag, { class: kind, ...shape });
const SHAPES = [
  () => draw("path", "stroke", { d: "M2 9c2 0 2-2 4-2s2 2 4 2 2-2 4-2" }),
  () => [
    draw("circle", "stroke", { cx: "8", cy: "8", r: "5.5" }),
    draw("path", "solid", { d: "M8 2.5a5.5 5.5 0 0 0 0 11z" }),
  ],
  () => draw("path", "solid", { d: "M8 1.8 14.6 13.5H1.4z" }),
  () => draw("path", "stroke", { d: "M5.2 1.5h5.6l3.7 3.7v5.6l-3.7 3.7H5.2l-3.7-3.7V5.2zM8 4.6v4M8 11.2v.2" }),
  () => draw("circle", "stroke dotted", { cx: "8", cy: "8", r: "5" }),
];

/** A shape for how bad it is: a wave, a half disc, a triangle, an octagon; a dotted ring for unknown. */
export const shape = (word) =>
  h("svg", { viewBox: "0 0 16 16", class: `shape r${rank(word)}`, "aria-hidden": "true" }, SHAPES[rank(word)]());

/** A shape and its word. */
export const mark = (word, said = null) =>
  h(
    "span",
    { class: `mark r${rank(word)}` },
    shape(word),
    h("span", null, said ?? (word ? spoken(word).toLowerCase() : "unknown")),
  );

/** The score as a bar: each part as long as it counts, of 100. */
export function scoreBar(score) {
  const parts = [...(score.parts ?? [])].filter((part) => part.share > 0).sort((a, b) => b.share - a.share);
  const said = parts.map((part) => `${spoken(part.name)} ${fixed(part.share, 0)}`).join(", ");
  return h(
    "div",
    {
      class: `bar r${rank(score.weather)}`,
      role: "img",
      "aria-label": said ? `Of 100: ${said}` : "No part adds to it",
    },
    parts.map((part, at) =>
      h("i", {
        key: part.name,
        title: `${spoken(part.name)}: ${fixed(part.share, 1)}`,
        class: part.missing_since ? "missing" : "",
        style: { width: `${Math.min(100, part.share)}%`, opacity: Math.max(0.35, 1 - at * 0.17) },
      }),
    ),
  );
}

/** The parts that make most of a score, in words. */
export function partWords(score, most = 3) {
  const parts = [...(score.parts ?? [])]
    .filter((part) => part.share >= 0.5)
    .sort((a, b) => b.share - a.share)
    .slice(0, most);
  return parts.length
    ? parts.map((part) => `${spoken(part.name)} ${fixed(part.share, 0)}`).join(" · ")
    : "nothing adds to it";
}

/** A score: its number, its word, its bar. */
export function scoreBlock(score, { words = true } = {}) {
  const missing = score.incomplete
    ? h("span", { class: "note", title: "A part of it is not known now" }, "incomplete")
    : null;
  return h(
    "div",
    { class: "score" },
    h(
      "div",
      { class: "score-head" },
      h("b", { class: "num" }, score.value === undefined || score.value === null ? DASH : fixed(score.value, 0)),
      mark(score.weather),
      missing,
    ),
    scoreBar(score),
    words && h("div", { class: "note" }, partWords(score)),
  );
}

/** A card: a section with a heading. `tools` stands at its right. */
export function card(title, { tools = null, about = null, wide = false, key, class: more = "" } = {}, ...kids) {
  const id = `h-${title.toLowerCase().replace(/[^a-z0-9]+/g, "-")}`;
  return h(
    "section",
    { class: `card ${wide ? "wide" : ""} ${more}`, "aria-labelledby": id, key },
    h(
      "header",
      { class: "card-head" },
      h("h2", { id }, title),
      about && h("p", { class: "note" }, about),
      tools && h("div", { class: "tools" }, tools),
    ),
    kids,
  );
}

/** Something that is not there, in a sentence. */
export const empty = (said) => h("p", { class: "empty" }, said);

/**
 * A table that becomes a list of labelled lines on a phone.
 * @param {{caption: string, columns: {name: string, number?: boolean, wide?: boolean}[], rows: {key: string, cells: any[], class?: string}[], class?: string}} what
 */
export function table({ caption, columns, rows, class: more = "" }) {
  return h(
    "div",
    { class: "scroll", role: "group", "aria-label": caption },
    h(
      "table",
      { class: `table ${more}`, role: "table" },
      h("caption", { class: "hidden" }, caption),
      h(
        "thead",
        { role: "rowgroup" },
        h(
          "tr",
          { role: "row" },
          columns.map((column) =>
            h("th", { scope: "col", role: "columnheader", class: column.number ? "number" : "" }, column.name),
          ),
        ),
      ),
      h(
        "tbody",
        { role: "rowgroup" },
        rows.map((row) =>
          h(
            "tr",
            { key: row.key, role: "row", class: row.class ?? "" },
            row.cells.map((cell, at) =>
              at === 0
                ? h("th", { scope: "row", role: "rowheader" }, cell)
                : h(
                    "td",
                    { role: "cell", class: columns[at].number ? "number" : "", "data-label": columns[at].name },
                    cell,
                  ),
            ),
          ),
        ),
      ),
    ),
  );
}

/** Terms and what they are. @param {[string, any][]} pairs */
export const facts = (pairs, more = "") =>
  h(
    "dl",
    { class: `facts ${more}` },
    pairs.map(([term, value]) => h("div", { key: term }, h("dt", null, term), h("dd", null, value))),
  );

/** How many seconds before the picture a daemon showed itself last. Its clock may still be on its way to one that was set. */
export function daemonAge(picture, id) {
  const daemon = picture?.daemons?.[id];
  const [at, now] = [millis(daemon?.at), millis(picture?.at)];
  return at === null || now === null ? null : Math.max(0, (now - at) / 1000 - (daemon.clock_behind_s ?? 0));
}

/** How old a daemon's part is, where that is too old; else null. */
export function outdated(picture, id) {
  const age = daemonAge(picture, id);
  return age !== null && age > OLD_AFTER_S ? age : null;
}

/** The symbols of which nothing is shown any more, for their daemon is away: `[symbol, how long]`. */
export function awaySymbols(picture) {
  const away = Object.values(picture?.daemons ?? {}).filter((each) => outdated(picture, each.id) !== null);
  return away.flatMap((each) =>
    each.symbols.filter((symbol) => !picture.symbols?.[symbol]).map((symbol) => [symbol, outdated(picture, each.id)]),
  );
}

/** What a daemon watches, where another one joins the same venues; else nothing. */
export function whichOf(picture, id) {
  const symbols = picture.daemons?.[id]?.symbols ?? [];
  if (Object.keys(picture.daemons ?? {}).length < 2) return null;
  return symbols.length > 2 ? `${symbols[0]} and ${symbols.length - 1} more` : symbols.join(", ");
}

/** A note that what stands here is old. */
export const oldNote = (age) => (age === null ? null : h("span", { class: "old-note" }, `old: ${span(age)}`));

/** A row of buttons of which one is chosen. @param {string} label @param {[any, string][]} choices */
export const choice = (label, choices, chosen, choose) =>
  h(
    "div",
    { class: "choice", role: "group", "aria-label": label },
    choices.map(([value, said]) =>
      h(
        "button",
        {
          type: "button",
          key: said,
          "aria-pressed": value === chosen ? "true" : "false",
          onclick: () => choose(value),
        },
        said,
      ),
    ),
  );

/** A labelled list to choose from. */
export const picker = (label, values, chosen, choose, say = (value) => value) =>
  h(
    "label",
    { class: "picker" },
    h("span", null, label),
    h(
      "select",
      { onchange: (event) => choose(event.target.value), value: chosen },
      values.map((value) => h("option", { key: value, value, selected: value === chosen }, say(value))),
    ),
  );

/** Seconds since a time that was told, by the picture's clock. */
export const since = (at, now) => (millis(at) === null ? null : Math.max(0, (now - millis(at)) / 1000));

/** The link to a symbol, an incident. */
export const symbolLink = (symbol) => h("a", { href: `#/symbol/${encodeURIComponent(symbol)}` }, symbol);
export const incidentLink = (id, said) => h("a", { href: `#/incident/${encodeURIComponent(id)}` }, said);

/** The worst first; what has no score stands last, for nothing is known of it. */
export const bySeverity = (symbols) =>
  symbols.sort((a, b) => (b.score.value ?? -1) - (a.score.value ?? -1) || a.symbol.localeCompare(b.symbol));
