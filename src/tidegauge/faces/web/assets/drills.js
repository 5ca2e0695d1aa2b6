/** Fire drills: what there are, one that runs, and what came of it. */

import { Refused, ask, path } from "./ask.js";
import { drillForm, openDialog } from "./commands.js";
import { h } from "./dom.js";
import { card, empty, mark } from "./parts.js";
import { capital, percent, spoken } from "./words.js";

const LOOK_EVERY_MS = 1000;

export class DrillsPage {
  constructor(_about, app) {
    this.app = app;
    /** @type {any[]|null} */
    this.drills = null;
    this.problem = "";
    /** @type {{id: string, name: string, told: any}|null} */
    this.run = null;
    this.timer = 0;
    this.stopping = new AbortController();
    this.#list();
  }

  title() {
    return "Fire drills";
  }

  end() {
    clearTimeout(this.timer);
    this.stopping.abort();
  }

  async #list() {
    try {
      const told = await ask("/drills", { signal: this.stopping.signal });
      this.drills = Array.isArray(told) ? told : (told.drills ?? []);
      this.problem = "";
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      this.problem =
        error instanceof Refused && error.status === 404
          ? "Fire drills are not available from this API. `tidegauge drill` runs them in a terminal."
          : error.message;
    }
    this.app.redraw();
  }

  #follow(name, answer) {
    const id = answer?.id ?? answer?.run ?? answer?.run_id;
    if (id === undefined) return;
    clearTimeout(this.timer);
    this.run = { id: String(id), name, told: answer };
    this.#look();
  }

  async #look() {
    const run = this.run;
    try {
      run.told = await ask(path("drills", "runs", run.id), { signal: this.stopping.signal });
      run.problem = "";
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      run.problem = error.message;
    }
    if (!isOver(run.told)) this.timer = setTimeout(() => this.#look(), LOOK_EVERY_MS);
    this.app.redraw();
  }

  view(app) {
    return [
      h("h1", null, "Fire drills"),
      h(
        "p",
        { class: "lead" },
        "A drill plays a trouble in a made-up market, and tells whether the rules made of it what they should.",
      ),
      this.run && outcome(this.run),
      this.problem
        ? card(
            "Drills",
            {},
            empty(this.problem),
            h("button", { type: "button", onclick: () => this.#list() }, "Look again"),
          )
        : !this.drills
          ? empty("Asking what there are …")
          : card("Drills", {}, this.#table(app)),
    ];
  }

  #table(app) {
    const busy = this.run !== null && !isOver(this.run.told);
    return h(
      "ul",
      { class: "list drills" },
      this.drills.map((drill) =>
        h(
          "li",
          { key: drill.name },
          h("div", null, h("b", null, drill.name), h("p", { class: "note" }, drill.said ?? drill.about ?? "")),
          h(
            "button",
            {
              type: "button",
              disabled: busy || null,
              "aria-label": `Start ${drill.name}`,
              onclick: () =>
                openDialog(app, { ...drillForm(drill), after: (answer) => this.#follow(drill.name, answer) }),
            },
            "Start …",
          ),
        ),
      ),
    );
  }
}

const isOver = (told) =>
  Boolean(told?.done ?? (told?.state && !["queued", "waiting", "running", "started"].includes(told.state)));

function outcome({ name, told, problem }) {
  const over = isOver(told);
  const share = typeof told?.progress === "number" ? told.progress : null;
  const checks = told?.checks ?? told?.outcome?.checks ?? [];
  const passed = told?.passed ?? told?.outcome?.passed ?? (checks.length ? checks.every((check) => check.met) : null);
  return card(
    `Drill ${name}`,
    { class: "drill-run" },
    h(
      "div",
      { role: "status" },
      over
        ? mark(
            passed === null ? null : passed ? "calm" : "critical",
            passed === null ? spoken(told.state ?? "over") : passed ? "passed" : "failed",
          )
        : h("p", null, share === null ? "It runs …" : `It runs: ${percent(share)}`),
    ),
    !over && h("progress", { max: "1", value: share ?? undefined, "aria-label": "How far the drill is" }),
    problem && h("p", { class: "problem" }, problem),
    told?.error && h("p", { class: "problem" }, String(told.error)),
    checks.length
      ? h(
          "ul",
          { class: "list" },
          checks.map((check, at) =>
            h(
              "li",
              { key: String(at), class: "check" },
              mark(check.met ? "calm" : "critical", check.met ? "met" : "not met"),
              h("span", null, capital(check.expected)),
              h("span", { class: "note" }, check.came),
            ),
          ),
        )
      : null,
  );
}
