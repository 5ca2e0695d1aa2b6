/** Where in time something was wrong: alerts that fired, and books that were not to be trusted. */

import { millis } from "./words.js";

const seconds = (at) => (at ? millis(at) / 1000 : null);

export class Shades {
  constructor() {
    /** @type {Map<string, {venue: string, from: number, to: number|null, kind: string}>} */
    this.known = new Map();
  }

  /** Take what `/history` tells of a venue. */
  told(venue, { alerts, trust }) {
    for (const each of alerts ?? []) {
      this.known.set(each.id, {
        venue,
        from: seconds(each.started_at),
        to: seconds(each.ended_at),
        kind: each.severity,
      });
    }
    for (const gap of trust ?? []) {
      // One that goes on is told by the stream, which knows when it ends.
      if (gap.until)
        this.known.set(`${venue} ${gap.since}`, {
          venue,
          from: seconds(gap.since),
          to: seconds(gap.until),
          kind: "gap",
        });
    }
  }

  /** Take how far a book may be trusted now. */
  seen(venue, book, now) {
    const open = this.known.get(venue);
    if (book.trust === "live") {
      if (open) {
        this.known.set(`${venue} ${open.from}`, { ...open, to: now / 1000 });
        this.known.delete(venue);
      }
    } else if (!open) {
      this.known.set(venue, { venue, from: seconds(book.since) ?? now / 1000, to: null, kind: "gap" });
    }
  }

  /** Take the alerts as they stand. */
  alerts(all) {
    for (const each of all) {
      if (each.state === "pending") continue;
      this.known.set(each.id, {
        venue: each.venue,
        from: seconds(each.started_at),
        to: seconds(each.ended_at),
        kind: each.severity,
      });
    }
  }

  /** What concerns these venues; what has no end lasts until `now`. */
  of(venues, now) {
    const shown = [...this.known.values()]
      .filter((each) => each.venue === "*" || each.venue.split("~").some((venue) => venues.includes(venue)))
      .map((each) => ({ ...each, to: each.to ?? now }));
    const isGap = (each) => each.kind === "gap";
    return [...joined(shown.filter((each) => !isGap(each))), ...joined(shown.filter(isGap))];
  }
}

const ORDER = ["gap", "info", "warning", "high", "critical"];

/** Spans that touch as one, as bad as the worst of them. */
function joined(spans) {
  const found = [];
  for (const each of spans.sort((a, b) => a.from - b.from)) {
    const last = found.at(-1);
    if (!last || each.from > last.to) found.push({ from: each.from, to: each.to, kind: each.kind });
    else {
      last.to = Math.max(last.to, each.to);
      if (ORDER.indexOf(each.kind) > ORDER.indexOf(last.kind)) last.kind = each.kind;
    }
  }
  return found;
}
