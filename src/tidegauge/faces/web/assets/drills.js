/** Fire drills: what there are, one that runs, and what came of it. */

import { Refused, ask, path } from "./ask.js";
import { drillForm, openDialog } from "./commands.js";
import { h } from "./dom.js";
import { card, empty, since } from "./parts.js";
import { capital, span } from "./words.js";

const LOOK_EVERY_MS = 1000;

export class DrillsPage {
  constructor(_about, app) {
    this.app = app;
    /** @type {any[]|null} */
    this.drills = null;
    this.problem = "";
    /** The run that is looked at, as it was last told. @type {any} */
    this.run = null;
    this.lost = "";
    this.timer = 0;
    this.stopping = new AbortController();
    this.#list();
    this.#latest();
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
      this.drills = await ask("/drills", { signal: this.stopping.signal });
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

  /** Look at the run that was started last, by whomever. */
  async #latest() {
    const runs = await ask("/drills/runs", { signal: this.stopping.signal }).catch(() => []);
    if (runs.length && !this.run) this.#follow(runs[0]);
  }

  #follow(run) {
    if (!run?.id) return;
    clearTimeout(this.timer);
    this.run = run;
    this.lost = "";
    if (!isOver(run)) this.timer = setTimeout(() => this.#look(), LOOK_EVERY_MS);
    this.app.redraw();
  }

  async #look() {
    try {
      this.#follow(await ask(path("drills", "runs", this.run.id), { signal: this.stopping.signal }));
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      this.lost = error.message;
      this.app.redraw();
      this.timer = setTimeout(() => this.#look(), LOOK_EVERY_MS * 3);
    }
  }

  view(app) {
    return [
      h("h1", null, "Fire drills"),
      h(
        "p",
        { class: "lead" },
        "A drill plays a trouble in a made-up market, and tells whether the rules made of it what they should.",
      ),
      this.run && outcome(this.run, this.lost, app.stream.now),
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
    const busy = this.run !== null && !isOver(this.run);
    return h(
      "ul",
      { class: "list drills" },
      this.drills.map((drill) =>
        h(
          "li",
          { key: drill.name },
          h(
            "div",
            null,
            h("b", null, drill.name),
            h("p", null, drill.what),
            h("p", { class: "note" }, `Must: ${drill.must} · ${span(drill.lasts_s)} of market`),
          ),
          h(
            "button",
            {
              type: "button",
              disabled: busy || null,
              "aria-label": `Start ${drill.name}`,
              onclick: () => openDialog(app, { ...drillForm(drill), after: (answer) => this.#follow(answer) }),
            },
            "Start …",
          ),
        ),
      ),
    );
  }
}

const isOver = (run) => run.state !== "running";

/** Well or not, by a sign, a word and a colour. */
const verdict = (well, said) =>
  h("span", { class: `mark r${well ? 0 : 3}` }, h("span", { "aria-hidden": "true" }, well ? "✓" : "✕"), said);

function outcome(run, lost, now) {
  const over = isOver(run);
  const took = over ? since(run.started_at, Date.parse(run.ended_at)) : since(run.started_at, now);
  return card(
    `Drill ${run.drill}`,
    { class: "drill-run", about: `${over ? "took" : "for"} ${span(took)}` },
    h("div", { role: "status" }, over ? verdict(run.state === "passed", run.state) : "It runs …"),
    !over && h("progress", { "aria-label": "The drill runs" }),
    lost && h("p", { class: "problem" }, lost),
    run.checks?.length
      ? h(
          "ul",
          { class: "list" },
          run.checks.map((check, at) =>
            h(
              "li",
              { key: String(at), class: "check" },
              verdict(check.met, check.met ? "met" : "not met"),
              h("span", null, capital(check.expected)),
              h("span", { class: "note" }, check.came),
            ),
          ),
        )
      : null,
    run.report && h("details", null, h("summary", null, "The whole report"), h("pre", null, run.report)),
  );
}
