// The page's modules that decide something, one by one, in the browser that they are made for.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { closePage, openPage, Proxy, ROOT, startBrowser } from './harness.mjs';

let proxy;
let browser;
let page;

before(async () => {
  proxy = await Proxy.start({ plugins: [] });
  browser = await startBrowser();
  page = await openPage(browser, proxy);
});

after(async () => {
  await closePage(page);
  await browser.close();
  await proxy.stop();
});

test('an address says what is shown, and the other way round', async () => {
  const places = [
    { view: 'exchanges', filter: '' },
    { view: 'exchanges', id: '00000000000000a1', filter: '' },
    { view: 'exchanges', id: '00000000000000a1', step: '3', filter: '~u /users & ! ~c 500' },
    { view: 'exchanges', id: '00000000000000a1', step: 'in', tab: 'fields', filter: '?#/%' },
    { view: 'plugins', id: 'with/slash and %', filter: '' },
    { view: 'logs', filter: '', level: 'warn', plugin: 'a&b' },
    { view: 'exchanges', id: 'what-if', filter: '~c 500' },
  ];
  const again = await page.evaluate(async (all) => {
    const { format, parse } = await import('/assets/router.js');
    return all.map((place) => parse(format(place)));
  }, places);
  again.forEach((place, at) => assert.deepEqual(JSON.parse(JSON.stringify(place)), places[at]));
  const odd = await page.evaluate(async () => {
    const { parse } = await import('/assets/router.js');
    return ['', '#', '#/nowhere/x', '#/exchanges/%E0%A4%A'].map((hash) => parse(hash).view);
  });
  assert.deepEqual(odd, ['exchanges', 'exchanges', 'exchanges', 'exchanges']);
});

test('the ring keeps order, lets the oldest go, and knows what it has', async () => {
  const seen = await page.evaluate(async () => {
    const { Ring } = await import('/assets/ring.js');
    const rows = (...ids) => ids.map((id) => ({ id: String(id) }));
    const shown = (ring) => Array.from({ length: ring.length }, (_, place) => ring.at(place).id).join();
    const ring = new Ring(5);
    const seen = [];
    ring.older(rows(3, 2));
    ring.arrive(rows(3, 4, 5), false);
    seen.push(shown(ring));
    ring.arrive(rows(6, 7), true);
    seen.push(shown(ring), ring.waiting.length);
    ring.older(rows(1, 0));
    seen.push(shown(ring), ring.place('4'), ring.first);
    ring.release();
    seen.push(shown(ring), ring.has('1'), ring.first);
    ring.arrive(rows(10, 11, 12, 13, 14, 15, 16), true);
    seen.push(ring.waiting.length, ring.has('10'));
    return seen;
  });
  assert.deepEqual(seen, ['5,4,3,2', '5,4,3,2', 2, '5,4,3,2,1', 1, -3, '7,6,5,4,3', false, -1, 5, false]);
});

test('a change is marked within its line, and long runs of equal lines are folded', async () => {
  const seen = await page.evaluate(async () => {
    const { emphasised, folded } = await import('/assets/diff.js');
    const marks = (left, right) => emphasised(left, right).map((parts) => parts.map((part) => (part?.tagName ? `<${part.textContent}>` : part ?? '')).join(''));
    const rows = (text) => [...text].map((op) => ({ op: op === '=' ? 'equal' : 'insert' }));
    const folds = (text) => folded(rows(text)).map(({ hidden, rows: part }) => `${hidden ? 'fold' : 'show'} ${part.length}`).join(', ');
    return [marks('"email": "ada"', '"email": "[redacted]"'), marks('abc', 'xyz'), marks('aaaa', 'aaa'), folds('='.repeat(30)), folds(`${'='.repeat(30)}+`), folds(`+${'='.repeat(20)}+`), folds('+====+')];
  });
  assert.deepEqual(seen, [
    ['"email": "<ada>"', '"email": "<[redacted]>"'], ['abc', 'xyz'], ['aaa<a>', 'aaa'],
    'show 30', 'show 0, fold 27, show 3, show 1', 'show 1, show 3, fold 14, show 3, show 1', 'show 1, show 4, show 1',
  ]);
});

