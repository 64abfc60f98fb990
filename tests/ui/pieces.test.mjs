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
  const other = await it.browser.newPage();
  const answer = await other.evaluate((url) => new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.onopen = () => socket.send('{"mail":"ada@example.org","n":1}');
    socket.onerror = () => reject(new Error('no WebSocket'));
    socket.onmessage = ({ data }) => {
      socket.onclose = () => resolve(data);
      socket.close(1000);
    };
  }), `${it.proxy.url.replace('http', 'ws')}/chat`);
  await other.close();
  assert.equal(answer, 'got: {"mail":"[redacted]","n":1}');
  await row('/chat').filter({ hasText: 'websocket' }).click();
  await step('ws-log', 'messages').click();
  await it.page.getByRole('tab', { name: 'Pieces' }).click();
  await it.page.locator('.piece').nth(1).waitFor();
  assert.ok((await it.page.locator('.piece').first().locator('ins').innerText()).includes('"[redacted]"'));
  assert.match(await it.page.locator('.piece').nth(1).innerText(), /backend[\s\S]*kept[\s\S]*got: /);
  await it.page.getByRole('tab', { name: 'Log' }).click();
  await it.page.locator('.lines').filter({ hasText: '[redacted]' }).waitFor();
});
