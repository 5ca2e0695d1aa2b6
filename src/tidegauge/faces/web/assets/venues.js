/** The venues: how well each is, and what went wrong with it so far. */

import { h } from "./dom.js";
import { card, empty, mark, oldNote, outdated, rank, since, table, whichOf } from "./parts.js";
import { DASH, clock, count, counted, moment, short, span, spoken } from "./words.js";

/** The venues, the worst first. */
export const worstVenues = (picture) =>
  Object.values(picture?.venues ?? {}).sort((a, b) => trouble(b) - trouble(a) || a.venue.localeCompare(b.venue));

const trouble = (venue) => (rank(venue.health) === 4 ? 1 : rank(venue.health));

const COLUMNS = [
  { name: "Venue" },
  { name: "Health" },
  { name: "Books live", number: true },
  { name: "Links", number: true },
  { name: "Frames", number: true },
  { name: "Connects", number: true },
  { name: "Gaps", number: true },
  { name: "Resyncs", number: true },
  { name: "Malformed", number: true },
  { name: "Audits", number: true },
  { name: "Clock", number: true },
];

export class VenuesPage {
  title() {
    return "Venues";
  }

  view({ stream }) {
    const { picture, now } = stream;
    const all = worstVenues(picture);
    return [
      h("h1", null, "Venues"),
      all.length
        ? card(
            "Feeds",
            { about: "each as one daemon sees it, the worst first" },
            table({
              caption: "Venues and their feeds",
              columns: COLUMNS,
              class: "cards",
              rows: all.map((each) => row(each, picture, now)),
            }),
          )
        : empty("No venue is joined yet."),
      card("What is wrong", {}, wrong(picture, all, now)),
    ];
  }
}

function row(each, picture, now) {
  const old = outdated(picture, each.daemon);
  const many = Object.keys(picture.daemons ?? {}).length > 1;
  return {
    key: `${each.venue}@${each.daemon}`,
    class: old === null ? "" : "old",
    cells: [
      h("span", null, each.venue, many && h("span", { class: "note" }, ` ${each.daemon}`), oldNote(old)),
      h(
        "span",
        { class: "stack" },
        mark(each.health),
        h("span", { class: "note num" }, each.since ? `for ${span(since(each.since, now))}` : ""),
      ),
      ratio(each.live, each.books),
      ratio(each.links_open, each.links),
      count(each.frames),
      count(each.connects),
      tally(each.gaps),
      count(each.resyncs),
      tally(each.malformed),
      h(
        "span",
        { class: each.audit_differences ? "warn" : "" },
        count(each.audits),
        each.audit_differences ? ` (${each.audit_differences} differ)` : "",
      ),
      each.clock_offset_s === undefined || each.clock_offset_s === null
        ? DASH
        : h(
            "span",
            { title: "How far the venue's clock is behind ours" },
            short(each.clock_offset_s),
            each.clock_faults ? h("span", { class: "warn" }, ` ${each.clock_faults} faults`) : "",
          ),
    ],
  };
}

const ratio = (some, all) => h("span", { class: some < all ? "warn" : "" }, `${count(some)}/${count(all)}`);
const tally = (number) => h("span", { class: number ? "warn" : "" }, count(number));

function wrong(picture, venues, now) {
  const said = venues.flatMap((each) => {
    const why = Object.entries(each.reasons ?? {}).map(([reason, books]) => `${counted(books, "book")}: ${spoken(reason)}`);
    if (each.quarantined) why.push(`kept out: ${each.quarantined}`);
    if (each.health !== "well" && each.last_disconnect) why.push(`last disconnect: ${each.last_disconnect}`);
    if (each.retry_at && Date.parse(each.retry_at) > now) why.push(`tries again at ${clock(each.retry_at)}`);
    if (each.put_off_until && Date.parse(each.put_off_until) > now)
      why.push(`asked to wait until ${moment(each.put_off_until, now)}`);
    return why.length
      ? [
          h(
            "li",
            { key: `${each.venue}@${each.daemon}` },
            h("b", null, each.venue),
            h("span", { class: "note" }, " ", whichOf(picture, each.daemon)),
            h(
              "ul",
              null,
              why.map((line) => h("li", { key: line }, line)),
            ),
          ),
        ]
      : [];
  });
  return said.length ? h("ul", { class: "list" }, said) : empty("Nothing: every book is live.");
}