test('numbers are written as people read them', async () => {
  const seen = await page.evaluate(async () => {
    const { bytes, sort, took } = await import('/assets/format.js');
    return [[0, 3, 31800, 999999, 1.24e6, 75e6].map(took), [0, 1023, 1024, 3.4 * 2 ** 20].map(bytes), ['application/problem+json; charset=utf-8', 'image/png', 'text/plain', null].map(sort)];
  });
  assert.deepEqual(seen, [['0 µs', '3 µs', '31.8 ms', '1.00 s', '1.24 s', '1 min 15 s'], ['0 B', '1023 B', '1.0 KiB', '3.4 MiB'], ['JSON', 'PNG', 'text', '']]);
});

test('a settings form gives back what was not touched, and finds the field that words name', async () => {
  const seen = await page.evaluate(async () => {
    const { SettingsForm } = await import('/assets/settings-form.js');
    const { names } = await import('/assets/settings-field.js');
    const schema = {
      type: 'object',
      $defs: { Mode: { enum: ['mask', 'drop'], type: 'string' } },
      properties: {
        age: { type: 'integer' }, origins: { type: ['array', 'null'], items: { type: 'string' } }, mode: { anyOf: [{ $ref: '#/$defs/Mode' }, { type: 'null' }] },
        on: { type: 'boolean', default: true }, inner: { type: 'object', properties: { label: { type: 'string' } } }, rules: { type: 'array', items: { type: 'object' } },
      },
    };
    const settings = { age: 5, rules: [{ a: 1 }], unknown: { kept: true } };
    const form = new SettingsForm(schema, settings, [], async () => {});
    const untouched = form.field.read();
    const set = (at, value) => {
      const control = form.element.querySelectorAll('input, select, textarea')[at];
      control.value = value;
      control.dispatchEvent(new Event('input', { bubbles: true }));
    };
    const order = [...form.element.querySelectorAll('.field label')].map((label) => label.textContent);
    set(0, '1h');
    set(1, 'http://a\n\nhttp://b\n');
    set(2, '1');
    set(3, '1');
    set(4, 'x');
    set(5, '[1, 2]');
    const touched = form.field.read();
    set(0, '');
    const emptied = form.field.read();
    set(5, '{');
    let mistake = '';
    try { form.field.read(); } catch (error) { mistake = error.message.slice(0, 30); }
    const words = ['settings.max_age: "1h": expected a number', 'cors: settings.max_age[2].x: no', 'settings.max_ages: no', 'settings.max: no', 'setting max_age has x', 'setting max has x'].map((text) => names(text, ['settings', 'max_age']));
    return { order, untouched, touched, emptied, mistake, words };
  });
  assert.deepEqual(seen, {
    order: ['age', 'origins', 'mode', 'on', 'label', 'rules'],
    untouched: { age: 5, rules: [{ a: 1 }], unknown: { kept: true } },
    touched: { age: '1h', origins: ['http://a', 'http://b'], mode: 'drop', on: false, inner: { label: 'x' }, rules: [1, 2], unknown: { kept: true } },
    emptied: { origins: ['http://a', 'http://b'], mode: 'drop', on: false, inner: { label: 'x' }, rules: [1, 2], unknown: { kept: true } },
    mistake: 'settings.rules: this is not JS',
    words: [true, true, false, false, true, false],
  });
});

