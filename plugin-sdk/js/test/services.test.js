// State, outbound requests, waiting, metrics.

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { reset } from './host.js';

const { begin } = await import('../host.js');
begin();
const { BackendError, backends, client, metrics, plugin, SendError, state, StateError, timer } = await import('../index.js');
const bytes = (text) => Uint8Array.from(Buffer.from(text));

let host;
beforeEach(() => {
  host = reset();
});

describe('state', () => {
  test('values are text, and bytes where that is wanted', () => {
    assert.equal(state.get('a'), null);
    state.set('a', 'é');
    state.set('b', Uint8Array.of(0xff), { ttlMs: 1.5 });
    assert.deepEqual([state.get('a'), state.getBytes('a'), state.get('b')], ['é', bytes('é'), '\ufffd']);
    assert.deepEqual([...host.state.ttls], [['a', undefined], ['b', 2]]);
    assert.deepEqual([state.delete('a'), state.delete('a')], [true, false]);
  });

  test('counters, swaps and keys', () => {
    assert.deepEqual([state.increment('n', 1, { ttlMs: 60000 }), state.increment('n', -7), state.increment('n')], [1, -6, -5]);
    assert.equal(state.compareAndSwap('s', null, 'a'), true);
    assert.equal(state.compareAndSwap('s', null, 'b'), false);
    assert.equal(state.compareAndSwap('s', bytes('a'), null), true);
    for (const key of ['k1', 'k2', 'k3']) state.set(key, '');
    assert.deepEqual(state.keys('k'), ['k1', 'k2', 'k3']);
    assert.deepEqual(state.keys('k', { after: 'k1', limit: 1 }), ['k2']);
  });

  test('what the host refuses is an error with the reason of the contract', () => {
    host.state.refusal = { tag: 'timed-out', val: 'why' };
    assert.throws(
      () => state.get('a'),
      (error) => error instanceof StateError && error.reason === 'timed-out' && error.message === 'why',
    );
  });

  test('what would be a trap of the engine is an error', () => {
    const told = [
      [() => state.get(5), 'a key of the state: expected a string, got number'],
      [() => state.set('k', 5), 'a value of the state: expected a string or a Uint8Array, got number'],
      [() => state.increment('k', 1.5), 'state.increment: expected a whole number, got 1.5'],
      [() => state.increment('k', 2 ** 53), 'state.increment: expected a whole number, got 9007199254740992'],
      [() => state.set('k', '', { ttlMs: -1 }), 'state.set: ttlMs: expected a number from 0 on, got -1'],
      [() => state.set('k', '', { ttlMs: NaN }), 'state.set: ttlMs: expected a number from 0 on, got NaN'],
      [() => state.set('k', '', { ttl: 1 }), 'state.set: ttl is unknown: did you mean ttlMs? there are ttlMs'],
    ];
    for (const [call, message] of told) assert.throws(call, (error) => error.message === message, message);
    state.set('k', '', { ttlMs: Infinity });
    assert.equal(host.state.ttls.get('k'), Number.MAX_SAFE_INTEGER);
  });
});

