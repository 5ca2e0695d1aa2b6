/** One incident: what it is, what happened, who was told, and what can be done about it. */

import { ask, path } from "./ask.js";
import { acknowledgeForm, commentForm, openDialog, rebaseForm, resolveForm, silenceForm } from "./commands.js";
import { h } from "./dom.js";
import { holder, isOpen, subject, whereOf } from "./incidents.js";
import { card, empty, facts, mark, rank, since, symbolLink, table } from "./parts.js";
import { DASH, capital, counted, fixed, head, moment, money, span, spoken } from "./words.js";

export class IncidentPage {
  /** @param {string} id */
  constructor(id, app) {
    this.id = id;
    this.app = app;
    /** What the database tells of it. @type {any} */
    this.told = null;
    this.problem = "";
    this.asked = null;
    this.stopping = new AbortController();
  }

  title({ stream }) {
    const incident = this.incident(stream.picture);
    return incident ? subject(incident) : "Incident";
  }

  end() {
    this.stopping.abort();
  }

  /** The newer one of what the stream and what the database tell. */
  incident(picture) {
    const shown = picture?.incidents?.[this.id];
    const stored = this.told?.incident;
    if (!shown || !stored) return shown ?? stored ?? null;
    return stored.version > shown.version ? stored : shown;
  }

  /** Ask the database again, where it may know more than when it was asked. */
  async #ask(version) {
    if (this.asked === version) return;
    this.asked = version;
    try {
      this.told = await ask(path("incidents", this.id), { signal: this.stopping.signal });
      this.problem = "";
      // What happened a moment ago may still be on its way to the database.
      if (typeof version === "number" && this.told.incident.version < version) setTimeout(() => this.again(), 1000);
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      this.problem = error.message;
    }
    this.app.redraw();
  }

  again() {
    this.asked = null;
    this.app.redraw();
  }

  view(app) {
    const { picture, now, live } = app.stream;
    const shown = picture?.incidents?.[this.id];
    if (live || !this.told) this.#ask(shown?.version ?? "stored");
    const incident = this.incident(picture);
    const back = h("p", { class: "crumb" }, h("a", { href: "#/incidents" }, "Incidents"));
    if (!incident) return [back, h("h1", null, "Incident"), empty(this.problem || "Looking it up …")];
    return [
      back,
      h(
        "header",
        { class: `incident-head r${isOpen(incident) ? rank(incident.severity) : 4}` },
        h("h1", null, subject(incident)),
        h(
          "div",
          { class: "marks" },
          mark(isOpen(incident) ? incident.severity : incident.worst_severity),
          h("span", { class: "pill" }, capital(incident.state)),
          h("span", { class: "note" }, holder(incident, now)),
        ),
        h("p", { class: "lead" }, incident.trigger),
        this.#buttons(app, incident),
      ),
      this.problem && h("p", { class: "problem" }, `The database does not tell more: ${this.problem}`),
      h(
        "div",
        { class: "columns incident" },
        h(
          "div",
          { class: "beside" },
          card("Facts", {}, facts(pairs(incident, now))),
          card("Deliveries", { about: "who was told" }, deliveries(this.told?.deliveries ?? [], now)),
        ),
        card("Timeline", { about: "the latest first" }, timeline(this.told?.timeline ?? [], now)),
      ),
      card("Alerts", {}, alerts(this.told?.alerts ?? stillShown(picture, incident), now)),
    ];
  }

  #buttons(app, incident) {
    const command = (said, form, key) =>
      h(
        "button",
        {
          type: "button",
          key,
          class: key === "acknowledge" ? "first" : "",
          onclick: () => openDialog(app, { ...form, after: () => this.again() }),
        },
        said,
      );
    const open = isOpen(incident);
    return h(
      "div",
      { class: "commands", role: "group", "aria-label": "Commands" },
      open &&
        command(
          incident.state === "acknowledged" ? "Acknowledge again …" : "Acknowledge …",
          acknowledgeForm(incident),
          "acknowledge",
        ),
      command("Comment …", commentForm(incident), "comment"),
      open && command("Resolve …", resolveForm(incident), "resolve"),
      open && command("Take as usual …", rebaseForm(incident), "rebase"),
      open &&
        command("Silence …", silenceForm({ symbols: incident.symbol === "*" ? [] : [incident.symbol] }), "silence"),
    );
  }
}

