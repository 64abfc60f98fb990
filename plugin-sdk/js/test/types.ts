// What TypeScript makes of the helper. Never run: it has to compile, and each @ts-expect-error has to be an error.

import {
  answer,
  backends,
  client,
  emit,
  events,
  exchange,
  KEEP,
  log,
  metrics,
  now,
  plugin,
  random,
  request,
  response,
  rewriter,
  SendError,
  settings,
  state,
  ticker,
  timer,
} from '../index.js';

export const interceptor = plugin({
  start() {
    metrics.describe('x_total', 'X.');
  },

  forwardRequest() {
    const field: string | null = request.field('x');
    const setting: string | null = settings.get('x');
    const given: string = settings.get('x', 'y');
    request.setFields({ a: 'b', c: [new Uint8Array(), 'd'] });
    request.setFields([['a', 'b']]);
    request.setFields(new Map([['a', 'b']]));
    request.method = 'PUT';
    response.status = 201;
    log.info(field, setting, given, exchange.id);

    const uuid: string = crypto.randomUUID();
    const one: string | null = new URL('/x', 'http://h').searchParams.get('a') ?? request.queryParam('a');
    console.log(uuid, one, performance.now(), new TextDecoder().decode(new TextEncoder().encode('x')), now(), random());
    for (const [name, value] of new URLSearchParams('a=1')) log.info(name.length, value.length);

    const count: number = state.increment('n', 1, { ttlMs: 5 });
    const kept: string | null = state.get('n');
    const swapped: boolean = state.compareAndSwap('n', kept, null);
    const got = client.send({ url: 'http://h/', json: { count, swapped }, timeoutMs: 1 });
    log.info(got.status, got.field('x'), got.json().user);
    for (const one of client.sendAll([{ url: 'http://h/' }])) {
      log.info(one instanceof SendError ? one.reason : one.text());
    }
    timer.sleep(5);
    backends.choose(backends.current() === 'a' ? 'b' : 'c');
    // @ts-expect-error a string
    backends.choose(5);
    metrics.add('x_total', 1, { kind: 'a', status: 200 });
    // @ts-expect-error no such option
    state.set('n', '', { ttl: 1 });
    // @ts-expect-error a string
    client.get(5);
    // @ts-expect-error text
    metrics.add('x_total', 1, { kind: null });

    // @ts-expect-error may be null
    log.info(request.queryParam('x').length);
    // @ts-expect-error may be null
    log.info(request.field('x').length);
    // @ts-expect-error may be null
    log.info(settings.get('x').length);
    // @ts-expect-error text or bytes
    request.setField('x', 5);
    // @ts-expect-error text or bytes
    request.setFields({ a: 1 });
    // @ts-expect-error text
    request.method = 5;
    request.path = '/';
    // @ts-expect-error read-only
    request.scheme = 'http';
    // @ts-expect-error no such level
    log.loud('x');
    // @ts-expect-error a number
    answer({ status: '200' });
    // @ts-expect-error no such option
    answer({ headers: {} });
    // @ts-expect-error no such option
    answer({ statusCode: 403 });
    // @ts-expect-error not there
    fetch('http://h');
    return answer({ status: 403, fields: { a: 'b' }, text: 'no' });
  },
});

export const responseBody = rewriter(() => {
  if (response.status !== 200) return;
  return {
    unit: 'events',
    decoded: true,
    piece(event) {
      const data: string | null = events.data(event);
      return data === null ? KEEP : events.withData(event, data);
    },
    end: () => emit('x'),
  };
});
export const background = ticker(() => void state.increment('ticks'));
// @ts-expect-error not a function
ticker(5);
// @ts-expect-error nothing is said of a piece
rewriter(() => ({ piece() {} }));
// @ts-expect-error no such unit
rewriter(() => ({ unit: 'event', piece: () => KEEP }));

// @ts-expect-error a misspelt hook
plugin({ forwardRequests() {} });
// @ts-expect-error hooks are not async
plugin({ async forwardRequest() {} });
// @ts-expect-error a misspelt verdict
plugin({ forwardRequest: () => 'forwrad' });