describe('client', () => {
  const answer = (url, status, body = '', fields = []) => {
    host.client.answers[url] = { status, fields, body: bytes(body), trailers: [] };
  };

  test('a request is sent and its response read', () => {
    answer('http://h/a', 200, '{"name":"ann"}', [['x', Uint8Array.of(0xff)]]);
    const response = client.get('http://h/a', { fields: { accept: '*/*', x: ['1', Uint8Array.of(0xfe)] }, timeoutMs: 0.5 });
    assert.deepEqual(host.client.sent, [
      {
        method: 'GET',
        uri: 'http://h/a',
        fields: [['accept', bytes('*/*')], ['x', bytes('1')], ['x', Uint8Array.of(0xfe)]],
        body: bytes(''),
        timeoutMs: 1,
      },
    ]);
    assert.deepEqual([response.status, response.json(), response.field('X'), response.field('y')], [200, { name: 'ann' }, '\ufffd', null]);
  });

  test('JSON has a media type unless one is given', () => {
    answer('http://h/', 204);
    client.post('http://h/', { json: { é: 1 } });
    client.send({ method: 'PUT', url: 'http://h/', json: [], fields: { 'Content-Type': 'x/y' } });
    client.post('http://h/', { body: 'text' });
    assert.deepEqual(
      host.client.sent.map(({ method, fields, body }) => [method, fields.map(String), Buffer.from(body).toString()]),
      [
        ['POST', [String(['content-type', bytes('application/json')])], '{"é":1}'],
        ['PUT', [String(['Content-Type', bytes('x/y')])], '[]'],
        ['POST', [], 'text'],
      ],
    );
    assert.equal(host.client.sent[2].timeoutMs, undefined);
  });

  test('a response that is no success, or not UTF-8, is not read', () => {
    answer('http://h/', 404, '{}');
    assert.throws(() => client.get('http://h/').json(), /^Error: the response has the status 404$/);
    host.client.answers['http://h/'].body = Uint8Array.of(0xff);
    assert.throws(() => client.get('http://h/').text(), /^TypeError: the response is not UTF-8$/);
  });

  test('no response is an error, and among several a value', () => {
    host.client.answers['http://no/'] = { tag: 'invalid-request', val: 'why' };
    answer('http://h/', 200);
    assert.throws(
      () => client.get('http://no/'),
      (error) => error instanceof SendError && error.reason === 'invalid-request' && error.message === 'why',
    );
    const [first, second] = client.sendAll([{ url: 'http://no/' }, { url: 'http://h/', method: 'HEAD' }]);
    assert.deepEqual([first instanceof SendError, first.reason, second.status], [true, 'invalid-request', 200]);
  });

  test('mistakes in a request are told', () => {
    answer('http://h/', 200);
    assert.throws(() => client.get('http://h/', { headers: {} }), /client\.send: headers is unknown: .*there are url, method/);
    assert.throws(() => client.get(new URL('http://h/')), /expected url and method as strings, got object/);
    assert.throws(() => client.post('http://h/', { body: '', json: 1 }), /body and json exclude each other/);
    assert.deepEqual(host.client.sent, []);
  });
});

test('a short wait is not none', () => {
  timer.sleep(0.1);
  timer.sleep(2000);
  assert.deepEqual(host.slept, [1, 2000]);
  assert.throws(() => timer.sleep('1'), /timer\.sleep: expected a number from 0 on, got 1/);
});

test('metrics have numbers and labels', () => {
  metrics.describe('wait_seconds', 'How long.', [1, 2.5]);
  metrics.add('denied_total');
  metrics.add('denied_total', 2, { reason: 'x', status: 429 });
  metrics.set('size', 5);
  metrics.observe('wait_seconds', 0.5);
  assert.deepEqual(host.measured, [
    ['describe', 'wait_seconds', 'How long.', [1, 2.5]],
    ['add', 'denied_total', 1, []],
    ['add', 'denied_total', 2, [['reason', 'x'], ['status', '429']]],
    ['set', 'size', 5, []],
    ['observe', 'wait_seconds', 0.5, []],
  ]);
  assert.throws(() => metrics.add('n', '1'), /expected a number, got string/);
});

describe('backends', () => {
  test('a backend is chosen', () => {
    assert.equal(backends.current(), 'default');
    backends.choose('next');
    assert.equal(backends.current(), 'next');
    assert.throws(() => backends.choose(5), /backends\.choose: expected a string, got number/);
  });

  test('what the host refuses is an error with the reason of the contract', () => {
    for (const [refusal, message] of [
      [{ tag: 'denied', val: 'why' }, 'why'],
      [{ tag: 'unknown', val: 'why' }, 'why'],
      [{ tag: 'too-late' }, 'the backend can be chosen in forwardRequest alone'],
    ]) {
      host.backends.refusal = refusal;
      assert.throws(
        () => backends.choose('next'),
        (error) => error instanceof BackendError && error.reason === refusal.tag && error.message === message,
      );
      // A hook that lets it pass fails with its text, which is no mistake in the code.
      const { forwardRequest } = plugin({ forwardRequest: () => backends.choose('next') });
      assert.throws(forwardRequest, (told) => told === message);
    }
  });
});
