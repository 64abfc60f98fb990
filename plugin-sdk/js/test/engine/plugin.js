// What the helper does in the real engine: each path is one thing. The numbers of lines are in the cases.

import { answer, now, plugin, random, request, response, settings } from './tollgate/index.js';

const built = { at: Date.now(), drew: Math.random() };

function deep(x) {
  return x.y.z; // line 8
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
  '/query': () => {
    request.setField('x-query', `${request.queryParam('q')} ${request.cookie('a')}`);
    request.path = '/c%20d';
  },
};

export const interceptor = plugin({
  forwardRequest() {
    request.acceptIdentity();
    return paths[request.path]();
  },

  returnResponse() {
    if (request.path !== '/c%20d') return;
    const suffix = settings.get('suffix', '');
    response.mapText((text) => text + suffix);
  },
});
