// What went through a plugin piece by piece: bodies that stream, messages of WebSockets; and what it logged.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { USER } from './backend.mjs';
import { closePage, openPage, Proxy, startBrowser } from './harness.mjs';

let proxy;
let browser;
let page;

before(async () => {
  proxy = await Proxy.start({
    plugins: ['add-header', 'redact', 'ws-log'],
    files: { 'ws-log.toml': 'order = 30\n\n[settings]\nlog = "text"\nredact = ["$.mail"]\n' },
  });
  browser = await startBrowser();
});

after(async () => {
  await browser.close();
  await proxy.stop();
});

beforeEach(async () => {
  const emptied = await fetch(`${proxy.inspector}/api/v1/exchanges`, { method: 'DELETE', headers: { 'x-tollgate-admin': '1' } });
  assert.ok(emptied.ok, `${emptied.status}`);
  page = await openPage(browser, proxy);
});

afterEach(() => closePage(page));

const row = (text) => page.getByRole('option').filter({ hasText: text });
const step = (name, hook) => page.locator('.way a').filter({ hasText: name }).filter({ hasText: hook });

test('a body that streams is shown piece by piece', async () => {
  await proxy.get('/stream');
  await row('/stream').click();
  await step('redact', 'response body').click();
  await page.getByRole('tab', { name: 'Pieces' }).click();
  await page.locator('.piece').first().waitFor();
  const added = (await page.locator('.piece ins').allInnerTexts()).join('');
  assert.ok(added.includes('"email":"[redacted]"'), added);
  assert.ok((await page.locator('.piece del').allInnerTexts()).join('').includes(USER.email));
});

test('a WebSocket is shown message by message, with what a plugin logged', async () => {
  const other = await browser.newPage();
  const answer = await other.evaluate((url) => new Promise((resolve, reject) => {
    const socket = new WebSocket(url);
    socket.onopen = () => socket.send('{"mail":"ada@example.org","n":1}');
    socket.onerror = () => reject(new Error('no WebSocket'));
    socket.onmessage = ({ data }) => {
      socket.onclose = () => resolve(data);
      socket.close(1000);
    };
  }), `${proxy.url.replace('http', 'ws')}/chat`);
  await other.close();
  assert.equal(answer, 'got: {"mail":"[redacted]","n":1}');
  await row('/chat').filter({ hasText: 'websocket' }).click();
  await step('ws-log', 'messages').click();
  await page.getByRole('tab', { name: 'Pieces' }).click();
  await page.locator('.piece').nth(1).waitFor();
  assert.ok((await page.locator('.piece').first().locator('ins').innerText()).includes('"[redacted]"'));
  assert.match(await page.locator('.piece').nth(1).innerText(), /backend[\s\S]*kept[\s\S]*got: /);
  await page.getByRole('tab', { name: 'Log' }).click();
  await page.locator('.lines').filter({ hasText: '[redacted]' }).waitFor();
});
