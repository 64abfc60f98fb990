// The view of plugins: what serves, what was refused, and what can be done about it.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { code, eventually, scene } from './harness.mjs';

const it = scene({
  at: '#/plugins',
  plugins: ['add-header', 'cors', 'redact'],
  files: { 'cors.toml': 'order = 20\n\n[settings]\nallow_origins = ["http://localhost:3000"]\n' },
});

const row = (name) => it.page.getByRole('row').filter({ has: it.page.getByRole('link', { name, exact: true }) });
const open = async (name) => {
  await it.page.getByRole('link', { name, exact: true }).click();
  await it.page.locator('.detail .title').filter({ hasText: name }).waitFor();
};
const plugin = (name) => it.proxy.api(`/api/v1/plugins/${name}`);
const version = async (name) => (await plugin(name)).serving?.version;
const events = () => it.page.locator('.history b').allInnerTexts();

test('plugins are listed in their order, with state and version', async () => {
  await row('redact').waitFor();
  assert.deepEqual(await it.page.locator('.chain tbody a').allInnerTexts(), ['add-header', 'cors', 'redact']);
  const text = await row('add-header').innerText();
  assert.match(text, /10[\s\S]*active/);
  assert.ok(text.includes((await version('add-header')).slice(0, 6)), text);
});

test('a broken plugin is saved: its error is shown while the old one serves', async () => {
  await open('add-header');
  const before = await version('add-header');
  it.proxy.save('add-header.wasm', 'this is no WebAssembly');
  await it.page.locator('.refusal').waitFor();
  await it.page.getByText('The version before goes on serving.').waitFor();
  const { error } = await plugin('add-header');
  assert.ok((await it.page.locator('.refusal pre').innerText()).includes(error.split('\n')[0]));
  assert.equal(await version('add-header'), before);
  assert.equal((await it.proxy.get('/users/7')).headers.get('x-tollgate'), 'hello');
  await eventually('the history has it', async () => (await events())[0] === 'refused');
  // What is wrong is said in the head of the page too.
  await it.page.locator('#trouble').filter({ hasText: '1' }).waitFor();
  it.proxy.save('add-header.wasm', code('add-header'));
  await it.page.locator('.refusal').waitFor({ state: 'hidden' });
  await it.page.locator('#trouble').waitFor({ state: 'hidden' });
});

test('a new version is rolled back, and promoted again', async () => {
  await open('add-header');
  const before = await version('add-header');
  it.proxy.save('add-header.wasm', code('add-header', 'second'));
  await eventually('the new version serves', async () => (await version('add-header')) !== before);
  const after = await version('add-header');
  await it.page.getByRole('button', { name: 'Roll back' }).click();
  await it.page.getByText('rolled back: the file holds a newer version').waitFor();
  assert.equal(await version('add-header'), before);
  await it.page.getByRole('button', { name: 'Promote' }).click();
  await it.page.getByText('rolled back: the file holds a newer version').waitFor({ state: 'hidden' });
  assert.equal(await version('add-header'), after);
  await eventually('the history has both', async () => {
    const all = await events();
    return all.includes('rolled back') && all.includes('promoted');
  });
});

test('a plugin is switched off and on', async () => {
  await open('add-header');
  await it.page.getByRole('button', { name: 'Disable' }).click();
  await row('add-header').filter({ hasText: 'disabled' }).waitFor();
  assert.equal((await it.proxy.get('/users/7')).headers.get('x-tollgate'), null);
  await it.page.getByRole('button', { name: 'Enable' }).click();
  await row('add-header').filter({ hasText: 'active' }).waitFor();
  assert.equal((await it.proxy.get('/users/7')).headers.get('x-tollgate'), 'hello');
});

test('its place in the chain is changed', async () => {
  await open('add-header');
  await it.page.getByLabel('Order').fill('90');
  await it.page.getByRole('button', { name: 'Set', exact: true }).click();
  await eventually('it is last', async () => (await it.page.locator('.chain tbody a').allInnerTexts()).at(-1) === 'add-header');
  await it.page.getByLabel('Order').fill('10');
  await it.page.getByRole('button', { name: 'Set', exact: true }).click();
  await eventually('it is first', async () => (await it.page.locator('.chain tbody a').allInnerTexts())[0] === 'add-header');
});

test('settings are a form; a mistake is told in the words of the host and changes nothing', async () => {
  const answered = async () => JSON.parse((await it.proxy.get('/users/7')).text).email;
  await open('redact');
  const kinds = it.page.getByLabel('kinds');
  await kinds.fill('email-address\nnope');
  await it.page.getByLabel('replacement').fill('[gone]');
  await it.page.getByRole('button', { name: 'Save settings' }).click();
  await it.page.locator('.settings .error').waitFor();
  assert.match(await it.page.locator('.settings .error').innerText(), /kinds has "nope": expected .*email-address/);
  assert.equal(await kinds.getAttribute('aria-invalid'), 'true');
  assert.equal(await it.page.getByLabel('replacement').getAttribute('aria-invalid'), null);
  assert.equal(await answered(), '[redacted]');
  await kinds.fill('email-address');
  await it.page.getByRole('button', { name: 'Save settings' }).click();
  await eventually('the setting is in force', async () => (await answered()) === '[gone]');
  // What was not touched is not set.
  assert.deepEqual((await plugin('redact')).settings, { kinds: ['email-address'], replacement: '[gone]' });
  await it.page.locator('.settings .error').waitFor({ state: 'hidden' });
  await eventually('the form shows what is in force', async () => (await it.page.getByLabel('replacement').inputValue()) === '[gone]');
});

