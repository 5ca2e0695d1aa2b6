/** All symbols by score, the worst first; the incidents that are open; the venues; the daemons. */

import { storage, storageRank } from "./board.js";
import { h } from "./dom.js";
import {
  awaySymbols,
  bySeverity,
  card,
  empty,
  incidentLink,
  mark,
  oldNote,
  outdated,
  rank,
  scoreBlock,
  shape,
  since,
  symbolLink,
  table,
  whichOf,
} from "./parts.js";
import { DASH, bps, capital, counted, head, moment, money, percent, span, spoken } from "./words.js";
import { byUrgency, isOpen, whereOf } from "./incidents.js";
import { worstVenues } from "./venues.js";

const ALERTS = 8;
const NAMED = 4;

const COLUMNS = [
  { name: "Symbol" },
  { name: "Score" },
  { name: "Divergence", number: true },
  { name: "Sell" },
  { name: "Buy" },
  { name: "Books live", number: true },
  { name: "Incidents", number: true },
];

export class OverviewPage {
  title() {
    return "Overview";
  }

  view({ stream }) {
    const { picture, now } = stream;
    if (!picture) return [h("h1", { class: "hidden" }, "Overview"), empty("Reading what the daemons show …")];
    const symbols = bySeverity(Object.values(picture.symbols ?? {}));
    const away = awaySymbols(picture);
    const open = Object.values(picture.incidents ?? {})
      .filter(isOpen)
      .sort(byUrgency);
    return h(
      "div",
      { class: "overview" },
      weather(picture, symbols, away, open, stream.live),
      h(
        "div",
        { class: "beside" },
        card(
          "Symbols",
          { about: "worst first", class: "symbols" },
          symbols.length + away.length
            ? table({
                caption: "Symbols by score, the worst first",
                columns: COLUMNS,
                class: "cards roomy",
                rows: [...symbols.map((each) => row(each, picture, open)), ...away.map(awayRow)],
              })
            : empty("No symbol is watched yet."),
        ),
        card("Alerts", { about: "those not over first" }, alerts(picture, now)),
      ),
      h(
        "div",
        { class: "beside" },
        card(
          "Open incidents",
          { tools: h("a", { href: "#/incidents" }, "All incidents") },
          incidents(open, now, Object.keys(picture.daemons ?? {}).length > 0),
        ),
        card("Venues", { tools: h("a", { href: "#/venues" }, "Details") }, venues(picture)),
        exposures(picture),
        card("Daemons", {}, daemons(picture)),
      ),
    );
  }
}

/** How it is, in one word and a sentence. What is old says nothing of how it is now. */
function weather(picture, symbols, away, open, live) {
  const fresh = symbols.filter((each) => outdated(picture, each.daemon) === null);
  const scored = fresh.find((each) => each.score.weather)?.score.weather ?? null;
  const firing = open.filter((each) => each.firing?.length);
  // The scores may have recovered while an alert still holds: that is no calm.
  const word = scored === "calm" && firing.length ? "watch" : scored;
  const books = fresh.reduce((sum, each) => sum + each.books, 0);
  const up = fresh.reduce((sum, each) => sum + each.live, 0);
  const seen = Object.keys(picture.daemons ?? {}).length > 0;
  const venues = worstVenues(picture).filter((each) => outdated(picture, each.daemon) === null);
  const names = [...new Set(venues.map((each) => each.venue))];
  const well = names.filter((name) => venues.every((each) => each.venue !== name || each.health === "well")).length;
  const old = symbols.length - fresh.length + away.length;
  const nobody = open.filter((each) => each.state === "open").length;
  const taken = nobody ? `${nobody} taken on by nobody` : "all taken on";
  return h(
    "header",
    { class: `weather r${rank(word)}` },
    h("h1", null, shape(word), h("span", null, !word ? "Unknown" : live ? capital(word) : `Was ${word}`)),
    h("p", { class: "weather-said" }, weatherWords(word, old, fresh, open, firing)),
    h(
      "ul",
      { class: "tiles" },
      tile("Open incidents", seen ? open.length : DASH, !seen ? "not known" : open.length ? taken : "none"),
      tile(
        "Books live",
        books ? `${up}/${books}` : DASH,
        !books ? "not known" : up < books ? `${books - up} not` : old ? "of those heard of" : "all of them",
      ),
      tile("Venues well", names.length ? `${well}/${names.length}` : DASH, venueWords(venues)),
    ),
  );
}

