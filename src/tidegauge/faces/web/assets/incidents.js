/** The incidents that are open and those lately over, and the silences. */

import { openDialog, silenceEnd, silenceForm } from "./commands.js";
import { h } from "./dom.js";
import { card, empty, incidentLink, mark, rank, since, table } from "./parts.js";
import { DASH, capital, counted, moment, money, span, spoken } from "./words.js";

export const isOpen = (incident) => incident.state !== "resolved";

const ORDER = { critical: 0, high: 1, warning: 2, info: 3 };
const TAKEN = { open: 0, acknowledged: 1, mitigated: 2, resolved: 3 };

/** What needs somebody most comes first. */
export const byUrgency = (a, b) =>
  TAKEN[a.state] - TAKEN[b.state] ||
  (ORDER[a.severity] ?? 4) - (ORDER[b.severity] ?? 4) ||
  b.opened_at.localeCompare(a.opened_at);

/** What it is about, in two words. */
export const subject = (incident) =>
  `${incident.symbol === "*" ? "All symbols" : incident.symbol} ${spoken(incident.family)}`;

/** What an alert is about. */
export const whereOf = (alert) =>
  `${alert.symbol === "*" ? "all symbols" : alert.symbol}${alert.venue === "*" ? "" : ` on ${alert.venue.replace("~", " and ")}`}${alert.side ? `, ${alert.side}` : ""}`;

/** Who has it, in words. */
export function holder(incident, now) {
  if (incident.state === "resolved") return incident.resolved_by ? `resolved by ${incident.resolved_by}` : "resolved";
  if (incident.state === "mitigated") return "nothing fires now; watched until it is over";
  if (incident.state !== "acknowledged") return "nobody has it yet";
  const until = incident.acknowledged_until ? ` until ${moment(incident.acknowledged_until, now)}` : "";
  return `${incident.acknowledged_by ?? "somebody"} has it${until}`;
}

const OPEN_COLUMNS = [
  { name: "Incident" },
  { name: "Severity" },
  { name: "What" },
  { name: "State" },
  { name: "Impact", number: true },
  { name: "Open for", number: true },
];

export class IncidentsPage {
  title({ stream }) {
    const open = Object.values(stream.picture?.incidents ?? {}).filter(isOpen).length;
    return `Incidents (${open})`;
  }

  view(app) {
    const { picture, now } = app.stream;
    const all = Object.values(picture?.incidents ?? {});
    const open = all.filter(isOpen).sort(byUrgency);
    const over = all
      .filter((each) => !isOpen(each))
      .sort((a, b) => (b.resolved_at ?? "").localeCompare(a.resolved_at ?? ""));
    return [
      h("h1", null, "Incidents"),
      card(
        "Open",
        { about: counted(open.length, "incident") },
        open.length
          ? table({
              caption: "Open incidents, the most urgent first",
              columns: OPEN_COLUMNS,
              class: "cards",
              rows: open.map((each) => row(each, now)),
            })
          : empty("None is open."),
      ),
      card(
        "Lately over",
        {},
        over.length
          ? table({
              caption: "Incidents that were resolved lately",
              columns: [...OPEN_COLUMNS.slice(0, 5), { name: "Lasted", number: true }],
              class: "cards",
              rows: over.map((each) => row(each, now)),
            })
          : empty("None was resolved lately."),
      ),
      silences(app),
      mutes(picture?.mutes ?? [], now),
    ];
  }
}

function row(each, now) {
  const end = isOpen(each) ? now : Date.parse(each.resolved_at ?? each.updated_at);
  const severity = isOpen(each) ? each.severity : each.worst_severity;
  return {
    key: each.id,
    class: `sev r${isOpen(each) ? rank(severity) : 4}`,
    cells: [
      h(
        "span",
        { class: "stack" },
        incidentLink(each.id, subject(each)),
        h("span", { class: "note num" }, moment(each.opened_at, now)),
      ),
      mark(severity),
      h("span", { class: "sentence" }, each.trigger),
      h(
        "span",
        { class: "stack" },
        h("span", null, capital(each.state)),
        h("span", { class: "note" }, holder(each, now)),
      ),
      each.impact_quote === undefined || each.impact_quote === null ? DASH : money(each.impact_quote),
      span(since(each.opened_at, end)),
    ],
  };
}

function silences(app) {
  const { picture, now } = app.stream;
  const all = Object.values(picture?.silences ?? {}).sort((a, b) => a.ends_at.localeCompare(b.ends_at));
  const add = h("button", { type: "button", onclick: () => openDialog(app, silenceForm({})) }, "Silence …");
  return card(
    "Silences",
    { tools: add, about: "nobody is paged of what matches" },
    all.length
      ? h(
          "ul",
          { class: "list" },
          all.map((each) =>
            h(
              "li",
              { key: each.id },
              h(
                "div",
                { class: "list-head" },
                h("b", null, matches(each)),
                h(
                  "span",
                  { class: "note num" },
                  Date.parse(each.starts_at) > now
                    ? `from ${moment(each.starts_at, now)}`
                    : `ends in ${span((Date.parse(each.ends_at) - now) / 1000)}`,
                ),
                h(
                  "button",
                  { type: "button", class: "small", onclick: () => openDialog(app, silenceEnd(each)) },
                  "End it",
                ),
              ),
              h("p", null, each.comment),
              h("p", { class: "note" }, `by ${each.author}`),
            ),
          ),
        )
      : empty("None: everything that should page does."),
  );
}

const MUTES = 10;

/** What went no further, and why: so that nobody wonders about a page that never came. */
function mutes(all, now) {
  const latest = [...all].sort((a, b) => b.at.localeCompare(a.at)).slice(0, MUTES);
  if (!latest.length) return null;
  const columns = [{ name: "At" }, { name: "Stage" }, { name: "Why" }, { name: "Of" }];
  return card(
    "Held back lately",
    { about: "alerts and pages that went no further" },
    table({
      caption: "What was held back lately",
      columns,
      class: "cards tight",
      rows: latest.map((each, at) => ({
        key: `${each.at} ${at}`,
        cells: [
          moment(each.at, now),
          spoken(each.stage),
          h("span", { class: "sentence" }, each.reason),
          each.incident ? incidentLink(each.incident, each.incident) : (each.alert ?? DASH),
        ],
      })),
    }),
  );
}

/** What a silence matches, in words. */
export function matches(silence) {
  const said = ["severities", "signals", "symbols", "venues"].flatMap((field) =>
    silence[field]?.length ? [silence[field].map(spoken).join(" or ")] : [],
  );
  return said.length ? said.join(", ") : "everything";
}
