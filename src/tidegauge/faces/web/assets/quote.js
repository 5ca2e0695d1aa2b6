/** What a size would cost now: on each venue, on the best, and split over all. */

import { ask, query } from "./ask.js";
import { h } from "./dom.js";
import { card, empty, table } from "./parts.js";
import { DASH, bps, clock, exact, fixed, money, percent, span, spoken } from "./words.js";

const AGAIN_MS = 3000;
const UNITS = { k: 3, m: 6, b: 9 };

/** A notional as people write it, as plain digits: "1.5M" is "1500000". Null where it is none. */
export function notional(text) {
  const found = /^([0-9][0-9,_ ]*)(\.[0-9]+)?\s*([kmb])?$/i.exec(text.trim());
  if (!found) return null;
  const whole = found[1].replace(/[,_ ]/g, "");
  const part = (found[2] ?? "").slice(1);
  const zeros = UNITS[(found[3] ?? "").toLowerCase()] ?? 0;
  const plain = `${whole}${part.slice(0, zeros).padEnd(zeros, "0")}${part.length > zeros ? `.${part.slice(zeros)}` : ""}`;
  const trimmed = plain.replace(/^0+(?=\d)/, "");
  return Number(trimmed) > 0 ? trimmed : null;
}

export class Quote {
  constructor(symbol, app) {
    this.symbol = symbol;
    this.app = app;
    this.asked = { side: "sell", notional: "1M" };
    this.told = null;
    this.problem = "";
    this.timer = 0;
    this.number = 0;
    this.stopping = new AbortController();
    this.begun = false;
  }

  end() {
    clearTimeout(this.timer);
    this.stopping.abort();
  }

  async #ask() {
    clearTimeout(this.timer);
    const number = (this.number += 1);
    const size = notional(this.asked.notional);
    if (size === null) {
      this.told = null;
      this.problem = "A size is a number above nought, as 250k or 1,000,000.";
      this.app.redraw();
      return;
    }
    this.timer = setTimeout(() => this.#ask(), AGAIN_MS);
    if (document.hidden || !this.app.stream.live) return;
    let [told, problem] = [null, ""];
    try {
      told = await ask(query("/quote", { symbol: this.symbol, side: this.asked.side, notional: size }), {
        signal: this.stopping.signal,
      });
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      problem = error.message;
    }
    if (number !== this.number) return;
    Object.assign(this, { told, problem });
    this.app.redraw();
  }

  view() {
    if (!this.begun && this.app.stream.live) {
      this.begun = true;
      this.#ask();
    }
    const submit = (event) => {
      event.preventDefault();
      this.#ask();
    };
    const set = (name) => (event) => {
      this.asked = { ...this.asked, [name]: event.target.value };
      this.#ask();
    };
    return card(
      "Quote",
      { about: this.told ? `as of ${clock(this.told.at)} UTC` : null },
      h(
        "form",
        { class: "quote-form", onsubmit: submit },
        h(
          "label",
          null,
          h("span", null, "Side"),
          h(
            "select",
            { onchange: set("side"), value: this.asked.side },
            h("option", { value: "sell" }, "Sell"),
            h("option", { value: "buy" }, "Buy"),
          ),
        ),
        h(
          "label",
          { class: "grow" },
          h("span", null, "Size, in quote"),
          h("input", {
            type: "text",
            inputmode: "decimal",
            value: this.asked.notional,
            onchange: set("notional"),
            autocomplete: "off",
          }),
        ),
        h("button", { type: "submit" }, "Quote"),
      ),
      this.problem && h("p", { class: "problem", role: "status" }, this.problem),
      this.told ? answer(this.told) : this.problem ? null : empty("Asking …"),
    );
  }
}

function answer(told) {
  const columns = [
    { name: "Venue" },
    { name: "Slippage, bps", number: true },
    { name: "Average", number: true },
    { name: `Cost, ${told.quote ?? ""}`, number: true },
  ];
  return [
    told.venues.length
      ? table({
          caption: "The size on each venue",
          columns,
          class: "tight",
          rows: told.venues.map((each) => row(each, told)),
        })
      : empty("No book may be asked now."),
    together(told),
    h(
      "p",
      { class: "note" },
      `Best is by the price that comes out${told.fees_counted ? ", fees counted" : ""}; slippage is from each venue's own mid.`,
    ),
  ];
}

function row(each, told) {
  const best = each.venue === told.best;
  return {
    key: each.venue,
    class: best ? "best" : "",
    cells: [
      h(
        "span",
        null,
        each.venue,
        best ? h("span", { class: "pill small" }, "best") : null,
        each.age_s > 5 ? h("span", { class: "note" }, ` ${span(each.age_s)} old`) : null,
      ),
      each.filled ? `${each.floor ? "≤ " : ""}${bps(each.slippage_bps)}` : h("span", { class: "warn" }, unfilled(each)),
      each.average == null ? DASH : exact(fixed(each.average, decimals(each.average)).replaceAll(",", "")),
      each.cost == null ? DASH : money(each.cost),
    ],
  };
}

/** Why there is no slippage: part of it only, or nothing at all. */
const unfilled = (each) =>
  each.filled_fraction == null
    ? spoken(each.why)
    : `fills ${each.floor ? "at least " : ""}${percent(each.filled_fraction)}`;

/** As many decimals as a price of this size needs. */
const decimals = (price) => (Number(price) >= 1000 ? 2 : Number(price) >= 1 ? 4 : 8);

function together(told) {
  if (!told.together) return null;
  const { portions } = told.together;
  return h(
    "div",
    { class: "split" },
    h(
      "p",
      null,
      "Split over all: ",
      h("b", { class: "num" }, `${bps(told.together.slippage_bps)} bps`),
      Number(told.together.filled) < Number(told.notional) * 0.999999
        ? h("span", { class: "warn" }, ` fills ${money(told.together.filled)} only`)
        : null,
    ),
    h(
      "ul",
      null,
      (portions ?? []).map((each) =>
        h(
          "li",
          { key: each.venue, style: { "--filled": percent(each.share).replace(" ", "") } },
          h("span", null, each.venue),
          h("span", { class: "num" }, `${percent(each.share)} · ${money(each.quote)}`),
        ),
      ),
    ),
  );
}