function weatherWords(word, old, fresh, open, firing) {
  const but = old ? ` ${counted(old, "symbol")} ${old === 1 ? "is" : "are"} old, and not counted.` : "";
  if (word === null) return `No score is known now.${but}`;
  const bad = fresh.filter((each) => rank(each.score.weather) > 0 && rank(each.score.weather) < 4);
  if (bad.length) {
    const names = bad.map((each) => each.symbol).slice(0, NAMED);
    const more = bad.length > NAMED ? ` and ${bad.length - NAMED} more` : "";
    return `${names.join(", ")}${more} ${bad.length === 1 ? "is" : "are"} not calm.${but}`;
  }
  if (firing.length) {
    return `All scores are calm, but ${counted(firing.length, "incident")} still ${firing.length === 1 ? "fires" : "fire"}.${but}`;
  }
  const still = open.length
    ? ` ${counted(open.length, "incident")} ${open.length === 1 ? "is" : "are"} still open.`
    : "";
  return `Nothing unusual now on ${counted(fresh.length, "symbol")}.${still}${but}`;
}

const tile = (name, value, said) =>
  h(
    "li",
    { key: name },
    h("span", { class: "tile-name" }, name),
    h("b", { class: "num" }, String(value)),
    h("span", { class: "note" }, said),
  );

function venueWords(venues) {
  if (!venues.length) return "not known";
  const unwell = venues.filter((each) => each.health !== "well");
  return unwell.length
    ? [...new Set(unwell.map((each) => `${each.venue} ${each.health}`))].slice(0, 2).join(", ")
    : "all of them";
}

function row(each, picture, open) {
  const old = outdated(picture, each.daemon);
  const mine = open.filter((incident) => incident.symbol === each.symbol);
  const worst = mine[0]?.severity;
  return {
    key: each.symbol,
    class: old === null ? "" : "old",
    cells: [
      h("span", { class: "symbol-name" }, symbolLink(each.symbol), oldNote(old)),
      scoreBlock(each.score),
      divergence(each.divergence),
      stress(each, "sell"),
      stress(each, "buy"),
      h("span", { class: each.live < each.books ? "warn" : "" }, `${each.live}/${each.books}`),
      mine.length
        ? h("span", { class: `mark r${rank(worst)}` }, shape(worst), `${mine.length} ${worst}`)
        : h("span", { class: "note" }, "none"),
    ],
  };
}

/** A symbol of which nothing is shown, for so long. */
const awayRow = ([symbol, age]) => ({
  key: symbol,
  class: "old",
  cells: [
    h("span", { class: "symbol-name" }, symbolLink(symbol), oldNote(age)),
    mark(null),
    ...COLUMNS.slice(2).map(() => h("span", { class: "note" }, DASH)),
  ],
});

function divergence(told) {
  const known = told.judged_bps !== undefined && told.judged_bps !== null;
  const phase = told.phase === "calm" ? null : h("span", { class: `note r${rank(told.phase)}` }, told.phase);
  const left = told.left?.length ? h("span", { class: "note warn" }, `${told.left.join(", ")} left`) : null;
  return h(
    "div",
    { class: "stack" },
    h("span", null, known ? [bps(told.judged_bps), unit("bps")] : DASH),
    left ?? phase,
  );
}

const unit = (said) => h("span", { class: "unit" }, ` ${said}`);

/** One taker's side: how safe the size is, what it costs, and what is still safe. */
function stress(symbol, side) {
  const told = (symbol.stress ?? []).find((each) => each.side === side);
  if (!told) return h("span", { class: "note" }, symbol.size ? DASH : "no size set");
  const cost =
    told.slippage === undefined || told.slippage === null
      ? `fills ${percent(told.filled)}`
      : `costs ${percent(told.slippage, 2)}`;
  const safe =
    told.largest_safe === undefined || told.largest_safe === null
      ? DASH
      : `${told.largest_at_least ? "≥ " : ""}${money(told.largest_safe)}`;
  return h(
    "div",
    { class: "stack" },
    mark(told.safety),
    h(
      "span",
      { class: "note num", title: `For ${money(symbol.size)} with ${percent(told.haircut)} of every level gone` },
      `${cost}, safe to ${safe}`,
    ),
  );
}

