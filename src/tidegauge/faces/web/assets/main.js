/** Joins the stream, the pages and the address: what changes is drawn once a frame at most. */

import { banner, foot, nav, status } from "./board.js";
import { DrillsPage } from "./drills.js";
import { h, render } from "./dom.js";
import { IncidentPage } from "./incident.js";
import { IncidentsPage } from "./incidents.js";
import { OverviewPage } from "./overview.js";
import { themeChanged } from "./paint.js";
import { Stream } from "./stream.js";
import { SymbolPage } from "./symbol.js";
import { Teller } from "./trail.js";
import { VenuesPage } from "./venues.js";

const PAGES = {
  "": OverviewPage,
  symbol: SymbolPage,
  incidents: IncidentsPage,
  incident: IncidentPage,
  venues: VenuesPage,
  drills: DrillsPage,
};

const element = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @typedef {{stream: Stream, redraw: () => void}} App */
const app = { stream: new Stream(redraw), redraw };
const teller = new Teller(element("said"));
let page = null;
let route = null;
let due = false;

function redraw() {
  if (due) return;
  due = true;
  // A hidden tab draws no frames, and needs none; it catches up when it is seen.
  requestAnimationFrame(draw);
}

function draw() {
  due = false;
  const { stream } = app;
  document.documentElement.classList.toggle("stale", stream.picture !== null && !stream.live);
  const shown = page.title(app);
  document.title = `${shown ? `${shown} · ` : ""}Tidegauge`;
  part("nav", () => nav(app, route.name));
  part("status", () => status(app));
  part("banner", () => banner(app));
  part("foot", () => foot(app));
  part("main", () => page.view(app));
  teller.tell(app);
}

/** Draw a part. One that cannot be drawn says so: what it showed before must not look live. */
function part(id, view) {
  let shown;
  try {
    shown = view();
  } catch (error) {
    console.error(error);
    shown = h("p", { class: "problem" }, `This part cannot be drawn: ${error.message}. Is the API of another version?`);
  }
  render(element(id), shown);
}

/** The address behind the #: a page and what it is about. */
function read() {
  const [name = "", ...rest] = location.hash.replace(/^#\/?/, "").split("/");
  let about = rest.join("/");
  try {
    about = decodeURIComponent(about);
  } catch {
    // Shown as it stands.
  }
  return { name: Object.hasOwn(PAGES, name) ? name : "", about };
}

function go() {
  const first = page === null;
  const next = read();
  if (!first && next.name === route.name && next.about === route.about) return;
  route = next;
  page?.end?.();
  page = new PAGES[route.name](route.about, app);
  const wants = page.wants?.() ?? { symbols: [], ladders: 0 };
  app.stream.want(wants.symbols, wants.ladders);
  draw();
  reachable();
  if (first) return;
  scrollTo(0, 0);
  element("main").focus({ preventScroll: true });
}

addEventListener("hashchange", go);
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // what is behind the # names a page
  element("main").focus();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => themeChanged());
addEventListener("themechange", redraw);
/** What scrolls by itself can be reached with Tab, so that it can be scrolled without a mouse. */
function reachable() {
  for (const each of document.querySelectorAll(".scroll, pre")) {
    const scrolls = each.scrollWidth > each.clientWidth;
    if (scrolls !== each.hasAttribute("tabindex")) each.toggleAttribute("tabindex", scrolls);
    if (scrolls) each.setAttribute("tabindex", "0");
  }
}

setInterval(() => {
  reachable();
  app.stream.watch();
  redraw();
}, 1000);

go();
app.stream.connect();
