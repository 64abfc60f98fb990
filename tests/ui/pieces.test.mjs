// What went through a plugin piece by piece: bodies that stream, messages of WebSockets; and what it logged.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { USER } from './backend.mjs';
import { found, scene } from './harness.mjs';

const it = scene({
  at: '',
  plugins: ['add-header', 'redact', 'ws-log'],
  files: { 'ws-log.toml': 'order = 30\n\n[settings]\nlog = "text"\nredact = ["$.mail"]\n' },
});
const { row, step } = found(it);

test('a body that streams is shown piece by piece', async () => {
  await it.proxy.get('/stream');
  await row('/stream').click();
  await step('redact', 'response body').click();
  await it.page.getByRole('tab', { name: 'Pieces' }).click();
  await it.page.locator('.piece').first().waitFor();
  const added = (await it.page.locator('.piece ins').allInnerTexts()).join('');
  assert.ok(added.includes('"email":"[redacted]"'), added);
  assert.ok((await it.page.locator('.piece del').allInnerTexts()).join('').includes(USER.email));
});

test('a WebSocket is shown message by message, with what a plugin logged', async () => {
  assert.deepEqual(await it.proxy.chat(it.browser, '{"mail":"ada@example.org","n":1}'), ['got: {"mail":"[redacted]","n":1}']);
  await row('/chat').filter({ hasText: 'websocket' }).click();
  await step('ws-log', 'messages').click();
  await it.page.getByRole('tab', { name: 'Pieces' }).click();
  await it.page.locator('.piece').nth(1).waitFor();
  assert.ok((await it.page.locator('.piece').first().locator('ins').innerText()).includes('"[redacted]"'));
  assert.match(await it.page.locator('.piece').nth(1).innerText(), /backend[\s\S]*kept[\s\S]*got: /);
  await it.page.getByRole('tab', { name: 'Log' }).click();
  await it.page.locator('.lines').filter({ hasText: '[redacted]' }).waitFor();
});

test('what strangers send by WebSocket stays text', async () => {
  const attack = '<img src=x onerror=window.taken=1>';
  await it.proxy.chat(it.browser, attack, `{"mail":"${attack}","n":"${attack}"}`);
  await row('/chat').click();
  await step('ws-log', 'messages').click();
  await it.page.getByRole('tab', { name: 'Pieces' }).click();
  await it.page.locator('.piece').filter({ hasText: attack }).first().waitFor();
  await it.page.locator('.piece del').filter({ hasText: attack }).first().waitFor();
  await it.page.getByRole('tab', { name: 'Log' }).click();
  await it.page.locator('.lines').filter({ hasText: `"n":"${attack}"` }).waitFor();
  assert.equal(await it.page.evaluate(() => window.taken), undefined);
  assert.equal(await it.page.locator('main img').count(), 0);
});
