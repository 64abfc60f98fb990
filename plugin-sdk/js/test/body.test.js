// Bodies that flow, and events.

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { reset } from './host.js';

const { begin } = await import('../host.js');
begin();
const { emit, events, KEEP, plugin, REPLACE, rewriter, STOP, ticker } = await import('../index.js');
const { checked } = await import('../plugin.js');
const { made } = await import('../made.js');
const bytes = (text) => Uint8Array.from(Buffer.from(text));
const text = (content) => Buffer.from(content).toString();

let host;
beforeEach(() => {
  host = reset();
  made.clear();
});

const thrown = (call) => {
  try {
    call();
  } catch (error) {
    return error;
  }
  return null;
};

test('a body has its state in what its function returns', () => {
  const body = rewriter(() => {
    let count = 0;
    return {
      unit: 'lines',
      decoded: true,
      piece: (line) => `${++count} ${text(line)}`,
      end: () => emit(`${count} lines`),
    };
  });
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(body.begin(), { unit: 'lines', decoded: true });
    assert.deepEqual([body.piece(bytes('a\n')), body.piece(bytes('b\n'))], ['replace', 'replace']);
    body.end();
    assert.deepEqual(host.emitted.splice(0), ['1 a\n', '2 b\n', '2 lines']);
  }
  assert.equal(thrown(() => body.end()), 'the host gave a piece of a body that had not begun');
});

test('a piece goes on as its fate says', () => {
  const fates = { keep: KEEP, drop: REPLACE, text: 'é', bytes: bytes('x'), stop: STOP };
  const body = rewriter(() => ({ piece: (piece) => fates[text(piece)] }));
  assert.deepEqual(body.begin(), { unit: 'bytes', decoded: false });
  const given = Object.keys(fates).map((piece) => body.piece(bytes(piece)));
  assert.deepEqual([given, host.emitted], [['keep', 'replace', 'replace', 'replace', 'stop'], ['é', 'x']]);
  assert.match(thrown(() => body.piece(bytes('keep'))), /had not begun/);
});

test('a piece that nothing is said of does not pass, nor one that was changed in place', () => {
  let changes = false;
  const body = rewriter(() => ({ piece: (piece) => (changes ? piece.fill(0x2a) : undefined) }));
  body.begin();
  assert.equal(thrown(() => body.piece(bytes('secret'))), 'piece returned undefined: expected bytes, text, KEEP, REPLACE or STOP');
  changes = true;
  assert.deepEqual([body.piece(bytes('secret')), host.emitted], ['replace', ['******']]);
});

test('a body that is left alone takes nothing over', () => {
  let wanted = true;
  const body = rewriter(() => (wanted ? { piece: () => KEEP } : null));
  body.begin();
  wanted = false;
  assert.equal(body.begin(), undefined);
  assert.match(thrown(() => body.piece(bytes(''))), /had not begun/);
});

test('a slip in what is returned is an error', () => {
  const told = [
    [() => 'events', 'a rewriter\'s function returned "events": expected { unit, decoded, piece, end } or nothing'],
    [() => ({ unit: 'event', piece() {} }), 'a rewriter: unit "event" is unknown: there are bytes, text, lines, events, messages'],
    [() => ({ unit: 'text' }), 'a rewriter: piece is no function but undefined'],
    [async () => null, 'a rewriter returned a promise: it is not async'],
  ];
  for (const [make, message] of told) assert.equal(thrown(() => rewriter(make).begin()), message);
  assert.match(thrown(() => rewriter(() => ({ pieces() {} })).begin()), /pieces is unknown: did you mean piece\? there are/);
});

test('bodies that the host would not find end the build', () => {
  const hooks = { forwardRequest() {} };
  const alone = rewriter(() => null);
  const { interceptor, lifecycle } = checked({ responseBody: alone });
  assert.equal(interceptor.forwardRequest(), 'forward');
  assert.equal(lifecycle.start(), undefined);
  assert.throws(() => checked({ interceptor: plugin(hooks) }), /a rewriter\(…\) is not exported: write/);
  assert.throws(() => checked({ interceptor: plugin(hooks), redact: alone }), /a rewriter\(…\) is not exported/);
  made.clear();
  assert.throws(() => checked({ responseBody: {} }), /is none: make it with rewriter/);
  assert.throws(() => checked({ interceptor: plugin({ start() {} }) }), /neither forwardRequest nor returnResponse/);
});