test('a masked setting gives back its mask, unless a new value was typed or it was removed', async () => {
  const seen = await page.evaluate(async () => {
    const { SettingsForm } = await import('/assets/settings-form.js');
    const schema = { properties: { key: { type: 'string' }, pin: { type: 'integer' }, 'a/b~': { type: 'object', properties: { c: { type: 'string' } } }, peers: { type: 'array', items: { type: 'object' } } } };
    const settings = { key: '[masked]', pin: '[masked]', 'a/b~': { c: '[masked]' }, peers: [{ pin: '[masked]' }] };
    const form = new SettingsForm(schema, settings, ['/key', '/pin', '/a~1b~0/c', '/peers/0/pin'], async () => {});
    const inputs = [...form.element.querySelectorAll('input')];
    const type = (at, value) => {
      inputs[at].value = value;
      inputs[at].dispatchEvent(new Event('input', { bubbles: true }));
    };
    const untouched = form.field.read();
    type(0, 'new');
    type(1, '42');
    const typed = form.field.read();
    type(1, '');
    form.element.querySelector('[aria-label="Remove c"]').click();
    const removed = form.field.read();
    form.element.querySelector('[aria-label="Remove c"]').click();
    const again = form.field.read();
    return { values: inputs.map(({ value, type: of }) => value + of), untouched, typed, removed, again, hint: form.element.textContent.includes('[masked] stands for a secret') };
  });
  const masked = { key: '[masked]', pin: '[masked]', 'a/b~': { c: '[masked]' }, peers: [{ pin: '[masked]' }] };
  assert.deepEqual(seen, {
    values: ['newpassword', 'password', 'password'], untouched: masked, typed: { ...masked, key: 'new', pin: 42 },
    removed: { ...masked, key: 'new', 'a/b~': {} }, again: { ...masked, key: 'new' }, hint: true,
  });
});

test('a line of the log is shown by its level and its plugin', async () => {
  const seen = await page.evaluate(async () => {
    const { fits } = await import('/assets/logs.js');
    const line = (level, plugin) => ({ level, plugin });
    return [
      fits(line('error', 'a'), { level: 'warn' }), fits(line('info', 'a'), { level: 'warn' }), fits(line(null, null), { level: 'error' }),
      fits(line('info', 'a'), { plugin: 'a' }), fits(line('info', 'b'), { plugin: 'a' }), fits(line('info', null), { plugin: 'tollgate' }), fits(line('info', 'a'), { plugin: 'tollgate' }), fits(line('trace', 'a'), {}),
    ];
  });
  assert.deepEqual(seen, [true, false, true, true, false, true, false, true]);
});

test('bytes that are no text are shown as hex, and JSON is indented', async () => {
  const seen = await page.evaluate(async () => {
    const { hexLines, pretty } = await import('/assets/content.js');
    return [hexLines(new TextEncoder().encode('hello\0, tollgate!')), pretty('{"a":[1]}', 'application/json'), pretty('{not json', 'application/json'), pretty('a,b', 'text/csv')];
  });
  assert.deepEqual(seen, [
    ['00000000  68 65 6c 6c 6f 00 2c 20 74 6f 6c 6c 67 61 74 65  hello·, tollgate', `00000010  21${' '.repeat(45)}  !`],
    '{\n  "a": [\n    1\n  ]\n}', '{not json', 'a,b',
  ]);
});

test('no text can become HTML or code, and every file says why it exists', () => {
  const directory = join(ROOT, 'host/src/admin/page');
  const forbidden = /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|DOMParser|setHTML|srcdoc|\beval\b|new Function|setAttribute\('on|javascript:/;
  const inline = /<style|<script(?![^>]*\bsrc=)| on[a-z]+=| style=|https?:\/\/(?!www\.w3\.org)/i;
  for (const file of readdirSync(directory, { recursive: true }).filter((name) => /\.(js|html|css|svg)$/.test(name))) {
    const text = readFileSync(join(directory, file), 'utf8');
    assert.doesNotMatch(text, forbidden, file);
    if (file.endsWith('.html')) assert.doesNotMatch(text, inline, file);
    if (file.endsWith('.js')) assert.match(text, /^\/\/ /, file);
    if (file.endsWith('.css')) assert.match(text, /^\/\* /, file);
    assert.ok(text.split('\n').length <= 400, `${file} is longer than 400 lines`);
  }
});
