/** Requests to the API, and what was wrong with them in words. */

/** What was asked for did not come. `status` is 0 where nothing answered. */
export class Refused extends Error {
  /** @param {number} status @param {string} said @param {any} [body] */
  constructor(status, said, body = null) {
    super(said);
    this.status = status;
    this.body = body;
  }
}

const SIGN_IN = "You are not signed in. Run `tidegauge web` for a link that signs you in.";

/**
 * Return the answer's JSON; throw `Refused` where there is none.
 * @param {string} path @param {{method?: string, body?: any, signal?: AbortSignal}} [options]
 */
export async function ask(path, { method = "GET", body, signal } = {}) {
  let response;
  try {
    response = await fetch(path, {
      method,
      signal,
      credentials: "same-origin",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refused(0, "The API does not answer.");
  }
  const told = await response.json().catch(() => null);
  if (response.ok) return told;
  throw new Refused(response.status, reason(response.status, told), told);
}

function reason(status, told) {
  if (status === 401) return SIGN_IN;
  if (status === 403) return told?.detail ?? "This sign-in may look, and change nothing.";
  const fields = (told?.errors ?? []).map((each) => `${each.field}: ${each.message}`);
  const said = told?.said ?? told?.detail ?? told?.title;
  const sentence = typeof said === "string" ? said.replace(/\w$/, "$&.") : `The API answered ${status}.`;
  return [sentence, ...fields].join(" ");
}

/** Whether the API lets us in; null where it does not answer. */
export async function signedIn() {
  try {
    const response = await fetch("/daemons", { credentials: "same-origin" });
    return response.status !== 401;
  } catch {
    return null;
  }
}

/** A path of the API with each part of it made safe. @param {...string} parts */
export const path = (...parts) => `/${parts.map(encodeURIComponent).join("/")}`;

/** With a query; what is null is left out. @param {string} to @param {Record<string, any>} asked */
export function query(to, asked) {
  const given = Object.entries(asked).filter(([, value]) => value !== null && value !== undefined && value !== "");
  return given.length ? `${to}?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : to;
}
