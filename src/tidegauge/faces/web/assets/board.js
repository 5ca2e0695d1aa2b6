/** What stands around every page: where one can go, whether it is live, and what is wrong with that. */

import { ask } from "./ask.js";
import { h } from "./dom.js";
import { nextTheme, theme } from "./paint.js";
import { OLD_AFTER_S } from "./stream.js";
import { daemonAge, outdated } from "./parts.js";
import { clock, count, counted, span } from "./words.js";

const LINKS = [
  ["", "Overview"],
  ["incidents", "Incidents"],
  ["venues", "Venues"],
  ["drills", "Drills"],
];
const PART_OF = { symbol: "", incident: "incidents" };

export function nav({ stream }, here) {
  const open = Object.values(stream.picture?.incidents ?? {}).filter((each) => each.state !== "resolved").length;
  return h(
    "ul",
    null,
    LINKS.map(([name, said]) =>
      h(
        "li",
        { key: said },
        h(
          "a",
          { href: `#/${name}`, "aria-current": (PART_OF[here] ?? here) === name ? "page" : null },
          said,
          name === "incidents" && open > 0
            ? h("span", { class: "counter" }, count(open), h("span", { class: "hidden" }, " open"))
            : null,
        ),
      ),
    ),
  );
}

export function status({ stream, redraw }) {
  const chosen = theme();
  return [
    connection(stream),
    h(
      "span",
      { class: "clock num", title: "The time of the picture, UTC" },
      stream.picture ? clock(stream.picture.at) : "",
      " UTC",
    ),
    h(
      "button",
      {
        type: "button",
        class: "theme",
        "aria-label": `Colours: ${chosen}. Change`,
        title: `Colours: ${chosen}`,
        onclick: () => {
          nextTheme();
          redraw();
        },
      },
      { auto: "◐", light: "○", dark: "●" }[chosen],
    ),
  ];
}

function connection(stream) {
  if (stream.live) return h("span", { class: "link live" }, h("i", { "aria-hidden": "true" }), "Live");
  if (stream.state === "signed out")
    return h("span", { class: "link lost" }, h("i", { "aria-hidden": "true" }), "Signed out");
  if (stream.state === "lost")
    return h("span", { class: "link lost" }, h("i", { "aria-hidden": "true" }), "Disconnected");
  if (stream.state === "open") return h("span", { class: "link lost" }, h("i", { "aria-hidden": "true" }), "Old");
  return h("span", { class: "link" }, h("i", { "aria-hidden": "true" }), "Connecting");
}

/** What is wrong with what is shown; nothing where nothing is. */
export function banner({ stream }) {
  const age = stream.picture ? `What is shown is ${span(stream.age)} old.` : "Nothing is known yet.";
  if (stream.state === "signed out") {
    const said = ["Run ", h("code", null, "tidegauge web"), " in a terminal: it prints a link that signs you in."];
    return alarm("Not signed in.", said, stream.picture ? age : "");
  }
  if (stream.state === "lost") {
    const next = stream.retryIn === null ? "Trying again …" : `Trying again in ${Math.ceil(stream.retryIn)} s.`;
    const retry = h("button", { type: "button", onclick: () => stream.retry() }, "Try now");
    return alarm("Disconnected.", "", `${age} ${next}`, retry);
  }
  if (stream.state === "open" && stream.age > OLD_AFTER_S) {
    return alarm("The picture stands still.", "The API answers, and shows nothing new.", age);
  }
  return oldDaemons(stream.picture);
}

/** `ticking` changes each second, so it is not read aloud. */
function alarm(head, said, ticking, button = null) {
  const moving = h("span", { "aria-hidden": "true" }, ticking);
  return h("div", { class: "banner" }, h("p", null, h("b", null, head), " ", said, " ", moving), button);
}

function oldDaemons(picture) {
  if (!picture) return null;
  const daemons = Object.values(picture.daemons ?? {});
  if (!daemons.length) {
    const said = ["Nothing is being watched. Start one with ", h("code", null, "tidegauge monitor"), "."];
    return alarm("No daemon is seen.", said, "");
  }
  const old = daemons.filter((each) => daemonAge(picture, each.id) > OLD_AFTER_S);
  if (!old.length) return null;
  const watched = (each) => each.symbols.join(", ") || "all it watches";
  const said = old.map((each) => `${watched(each)} (daemon ${each.id})`).join("; ");
  const ages = old.map((each) => span(daemonAge(picture, each.id))).join(", ");
  return alarm("Part of this is old.", `Not heard of lately: ${said}.`, `For ${ages}.`);
}

/** The daemons and where their rows go, in a line each; and the way out. */
export function foot({ stream }) {
  const daemons = Object.values(stream.picture?.daemons ?? {});
  const lines = daemons.map((each) =>
    h(
      "p",
      { key: each.id, class: "num" },
      `Daemon ${each.id} · Tidegauge ${each.version} · ${seen(stream, each)} · `,
      `${counted(each.readings, "reading")} · `,
      storage(each.storage),
      each.crashes ? ` · ${counted(each.crashes, "crash").replace("crashs", "crashes")}` : "",
    ),
  );
  const out = h("button", { type: "button", onclick: () => logOut() }, "Log out");
  return [...lines, stream.state === "signed out" ? null : h("p", { key: " out" }, out)];
}

function seen(stream, each) {
  const age = outdated(stream.picture, each.id);
  return age === null
    ? `up ${span((stream.now - Date.parse(each.started_at)) / 1000)}`
    : `last heard of ${span(age)} ago`;
}

/** End the session of this browser; nothing of what was shown stays. */
async function logOut() {
  const gone = await ask("/logout", { method: "POST" }).catch((error) => error);
  // Without an answer one is still logged in, and the banner says that nothing answers.
  if (gone?.status !== 0) location.reload();
}

/** Where a daemon's rows go, in words. */
export function storage(told) {
  if (!told) return "nothing is stored";
  const waits =
    told.waiting > 0 && told.waited_s > 10 ? `, ${counted(told.waiting, "row")} wait (${span(told.waited_s)})` : "";
  const lost = told.dropped > 0 ? `, ${counted(told.dropped, "row")} dropped` : "";
  if (told.spool_broken) return `the spool is broken: ${told.spool_broken}${lost}`;
  if (told.away) return `the database is away, ${counted(told.on_disk, "row")} safe on disk${lost}`;
  return `${counted(told.rows, "row")} stored${waits}${lost}`;
}

/** How well a daemon's rows get where they should: a word that has a shape. */
export function storageRank(told) {
  if (!told) return "info";
  if (told.spool_broken || told.dropped > 0) return "critical";
  return told.away ? "high" : "calm";
}
