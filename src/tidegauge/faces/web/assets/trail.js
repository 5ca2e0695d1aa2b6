/** Tells aloud (to a screen reader) what changed: incidents, alerts that fire, the connection. Not each tick. */

import { subject } from "./incidents.js";

const MOST = 3;
const KEPT = 20;

export class Teller {
  /** @param {HTMLElement} place   an element that is read as it grows */
  constructor(place) {
    this.place = place;
    /** @type {Map<string, string>|null} */
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
      const changed = [...now].filter(([id, said]) => this.known.get(id) !== said).map(([, said]) => said);
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

/** What would be said of each thing; what is said anew has changed. */
function states(picture) {
  const said = new Map();
  for (const each of Object.values(picture.incidents ?? {}))
    said.set(each.id, `Incident ${subject(each)}: ${each.state}, ${each.severity}.`);
  for (const each of Object.values(picture.alerts ?? {})) {
    if (each.state === "firing" && !each.incident) said.set(each.id, `Alert, ${each.severity}: ${each.sentence}`);
  }
  return said;
}
