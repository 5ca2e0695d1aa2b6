/**
 * What the API shows, kept up to date: one socket, its snapshots and patches, and how old they are.
 *
 * Ages are told by this machine's steady clock since a picture came in, so that a clock that is wrong
 * makes nothing look fresh.
 */

import { signedIn } from "./ask.js";
import { millis } from "./words.js";

/** Beyond this what is shown is old (docs/api.md). */
export const OLD_AFTER_S = 5;
/** A socket that says nothing for so long is given up. */
const SILENT_S = 15;
const FIRST_WAIT_S = 0.5;
const LONGEST_WAIT_S = 15;

/** RFC 7386. @param {any} target @param {any} patch */
export function merged(target, patch) {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const result = target !== null && typeof target === "object" && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merged(result[name], value);
  }
  return result;
}

const steady = () => performance.now() / 1000;

export class Stream {
  /** @param {() => void} changed   called when there is something new to show */
  constructor(changed) {
    this.changed = changed;
    /** @type {"connecting"|"open"|"lost"|"signed out"} */
    this.state = "connecting";
    /** @type {{picture: any, ladders: Record<string, any>}|null} */
    this.held = null;
    this.movedAt = steady();
    this.heardAt = steady();
    this.wanted = { symbols: [], ladders: 0 };
    this.wait = FIRST_WAIT_S;
    /** When the next try is due, by the steady clock; null while none is planned. */
    this.retryAt = null;
    this.timer = 0;
    this.problem = "";
    addEventListener("online", () => this.retry());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.retry());
  }

  get picture() {
    return this.held?.picture ?? null;
  }

  get ladders() {
    return this.held?.ladders ?? {};
  }

  /** Seconds since the picture last moved. */
  get age() {
    return steady() - this.movedAt;
  }

  /** Whether what is shown may be called live. */
  get live() {
    return this.state === "open" && this.picture !== null && this.age <= OLD_AFTER_S;
  }

  /** How long until the next try, in seconds. */
  get retryIn() {
    return this.retryAt === null ? null : Math.max(0, this.retryAt - steady());
  }

  /** The picture's own time now, in ms: its last, and what has passed since. */
  get now() {
    const at = millis(this.picture?.at);
    return at === null ? Date.now() : at + this.age * 1000;
  }

  /** Say which symbols' books are wanted, and how many levels of them. */
  want(symbols, ladders) {
    if (JSON.stringify(this.wanted) === JSON.stringify({ symbols, ladders })) return;
    this.wanted = { symbols, ladders };
    this.#ask();
  }

  #ask() {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(this.wanted));
  }

  connect() {
    clearTimeout(this.timer);
    this.retryAt = null;
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/stream`);
    this.socket = socket;
    this.heardAt = steady();
    const ours = (act) => (event) => {
      if (this.socket === socket) act(event);
    };
    socket.onopen = ours(() => this.#ask());
    socket.onmessage = ours((event) => this.#heard(event.data));
    socket.onclose = ours(() => this.#lost());
  }

  /** Try at once, where a try is being waited for. */
  retry() {
    if (this.retryAt !== null) {
      this.wait = FIRST_WAIT_S;
      this.connect();
      this.changed();
    }
  }

  /** Give up a socket that is silent; call it once a second. */
  watch() {
    if (this.socket && this.retryAt === null && steady() - this.heardAt > SILENT_S) {
      const socket = this.socket;
      this.socket = null;
      socket.close();
      this.#lost();
    }
  }

  #heard(text) {
    this.heardAt = steady();
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    const before = this.picture?.at;
    if (message.type === "snapshot") this.held = { picture: message.picture, ladders: message.ladders ?? {} };
    else if (message.type === "patch" && this.held) this.held = merged(this.held, message.patch);
    else if (message.type === "problem") this.problem = String(message.detail ?? "");
    else return;
    if (this.state !== "open" && message.type === "snapshot") this.state = "open";
    this.wait = FIRST_WAIT_S;
    if (this.picture?.at !== before) this.movedAt = steady();
    this.changed();
  }

  async #lost() {
    if (this.state !== "signed out") this.state = "lost";
    this.retryAt = steady() + this.wait;
    this.timer = setTimeout(() => this.connect(), this.wait * 1000);
    this.wait = Math.min(LONGEST_WAIT_S, this.wait * (1.6 + Math.random() * 0.4));
    this.changed();
    // A refused socket does not say why; a plain request does.
    const allowed = await signedIn();
    if (allowed === false) this.state = "signed out";
    else if (allowed && this.state === "signed out") this.state = "lost";
    this.changed();
  }
}
