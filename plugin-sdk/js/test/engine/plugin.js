// What the helper does in the real engine: each path is one thing. The numbers of lines are in the cases.

import { answer, backends, client, emit, events, KEEP, now, plugin, random } from './tollgate/index.js';
import { request, response, rewriter, settings, state, ticker, timer } from './tollgate/index.js';

let suffix = '';

const built = { at: Date.now(), drew: Math.random() };

function deep(x) {
  return x.y.z; // line 11
}

const paths = {
  '/deep': () => deep({}),
  '/forgotten': () => {
    answer({ status: 403 });
  },
  '/misspelt': () => answer({ statusCode: 403 }),
  '/caused': () => {
    throw new Error('no tenant', { cause: new Error('no slash') });
  },
  '/random': () => {
    const [a, b] = crypto.getRandomValues(new Uint32Array(2));
    const drawn = [Math.random(), Math.random(), random(), built.drew];
    const uuid = crypto.randomUUID();
    const fits =
      drawn.every((number) => number >= 0 && number < 1) &&
      new Set(drawn).size === 4 &&
      a !== b &&
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(uuid) &&
      uuid !== crypto.randomUUID();
    return answer({ text: `${fits}` });
  },
  '/drawn': () => answer({ text: `${Math.random()} ${random()} ${crypto.randomUUID()} ${now()}` }),
  '/time': () => {
    const start = performance.now();
    const fits = [start >= 0, performance.now() >= start, now() >= 1577836800000, Date.now() !== built.at];
    return answer({ text: `${fits}` });
  },
  '/web': () => {
    const url = new URL('../b?x=1&y=%20#z', 'http://exämple.com:80/a/c/');
    const text = new TextDecoder().decode(new TextEncoder().encode('é☃𝄞'));
    return answer({ json: [url.href, [...new URLSearchParams(url.search)], text] });
  },
  '/state': () => {
    const counts = [state.increment('n', 1, { ttlMs: 60000 }), state.increment('n', 5), state.increment('n', -8)];
    state.set('text', 'é');
    const swapped = state.compareAndSwap('text', 'é', 'é');
    timer.sleep(1);
    try {
      state.increment('text');
    } catch (error) {
      return answer({ json: [counts, state.get('none'), state.get('text'), swapped, state.keys(), error.reason] });
    }
  },
  '/client': () => {
    const user = client.get('http://example.com/user', { fields: { accept: 'application/json' } });
    const found = `${user.json().name} ${user.field('Content-Type')}`;
    try {
      client.post('http://example.com/', { json: { a: 1 } });
    } catch (error) {
      const [late, missing] = client.sendAll(['other', 'user'].map((path) => ({ url: `http://example.com/${path}`, timeoutMs: 1000 })));
      return answer({ text: `${found} ${error.reason} ${late.reason} ${missing.status}` });
    }
  },
  '/backend': () => {
    const before = backends.current();
    backends.choose('users');
    try {
      backends.choose('nobody');
    } catch (error) {
      request.setField('x-backend', `${before} ${backends.current()} ${error.reason}`);
    }
  },
  '/events': () => {},
  '/forgets': () => {},
  '/query': () => {
    request.setField('x-query', `${request.queryParam('q')} ${request.cookie('a')}`);
    request.path = '/c%20d';
  },
};

export const interceptor = plugin({
  start() {
    suffix = settings.get('suffix', '');
  },

  forwardRequest() {
    request.acceptIdentity();
    return paths[request.path]();
  },

  returnResponse() {
    if (request.path !== '/c%20d') return;
    response.mapText((text) => text + suffix);
  },
});

export const responseBody = rewriter(() => {
  if (request.path !== '/events' && request.path !== '/forgets') return;
  let count = 0;
  return {
    unit: 'events',
    decoded: true,
    piece(event) {
      if (request.path === '/forgets') return;
      count++;
      const data = events.data(event);
      return data === null ? KEEP : events.withData(event, data + suffix);
    },
    end: () => emit(events.event(String(count))),
  };
});

export const background = ticker(() => {
  if (state.increment('ticks') === 2) throw new Error('not now');
});
