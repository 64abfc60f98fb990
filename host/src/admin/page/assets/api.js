// Speaks to the admin API of the tollgate that served this page.

/** What the API refused, in its words (RFC 9457), or why there was no answer. */
export class Refusal extends Error {
  constructor(status, title, detail) {
    super(detail || title);
    this.status = status;
    this.title = title;
  }
}

async function ask(method, path, body, signal) {
  const headers = {};
  // A page of another origin cannot set this field without asking first.
  if (method !== 'GET') headers['x-tollgate-admin'] = '1';
  if (body !== undefined) headers['content-type'] = 'application/json';
  let response;
  try {
    response = await fetch(path, { method, headers, signal, cache: 'no-store', body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Refusal(0, 'tollgate did not answer', 'tollgate did not answer. Is it still running?');
  }
  if (response.ok) return response;
  let problem = {};
  const text = await response.text();
  try {
    problem = JSON.parse(text) ?? {};
  } catch {
    problem = { detail: text };
  }
  if (response.status === 401) problem.detail = 'This tollgate asks for a token. Open its address once with ?token=… behind it.';
  throw new Refusal(response.status, problem.title ?? `status ${response.status}`, problem.detail ?? `tollgate answered with status ${response.status}.`);
}

export async function get(path, signal) {
  return (await ask('GET', path, undefined, signal)).json();
}

export async function getText(path) {
  return (await ask('GET', path)).text();
}

/** Changes something. Resolves with the answer's JSON, or null if it has none. */
export async function send(method, path, body, signal) {
  const text = await (await ask(method, path, body, signal)).text();
  return text === '' ? null : JSON.parse(text);
}

/** A path with its parts escaped: path`/api/v1/plugins/${name}`. */
export function path(parts, ...values) {
  return parts.reduce((path, part, at) => path + encodeURIComponent(values[at - 1]) + part);
}

const offered = new Map();

/** Learns which operations this tollgate has; the page shows no button that cannot work. */
export async function learnOffers() {
  const { paths = {} } = await get('/openapi.json');
  offered.clear();
  for (const [path, item] of Object.entries(paths)) offered.set(path.replace(/\{[^}]*\}/g, '{}'), item);
}

/** Whether the API has this operation, as in `offers('post', '/api/v1/exchanges/{}/replay')`. */
export const offers = (method, path) => Boolean(offered.get(path)?.[method]);
