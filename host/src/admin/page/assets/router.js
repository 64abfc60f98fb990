// What the page shows is in its address: #/exchanges/ID/step/3/fields?filter=~u+/users, #/logs?level=warn&plugin=redact. Pure but for
// `go` and `replace`.

const VIEWS = ['exchanges', 'plugins', 'logs'];
/** What stands behind the question mark. */
const QUERY = ['filter', 'level', 'plugin'];

/** The address in parts. What it does not name is undefined. */
export function parse(hash) {
  const [way, query = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  const [view = '', id, word, step, tab] = way.split('/').map(decode);
  const asked = new URLSearchParams(query);
  return {
    view: VIEWS.includes(view) ? view : 'exchanges',
    id: id || undefined,
    step: word === 'step' && step ? step : undefined,
    tab: word === 'step' && tab ? tab : undefined,
    filter: asked.get('filter') ?? '',
    level: asked.get('level') || undefined,
    plugin: asked.get('plugin') || undefined,
  };
}

/** The address of these parts. */
export function format({ view, id, step, tab, ...asked }) {
  let way = `#/${view}`;
  if (id !== undefined) {
    way += `/${encodeURIComponent(id)}`;
    if (step !== undefined) way += `/step/${encodeURIComponent(step)}${tab === undefined ? '' : `/${encodeURIComponent(tab)}`}`;
  }
  const query = new URLSearchParams(QUERY.filter((name) => asked[name]).map((name) => [name, asked[name]]));
  return query.size > 0 ? `${way}?${query}` : way;
}

function decode(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}

/** Goes there; the browser's way back leads to where one was. */
export function go(place) {
  if (format(place) !== location.hash) location.hash = format(place);
}

/** Goes there in the place of where one is. */
export function replace(place) {
  if (format(place) === location.hash) return;
  history.replaceState(null, '', format(place));
  dispatchEvent(new HashChangeEvent('hashchange'));
}
