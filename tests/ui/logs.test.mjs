// The view of the log: what plugins and tollgate say, by plugin and level, as it comes.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, scene } from './harness.mjs';

const it = scene({
  at: '#/logs',
  plugins: ['add-header', 'ws-log'],
  files: { 'ws-log.toml': 'order = 30\n\n[settings]\nlog = "text"\n' },
});

const line = (text) => it.page.locator('.log tbody tr').filter({ hasText: text });

/** Sends these messages over one WebSocket; `ws-log` logs each. */
const chat = (...messages) => it.proxy.chat(it.browser, ...messages);

test('lines are shown as they come, with level, plugin and exchange', async () => {
  await line('admin: listens on').waitFor();
  await chat('{"n":"first of them"}');
  await line('first of them').first().waitFor();
  const text = await line('first of them').first().innerText();
  assert.match(text, /info[\s\S]*ws-log/);
  await line('first of them').first().getByRole('link').click();
  await it.page.locator('.detail .title').filter({ hasText: '/chat' }).waitFor();
});

test('by plugin and level, also from the address of a plugin', async () => {
  await chat('{"n":"of the plugin"}');
  it.proxy.save('add-header.wasm', 'this is no WebAssembly');
  await line('add-header').filter({ hasText: 'refused' }).first().waitFor();
  await it.page.getByLabel('Plugin').selectOption('ws-log');
  await eventually('only its lines', async () => (await line('').count()) > 0 && (await line('').count()) === (await line('ws-log').count()));
  await line('of the plugin').first().waitFor();
  await it.page.getByLabel('Plugin').selectOption('');
  await it.page.getByLabel('Level').selectOption('warn');
  await eventually('only what is urgent', async () => (await line('').count()) > 0 && (await line('of the plugin').count()) === 0);
  assert.match(it.page.url(), /#\/logs\?level=warn/);
  // What comes is looked at, too.
  await chat('{"n":"too quiet"}');
  it.proxy.save('add-header.wasm', 'still none');
  await eventually('the second refusal', async () => (await line('add-header').count()) >= 2);
  assert.equal(await line('too quiet').count(), 0);
  await it.page.goto(`${it.proxy.inspector}/#/plugins/ws-log`);
  await it.page.getByRole('link', { name: 'Its log' }).click();
  await line('of the plugin').first().waitFor();
  assert.equal(await line('add-header').count(), 0);
});

test('paused, new lines wait and are counted', async () => {
  await line('admin: listens on').waitFor();
  await it.page.getByRole('button', { name: 'Pause' }).click();
  await chat('{"n":"while paused"}');
  await it.page.getByRole('button', { name: /^\d+ new$/ }).waitFor();
  assert.equal(await line('while paused').count(), 0);
  await it.page.getByRole('button', { name: 'Resume' }).click();
  await line('while paused').first().waitFor();
});

test('secrets are masked, and what strangers say stays text', async () => {
  await chat('{"token":"hunter2-hunter2","n":"<img src=x onerror=window.taken=1>"}');
  const shown = line('"token":"[masked]"').first();
  await shown.waitFor();
  assert.ok((await shown.innerText()).includes('<img src=x onerror=window.taken=1>'));
  assert.ok(!(await it.page.content()).includes('hunter2'));
  assert.equal(await it.page.evaluate(() => window.taken), undefined);
  assert.equal(await it.page.locator('main img').count(), 0);
});
