/** What a person can have done: a form that says what will happen, and what came of it. */

import { Refused, ask, path } from "./ask.js";
import { h, render } from "./dom.js";

const FOR = [
  [900, "15 min"],
  [3600, "1 h"],
  [14400, "4 h"],
  [43200, "12 h"],
];

/**
 * @typedef {Object} Form
 * @property {string} title
 * @property {string} about      what it does
 * @property {string} confirm    the word on the button
 * @property {Field[]} fields
 * @property {(values: Record<string, string>) => [string, {method: string, body?: any}]} request
 * @property {boolean} [rereads]    it is about a version, and what is shown is read again when that is refused
 * @property {(answer: any) => void} [after]   called when it may have changed something
 *
 * @typedef {{name: string, label: string, kind: "text"|"words"|"choice", required?: boolean, choices?: [string|number, string][], value?: string, hint?: string}} Field
 */

const by = () => ({
  name: "by",
  label: "Your name",
  kind: "text",
  value: remembered(),
  hint: "it stands in the trail",
});
const comment = (required) => ({ name: "comment", label: "Comment", kind: "words", required });

function remembered() {
  try {
    return localStorage.getItem("by") ?? "";
  } catch {
    return "";
  }
}

const given = (values, names) =>
  Object.fromEntries(names.filter((name) => values[name]?.trim()).map((name) => [name, values[name].trim()]));

const order = (incident, name, more = {}) => [
  path("incidents", incident.id, name),
  { method: "POST", body: { version: incident.version, ...more } },
];

/** @returns {Form} */
export const acknowledgeForm = (incident) => ({
  title: "Acknowledge",
  rereads: true,
  about: "You take it on: it pages no more until it gets worse, or until the time is over.",
  confirm: "Acknowledge",
  fields: [
    { name: "until_s", label: "For", kind: "choice", choices: [["", "as the rules say"], ...FOR], value: "" },
    comment(false),
    by(),
  ],
  request: (values) =>
    order(incident, "acknowledge", {
      ...given(values, ["comment", "by"]),
      ...(values.until_s ? { until_s: Number(values.until_s) } : {}),
    }),
});

const worded = (title, about, confirm, name) => (incident) => ({
  rereads: true,
  title,
  about,
  confirm,
  fields: [comment(true), by()],
  request: (values) => order(incident, name, given(values, ["comment", "by"])),
});

export const commentForm = worded("Comment", "It is added to the timeline, for everybody to read.", "Add", "comment");
export const resolveForm = worded(
  "Resolve",
  "It is over. What still fires opens a new incident when it changes.",
  "Resolve",
  "resolve",
);
export const rebaseForm = worded(
  "Take as usual",
  "What is measured now becomes the usual that it is judged against. Do this when the market has changed for good.",
  "Take as usual",
  "rebase",
);

const list = (text) =>
  text
    .split(",")
    .map((each) => each.trim())
    .filter(Boolean);

/** @returns {Form} */
export const silenceForm = ({ symbols = [], signals = [], venues = [] }) => ({
  title: "Silence",
  about:
    "Nobody is paged of what matches all of these. Incidents still open and are shown. An empty field matches everything; one at least says something.",
  confirm: "Silence",
  fields: [
    { name: "symbols", label: "Symbols", kind: "text", value: symbols.join(", "), hint: "with commas between" },
    {
      name: "signals",
      label: "Signals",
      kind: "text",
      value: signals.join(", "),
      hint: "as liquidity_crunch, divergence",
    },
    { name: "venues", label: "Venues", kind: "text", value: venues.join(", ") },
    { name: "for_s", label: "For", kind: "choice", choices: FOR, value: "3600" },
    comment(true),
    by(),
  ],
  request: (values) => [
    "/silences",
    {
      method: "POST",
      body: {
        symbols: list(values.symbols),
        signals: list(values.signals),
        venues: list(values.venues),
        severities: [],
        for_s: Number(values.for_s),
        ...given(values, ["comment", "by"]),
      },
    },
  ],
});

