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
      if (gap.to)
        this.known.set(`${venue} ${gap.from}`, { venue, from: seconds(gap.from), to: seconds(gap.to), kind: "gap" });
    }
  }

  /** Take how far a book may be trusted now. */
  seen(venue, book, now) {
    const open = this.known.get(venue);
    if (book.trust === "LIVE") {
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
    return [...this.known.values()]
      .filter((each) => each.venue === "*" || each.venue.split("~").some((venue) => venues.includes(venue)))
      .map((each) => ({ ...each, to: each.to ?? now }))
      .sort((a, b) => (a.kind === "gap") - (b.kind === "gap") || a.from - b.from);
  }
}