test('without a schema settings are JSON, and are kept in the file on request', async () => {
  const preflight = async () => (await it.proxy.get('/users/7', {
    method: 'OPTIONS', headers: { origin: 'http://localhost:3000', 'access-control-request-method': 'PUT' },
  })).headers.get('access-control-max-age');
  await open('cors');
  assert.equal((await plugin('cors')).schema, null);
  const json = it.page.getByLabel('JSON');
  const before = await preflight();
  await json.fill('{"allow_origins": [');
  await it.page.getByRole('button', { name: 'Save settings' }).click();
  await it.page.locator('.settings .error').filter({ hasText: 'not JSON' }).waitFor();
  await json.fill('{"allow_origins": ["http://localhost:3000"], "max_age": "1h"}');
  await it.page.getByRole('button', { name: 'Save settings' }).click();
  await it.page.locator('.settings .error').filter({ hasText: /max_age.*"1h"/ }).waitFor();
  assert.equal(await preflight(), before);
  await json.fill('{"allow_origins": ["http://localhost:3000"], "max_age": 77}');
  await it.page.getByLabel('Keep changes').selectOption('file');
  await it.page.getByRole('button', { name: 'Save settings' }).click();
  await eventually('the setting is in force', async () => (await preflight()) === '77');
  await eventually('the file has it', () => /max_age = 77/.test(readFileSync(join(it.proxy.plugins, 'cors.toml'), 'utf8')));
});

test('a secret among the settings is not shown, and is kept unless a new one is typed', async () => {
  const answered = async () => JSON.parse((await it.proxy.get('/users/7')).text).email;
  const schema = { properties: { replacement: { type: 'string', writeOnly: true }, kinds: { type: 'array', items: { type: 'string' } } } };
  it.proxy.save('redact.schema.json', JSON.stringify(schema));
  it.proxy.save('redact.toml', 'order = 30\n\n[settings]\nreplacement = "open sesame"\n');
  await it.proxy.change('POST', '/api/v1/plugins/redact/reload');
  await it.proxy.change('PUT', '/api/v1/plugins/redact/settings', { settings: { replacement: 'open sesame' } });
  await open('redact');
  const secret = it.page.getByLabel('replacement', { exact: true });
  await eventually('it is not shown', async () => (await secret.getAttribute('type')) === 'password' && (await secret.inputValue()) === '');
  assert.ok(!(await it.page.content()).includes('open sesame'));
  const save = async () => {
    await it.page.getByRole('button', { name: 'Save settings' }).click();
    await it.page.locator('#announcer').filter({ hasText: 'Settings saved' }).waitFor({ state: 'attached' });
    await it.page.evaluate(() => { document.getElementById('announcer').textContent = ''; });
  };
  await it.page.getByLabel('kinds').fill('email-address');
  await save();
  assert.equal(await answered(), 'open sesame');
  // Typed and taken back is not typed.
  await secret.fill('x');
  await secret.fill('');
  await save();
  assert.equal(await answered(), 'open sesame');
  await secret.fill('[new]');
  await it.page.getByRole('button', { name: 'Undo changes' }).click();
  assert.equal(await it.page.getByLabel('replacement', { exact: true }).count(), 1);
  await secret.fill('[new]');
  await save();
  await eventually('the new one is in force', async () => (await answered()) === '[new]');
  await it.page.getByRole('button', { name: 'Remove replacement' }).click();
  await save();
  await eventually('it is not set', async () => (await answered()) === '[redacted]');
});

test('of a plugin that there is not nothing is offered', async () => {
  await it.page.goto(`${it.proxy.inspector}/#/plugins/never-was`);
  await it.page.getByText('There is no plugin of this name any more.').waitFor();
  assert.equal(await it.page.locator('.detail').getByRole('button').filter({ visible: true }).count(), 1);
  await it.page.getByRole('button', { name: 'Close' }).waitFor();
  await open('redact');
  await it.page.getByRole('button', { name: 'Reload' }).waitFor();
});

test('reading the files again is a button', async () => {
  await open('redact');
  await it.page.getByRole('button', { name: 'Reload' }).click();
  await it.page.locator('#announcer').filter({ hasText: 'Reload: done' }).waitFor({ state: 'attached' });
  assert.equal(await it.page.locator('.detail > .error').isVisible(), false);
});