test('background work is exported, and fails with one line', () => {
  const hooks = { returnResponse() {} };
  let count = 0;
  const background = ticker(() => {
    if (++count === 2) throw new Error('not now');
    return count > 2 ? count : undefined;
  });
  const { interceptor } = checked({ background });
  assert.equal(interceptor.forwardRequest(), 'forward');
  background.tick();
  assert.equal(thrown(() => background.tick()), 'not now');
  assert.equal(thrown(() => background.tick()), 'tick returned number: expected nothing');
  assert.throws(() => checked({ interceptor: plugin(hooks) }), /a ticker\(…\) is not exported: write/);
  assert.throws(() => checked({ interceptor: plugin(hooks), responseBody: background }), /is none: make it with rewriter/);
  made.clear();
  assert.throws(() => checked({ background: { tick() {} } }), /is none: make it with ticker/);
  const late = ticker(async () => {});
  assert.match(thrown(() => late.tick()), /tick returned a promise: it is not async/);
  assert.throws(() => ticker(5), /ticker\(…\) takes a function, got number/);
  made.clear();
});

test('start is called, and what it throws is one line', () => {
  const started = [];
  const { lifecycle } = checked({ interceptor: plugin({ start: () => void started.push(1), returnResponse() {} }) });
  lifecycle.start();
  assert.deepEqual(started, [1]);
  const failing = plugin({
    start() {
      throw new Error('setting mark is missing');
    },
    returnResponse() {},
  });
  assert.equal(thrown(() => checked({ interceptor: failing }).lifecycle.start()), 'setting mark is missing');
});

test('events are read as a browser does', () => {
  for (const [event, name, data] of [
    ['data: This is the first message.\n\n', null, 'This is the first message.'],
    ['data: YHOO\ndata: +2\ndata: 10\n\n', null, 'YHOO\n+2\n10'],
    ['event: add\ndata: 73857293\n\n', 'add', '73857293'],
    [': test stream\n\n', null, null],
    ['data:  third event\n\n', null, ' third event'],
    ['data\ndata\n\n', null, '\n'],
    ['data:a\r\ndata:b\rdata:c\n\r\n', null, 'a\nb\nc'],
    ['data : x\ndata:y:z\n dAta: w\nData: v\n\n', null, 'y:z'],
    ['event: a\nevent\n\n', null, null],
    ['data: é☃', null, 'é☃'],
    ['', null, null],
  ]) {
    assert.deepEqual([events.name(bytes(event)), events.data(bytes(event))], [name, data], event);
  }
  assert.deepEqual(events.fields(bytes('id\nretry: 10\n: no field\n\n')), [['id', ''], ['retry', '10']]);
});

test('an event gets other data and nothing else changes', () => {
  for (const [event, data, expected] of [
    ['data: a\n\n', 'b', 'data: b\n\n'],
    [': c\r\nid: 1\r\ndata: a\r\nx: y\r\ndata: b\r\n\r\n', '1\n2', ': c\r\nid: 1\r\ndata: 1\r\ndata: 2\r\nx: y\r\n\r\n'],
    ['data:a\r\r', 'b', 'data: b\r\r'],
    ['event: x\n\n', 'néw', 'event: x\ndata: néw\n\n'],
    ['data', 'new', 'data: new\n'],
    ['id: 1', '', 'id: 1\ndata: \n'],
  ]) {
    assert.equal(text(events.withData(bytes(event), data)), expected);
  }
  const broken = Uint8Array.of(...bytes(': '), 0xff, ...bytes('\ndata: a\n\n'));
  assert.deepEqual(events.withData(broken, Uint8Array.of(0xfe)), Uint8Array.of(...bytes(': '), 0xff, ...bytes('\ndata: '), 0xfe, 10, 10));
});

test('an event that is made is read again', () => {
  for (const data of ['', 'a', '\n', 'a\n', '\na', 'a\r\nb\rc', ' a', ':', 'é\u2028b']) {
    const event = events.event(data, { name: 'n', retryMs: 5 });
    assert.equal(events.data(event), data.replace(/\r\n?/g, '\n'));
    assert.ok(text(event).startsWith('event: n\nretry: 5\n') && text(event).endsWith('\n\n'));
  }
  for (const bad of [{ name: 'a\nb' }, { id: 'a\rb' }, { id: '\0' }]) {
    assert.throws(() => events.event('', bad), /an event of an event stream can't have the/);
  }
});