function incidents(open, now, seen) {
  if (!open.length) return empty(seen ? "None is open." : "Not known: no daemon is seen.");
  return h(
    "ul",
    { class: "list" },
    open
      .slice(0, 6)
      .map((each) =>
        h(
          "li",
          { key: each.id, class: `sev r${rank(each.severity)}` },
          h(
            "div",
            { class: "list-head" },
            mark(each.severity),
            incidentLink(each.id, `${each.symbol === "*" ? "All symbols" : each.symbol} ${spoken(each.family)}`),
            h("span", { class: "note num" }, span(since(each.opened_at, now))),
          ),
          h("p", null, head(each.trigger)),
          h(
            "p",
            { class: "note" },
            each.state === "open"
              ? "Nobody has it yet"
              : each.state === "acknowledged"
                ? `${each.acknowledged_by ?? "Somebody"} has it`
                : capital(each.state),
          ),
        ),
      ),
  );
}

const ALERT_COLUMNS = [{ name: "Since" }, { name: "Severity" }, { name: "Alert" }, { name: "What" }, { name: "State" }];

function alerts(picture, now) {
  const over = (each) => Number(each.state === "resolved");
  const all = Object.values(picture.alerts ?? {}).sort(
    (a, b) =>
      over(a) - over(b) ||
      (over(a) ? 0 : rank(b.severity) - rank(a.severity) || b.started_at.localeCompare(a.started_at)) ||
      b.updated_at.localeCompare(a.updated_at),
  );
  const latest = all.slice(0, ALERTS);
  if (!latest.length) return empty("None lately.");
  const more = all.slice(ALERTS).filter((each) => !over(each)).length;
  const shown = table({
    caption: "The latest alerts",
    columns: ALERT_COLUMNS,
    class: "cards tight",
    rows: latest.map((each) => ({
      key: each.id,
      cells: [
        moment(each.started_at, now),
        each.state === "firing" ? mark(each.severity) : h("span", { class: "note" }, each.worst_severity),
        h(
          "span",
          { class: "stack" },
          h("span", null, capital(spoken(each.signal))),
          h("span", { class: "note" }, whereOf(each)),
        ),
        h("span", { class: "sentence" }, head(each.sentence)),
        each.ended_at
          ? h("span", { class: "note num" }, `over after ${span(since(each.started_at, Date.parse(each.ended_at)))}`)
          : h("span", null, each.state),
      ],
    })),
  });
  return [shown, more ? h("p", { class: "note" }, `${counted(more, "more alert")} not over.`) : null];
}

function venues(picture) {
  const all = worstVenues(picture);
  if (!all.length) return empty("No venue is joined yet.");
  return h(
    "ul",
    { class: "strip" },
    all.map((each) =>
      h(
        "li",
        {
          key: `${each.venue}@${each.daemon}`,
          class: `chip r${rank(each.health)} ${outdated(picture, each.daemon) === null ? "" : "old"}`,
        },
        shape(each.health),
        h("b", null, each.venue),
        h("span", null, each.health),
        h("span", { class: "note num" }, `${each.live}/${each.books} live`),
        h("span", { class: "note" }, whichOf(picture, each.daemon)),
      ),
    ),
  );
}

/** How much is held, against how much may be in this weather. */
function exposures(picture) {
  const all = Object.values(picture.exposures ?? {});
  if (!all.length) return null;
  return card(
    "Exposures",
    {},
    h(
      "ul",
      { class: "list" },
      all.map((each) =>
        h(
          "li",
          { key: each.asset },
          h(
            "div",
            { class: "list-head" },
            Number(each.to_cut) > 0 ? mark("critical", `cut ${money(each.to_cut)}`) : mark(each.weather ?? null),
            h("b", null, each.asset),
            h("span", { class: "note num" }, `${money(each.amount)} of ${money(each.cap)}`),
          ),
        ),
      ),
    ),
  );
}

function daemons(picture) {
  const all = Object.values(picture.daemons ?? {});
  if (!all.length) return empty("None is seen.");
  return h(
    "ul",
    { class: "list" },
    all.map((each) => {
      const old = outdated(picture, each.id);
      return h(
        "li",
        { key: each.id, class: old === null ? "" : "old" },
        h(
          "div",
          { class: "list-head" },
          mark(
            storageRank(each.storage),
            each.storage?.away ? "database away" : each.storage ? "storing" : "not storing",
          ),
          h("b", null, each.symbols.join(", ")),
          oldNote(old),
        ),
        h(
          "p",
          { class: "note num" },
          storage(each.storage),
          each.notifications_waiting ? `; ${counted(each.notifications_waiting, "notification")} wait` : "",
        ),
      );
    }),
  );
}
