/** Tells aloud (to a screen reader) what changed: incidents, alerts that fire, the connection. Not each tick. */

import { subject } from "./incidents.js";

const MOST = 3;
const KEPT = 20;

export class Teller {
  /** @param {HTMLElement} place   an element that is read as it grows */
  constructor(place) {
    this.place = place;
    /** @type {Map<string, {stamp: string, said: string}>|null} */
    this.known = null;
    this.live = true;
  }

  tell({ stream }) {
    const { picture } = stream;
    if (!picture) return;
    if (stream.live !== this.live) {
      this.live = stream.live;
      // That it is gone is said by the banner.
      if (this.live) this.#say("Live again.");
    }
    const now = states(picture);
    if (this.known) {
      const changed = [...now]
        .filter(([id, { stamp }]) => this.known.get(id)?.stamp !== stamp)
        .map(([, { said }]) => said);
      for (const said of changed.slice(0, MOST)) this.#say(said);
      if (changed.length > MOST) this.#say(`And ${changed.length - MOST} more changes.`);
    }
    this.known = now;
  }

  #say(text) {
    const line = document.createElement("span");
    line.textContent = `${text} `;
    this.place.append(line);
    while (this.place.childElementCount > KEPT) this.place.firstElementChild.remove();
  }
}

/** What would be said of each thing, and a stamp that changes when it is worth saying again. */
function states(picture) {
  const found = new Map();
  for (const each of Object.values(picture.incidents ?? {})) {
    const stamp = `${each.state}, ${each.severity}`;
    found.set(each.id, { stamp, said: `Incident ${subject(each)}: ${stamp}.` });
  }
  for (const each of Object.values(picture.alerts ?? {})) {
    // An alert that belongs to an incident is told by that; its numbers move all the time.
    if (each.state !== "firing" || each.incident) continue;
    found.set(each.id, { stamp: each.severity, said: `Alert, ${each.severity}: ${each.sentence}` });
  }
  return found;
}