/** @returns {Form} */
export const silenceEnd = (silence) => ({
  title: "End the silence",
  about: "From now on what it matched pages again.",
  confirm: "End it",
  fields: [],
  request: () => [path("silences", silence.id), { method: "DELETE" }],
});

/** @returns {Form} */
export const drillForm = (drill) => ({
  title: `Start ${drill.name}`,
  about: `${drill.what} It runs in a made-up market beside the real one: nobody is paged, nothing is stored.`,
  confirm: "Start",
  fields: [],
  request: () => [path("drills", drill.name), { method: "POST" }],
});

/** Show a form, and stay until it is closed. @param {Form} form */
export function openDialog(app, form) {
  const place = document.getElementById("dialogs");
  const back = document.activeElement;
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "dialog-title");
  place.append(dialog);
  const doing = { state: "asking", said: "" };
  const show = () => render(dialog, body(form, doing, { send, close: () => dialog.close() }));
  async function send(event) {
    event.preventDefault();
    if (doing.state === "sending") return;
    const values = Object.fromEntries(new FormData(event.target));
    keepName(values.by);
    Object.assign(doing, { state: "sending", said: "" });
    show();
    Object.assign(doing, await sent(form, values));
    show();
    // The form is gone then, and the focus with it.
    if (doing.state !== "failed") dialog.querySelector("button")?.focus();
    if (doing.state !== "failed") form.after?.(doing.answer);
    app.redraw();
  }
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (back instanceof HTMLElement && back.isConnected) back.focus();
    else document.getElementById("main").focus();
  });
  show();
  dialog.showModal();
  dialog.querySelector("input, textarea, select")?.focus();
}

function keepName(name) {
  try {
    if (name?.trim()) localStorage.setItem("by", name.trim());
  } catch {
    // It is asked for again next time.
  }
}

async function sent(form, values) {
  const [to, options] = form.request(values);
  try {
    const answer = await ask(to, options);
    if (answer?.waits)
      return { state: "waits", said: "It waits: no daemon has answered yet. It is done as soon as one does.", answer };
    return { state: "done", said: answer?.said || "Done.", answer };
  } catch (error) {
    if (error instanceof Refused && error.status === 409 && form.rereads) {
      return {
        state: "refused",
        said: `${error.message} What is shown is being read again; look at it before you try once more.`,
      };
    }
    return { state: "failed", said: error.message };
  }
}

function body(form, doing, { send, close }) {
  const over = ["done", "waits", "refused"].includes(doing.state);
  return h(
    "form",
    { onsubmit: send, class: "dialog" },
    h("h2", { id: "dialog-title" }, form.title),
    h("p", { class: "note" }, form.about),
    over ? null : h("div", { class: "fields" }, form.fields.map(field)),
    h("p", { class: `answer ${doing.state}`, role: "status" }, doing.state === "sending" ? "Sending …" : doing.said),
    h(
      "div",
      { class: "commands" },
      h("button", { type: "button", key: "close", onclick: close }, over ? "Close" : "Cancel"),
      over
        ? null
        : h(
            "button",
            { type: "submit", key: "send", class: "first", "aria-disabled": doing.state === "sending" ? "true" : null },
            form.confirm,
          ),
    ),
  );
}

function field(each) {
  const id = `field-${each.name}`;
  const shared = {
    id,
    name: each.name,
    required: each.required || null,
    "aria-describedby": each.hint ? `${id}-hint` : null,
    autocomplete: "off",
  };
  const input =
    each.kind === "words"
      ? h("textarea", { ...shared, rows: "3", maxlength: "2000" })
      : each.kind === "choice"
        ? h(
            "select",
            { ...shared, value: each.value },
            each.choices.map(([value, said]) => h("option", { key: String(value), value }, said)),
          )
        : h("input", { ...shared, type: "text", maxlength: "200", value: each.value ?? "" });
  const wanted = each.required || each.kind === "choice";
  return h(
    "div",
    { class: "field", key: each.name },
    h("label", { for: id }, each.label, wanted ? null : h("span", { class: "note" }, " (may be empty)")),
    input,
    each.hint && h("span", { class: "note", id: `${id}-hint` }, each.hint),
  );
}