const stillShown = (picture, incident) =>
  Object.values(picture?.alerts ?? {}).filter((each) => incident.alerts.includes(each.id));

function pairs(each, now) {
  const until = isOpen(each) ? now : Date.parse(each.resolved_at ?? each.updated_at);
  return [
    ["Symbol", each.symbol === "*" ? "all" : symbolLink(each.symbol)],
    ["Opened", `${moment(each.opened_at, now)} UTC`],
    [isOpen(each) ? "Open for" : "Lasted", span(since(each.opened_at, until))],
    ["Worst so far", mark(each.worst_severity)],
    [
      "Impact",
      each.impact_quote === undefined || each.impact_quote === null
        ? DASH
        : `${money(each.impact_quote)} more than usual`,
    ],
    ["Recommended", capital(spoken(each.action))],
    ["Alerts", `${each.firing.length} of ${each.alerts.length} fire`],
    [
      "Acknowledged",
      each.acknowledged_at ? `${moment(each.acknowledged_at, now)} by ${each.acknowledged_by ?? DASH}` : DASH,
    ],
    ["Reopened", each.reopened ? counted(each.reopened, "time") : "never"],
    ["Id", h("code", null, each.id)],
    ["Version", String(each.version)],
  ];
}

function timeline(events, now) {
  if (!events.length) return empty("Nothing is told of it yet.");
  return h(
    "ol",
    { class: "timeline" },
    [...events]
      .reverse()
      .map((each, at) =>
        h(
          "li",
          { key: `${events.length - at}` },
          h("time", { class: "num", datetime: each.at }, moment(each.at, now)),
          h(
            "div",
            null,
            h("b", null, capital(spoken(each.kind))),
            each.actor ? h("span", { class: "note" }, ` by ${each.actor}`) : null,
            each.comment && h("p", { class: "said" }, each.comment),
            details(each.detail ?? {}),
          ),
        ),
      ),
  );
}

/** The record of an alert that a transition came of, in words; ids say nothing to a reader. */
function details({ says, signal, venue, severity, state, alert: _alert, order: _order, ...rest } = {}) {
  const of = signal && `${spoken(signal)}${venue && venue !== "*" ? ` on ${venue.replace("~", " and ")}` : ""}`;
  const other = Object.entries(rest).map(([name, value]) => `${spoken(name)}: ${value}`);
  const about = [of, severity, state, ...other].filter(Boolean).join(", ");
  return [says && h("p", null, head(says)), about && h("p", { class: "note" }, about)];
}

const ALERT_COLUMNS = [
  { name: "Signal" },
  { name: "Where" },
  { name: "Severity" },
  { name: "State" },
  { name: "What" },
  { name: "Value", number: true },
  { name: "Since" },
];

function alerts(all, now) {
  if (!all.length) return empty("None is known.");
  return table({
    caption: "Alerts of this incident",
    columns: ALERT_COLUMNS,
    class: "cards",
    rows: all.map((each) => ({
      key: each.id,
      cells: [
        capital(spoken(each.signal)),
        whereOf(each),
        mark(each.severity),
        each.unobserved_since
          ? h("span", { class: "stack" }, each.state, h("span", { class: "note" }, "not seen now"))
          : each.state,
        h("span", { class: "sentence" }, each.sentence),
        Math.abs(each.value ?? 0) >= 10000 ? money(each.value) : fixed(each.value, 2),
        moment(each.started_at, now),
      ],
    })),
  });
}

function deliveries(all, now) {
  if (!all.length) return empty("Nobody was told.");
  const columns = [
    { name: "At" },
    { name: "Channel" },
    { name: "Kind" },
    { name: "Arrival" },
    { name: "Attempts", number: true },
    { name: "Said" },
  ];
  return table({
    caption: "Deliveries",
    columns,
    class: "cards",
    rows: all.map((each, at) => ({
      key: `${at}`,
      cells: [
        moment(each.at, now),
        each.channel,
        spoken(each.kind),
        spoken(each.arrival ?? DASH),
        String(each.attempts ?? DASH),
        h("span", { class: "sentence" }, each.said ?? DASH),
      ],
    })),
  });
}
