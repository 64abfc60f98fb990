// The view of plugins: what serves, what was refused, and what can be done about it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { closePage, code, eventually, openPage, Proxy, startBrowser } from './harness.mjs';

let proxy;
let browser;
let page;

before(async () => {
  proxy = await Proxy.start({
    plugins: ['add-header', 'cors', 'redact'],
    files: { 'cors.toml': 'order = 20\n\n[settings]\nallow_origins = ["http://localhost:3000"]\n' },
  });
  browser = await startBrowser();
});

after(async () => {
  await browser.close();
  await proxy.stop();
});

beforeEach(async () => { page = await openPage(browser, proxy, '#/plugins'); });
afterEach(() => closePage(page));

const row = (name) => page.getByRole('row').filter({ has: page.getByRole('link', { name, exact: true }) });
const open = async (name) => {
  await page.getByRole('link', { name, exact: true }).click();
  await page.locator('.detail .title').filter({ hasText: name }).waitFor();
};
const plugin = (name) => proxy.api(`/api/v1/plugins/${name}`);
const version = async (name) => (await plugin(name)).serving?.version;
const events = () => page.locator('.history b').allInnerTexts();

test('plugins are listed in their order, with state and version', async () => {
  await row('redact').waitFor();
  assert.deepEqual(await page.locator('.chain tbody a').allInnerTexts(), ['add-header', 'cors', 'redact']);
  const text = await row('add-header').innerText();
  assert.match(text, /10[\s\S]*active/);
  assert.ok(text.includes((await version('add-header')).slice(0, 6)), text);
});

test('a broken plugin is saved: its error is shown while the old one serves', async () => {
  await open('add-header');
  const before = await version('add-header');
  proxy.save('add-header.wasm', 'this is no WebAssembly');
  await page.locator('.refusal').waitFor();
  await page.getByText('The version before goes on serving.').waitFor();
  const { error } = await plugin('add-header');
  assert.ok((await page.locator('.refusal pre').innerText()).includes(error.split('\n')[0]));
  assert.equal(await version('add-header'), before);
  assert.equal((await proxy.get('/users/7')).headers.get('x-tollgate'), 'hello');
  await eventually('the history has it', async () => (await events())[0] === 'refused');
  // What is wrong is said in the head of the page too.
  await page.locator('#trouble').filter({ hasText: '1' }).waitFor();
  proxy.save('add-header.wasm', code('add-header'));
  await page.locator('.refusal').waitFor({ state: 'hidden' });
  await page.locator('#trouble').waitFor({ state: 'hidden' });
});

test('a new version is rolled back, and promoted again', async () => {
  await open('add-header');
  const before = await version('add-header');
  proxy.save('add-header.wasm', code('add-header', 'second'));
  await eventually('the new version serves', async () => (await version('add-header')) !== before);
  const after = await version('add-header');
  await page.getByRole('button', { name: 'Roll back' }).click();
  await page.getByText('rolled back: the file holds a newer version').waitFor();
  assert.equal(await version('add-header'), before);
  await page.getByRole('button', { name: 'Promote' }).click();
  await page.getByText('rolled back: the file holds a newer version').waitFor({ state: 'hidden' });
  assert.equal(await version('add-header'), after);
  await eventually('the history has both', async () => {
    const all = await events();
    return all.includes('rolled back') && all.includes('promoted');
  });
});

test('a plugin is switched off and on', async () => {
  await open('add-header');
  await page.getByRole('button', { name: 'Disable' }).click();
  await row('add-header').filter({ hasText: 'disabled' }).waitFor();
  assert.equal((await proxy.get('/users/7')).headers.get('x-tollgate'), null);
  await page.getByRole('button', { name: 'Enable' }).click();
  await row('add-header').filter({ hasText: 'active' }).waitFor();
  assert.equal((await proxy.get('/users/7')).headers.get('x-tollgate'), 'hello');
});

test('its place in the chain is changed', async () => {
  await open('add-header');
  await page.getByLabel('Order').fill('90');
  await page.getByRole('button', { name: 'Set', exact: true }).click();
  await eventually('it is last', async () => (await page.locator('.chain tbody a').allInnerTexts()).at(-1) === 'add-header');
  await page.getByLabel('Order').fill('10');
  await page.getByRole('button', { name: 'Set', exact: true }).click();
  await eventually('it is first', async () => (await page.locator('.chain tbody a').allInnerTexts())[0] === 'add-header');
});

test('settings are a form; a mistake is told in the words of the host and changes nothing', async () => {
  const answered = async () => JSON.parse((await proxy.get('/users/7')).text).email;
  await open('redact');
  const kinds = page.getByLabel('kinds');
  await kinds.fill('email-address\nnope');
  await page.getByLabel('replacement').fill('[gone]');
  await page.getByRole('button', { name: 'Save settings' }).click();
  await page.locator('.settings .error').waitFor();
  assert.match(await page.locator('.settings .error').innerText(), /kinds has "nope": expected .*email-address/);
  assert.equal(await kinds.getAttribute('aria-invalid'), 'true');
  assert.equal(await page.getByLabel('replacement').getAttribute('aria-invalid'), null);
  assert.equal(await answered(), '[redacted]');
  await kinds.fill('email-address');
  await page.getByRole('button', { name: 'Save settings' }).click();
  await eventually('the setting is in force', async () => (await answered()) === '[gone]');
  // What was not touched is not set.
  assert.deepEqual((await plugin('redact')).settings, { kinds: ['email-address'], replacement: '[gone]' });
  await page.locator('.settings .error').waitFor({ state: 'hidden' });
  await eventually('the form shows what is in force', async () => (await page.getByLabel('replacement').inputValue()) === '[gone]');
});

test('without a schema settings are JSON, and are kept in the file on request', async () => {
  const preflight = async () => (await proxy.get('/users/7', {
    method: 'OPTIONS', headers: { origin: 'http://localhost:3000', 'access-control-request-method': 'PUT' },
  })).headers.get('access-control-max-age');
  await open('cors');
  assert.equal((await plugin('cors')).schema, null);
  const json = page.getByLabel('JSON');
  const before = await preflight();
  await json.fill('{"allow_origins": [');
  await page.getByRole('button', { name: 'Save settings' }).click();
  await page.locator('.settings .error').filter({ hasText: 'not JSON' }).waitFor();
  await json.fill('{"allow_origins": ["http://localhost:3000"], "max_age": "1h"}');
  await page.getByRole('button', { name: 'Save settings' }).click();
  await page.locator('.settings .error').filter({ hasText: /max_age.*"1h"/ }).waitFor();
  assert.equal(await preflight(), before);
  await json.fill('{"allow_origins": ["http://localhost:3000"], "max_age": 77}');
  await page.getByLabel('Keep changes').selectOption('file');
  await page.getByRole('button', { name: 'Save settings' }).click();
  await eventually('the setting is in force', async () => (await preflight()) === '77');
  await eventually('the file has it', () => /max_age = 77/.test(readFileSync(join(proxy.plugins, 'cors.toml'), 'utf8')));
});

test('reading the files again is a button', async () => {
  await open('redact');
  await page.getByRole('button', { name: 'Reload' }).click();
  await page.locator('#announcer').filter({ hasText: 'Reload: done' }).waitFor({ state: 'attached' });
  assert.equal(await page.locator('.detail > .error').isVisible(), false);
});
