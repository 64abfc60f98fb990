// Recorded exchanges once more: what they would be with the plugins as they are now, and the request sent again.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, found, scene } from './harness.mjs';

const it = scene({ at: '' });
const { row } = found(it);
const settings = (replacement) => it.proxy.change('PUT', '/api/v1/plugins/redact/settings', { settings: { replacement } });
const outcome = () => it.page.locator('.outcome');

test('what if: an exchange is the same as then, until a plugin does something else', async () => {
  await settings('[redacted]');
  await it.proxy.get('/users/7');
  await row('/users/7').click();
  const asked = it.proxy.backend.asked();
  await it.page.getByRole('region', { name: 'Exchange', exact: true }).getByRole('button', { name: 'What if' }).click();
  await outcome().getByText('The same as then.').waitFor();
  await settings('[gone]');
  await it.page.getByRole('region', { name: 'Exchange', exact: true }).getByRole('button', { name: 'What if' }).click();
  await outcome().locator('.diff del').first().waitFor();
  const text = await outcome().innerText();
  assert.match(text, /redact\s*response body/);
  assert.ok((await outcome().locator('.diff del').allInnerTexts()).some((line) => line.includes('"[redacted]"')), text);
  assert.ok((await outcome().locator('.diff ins').allInnerTexts()).some((line) => line.includes('"[gone]"')), text);
  // The backend is not asked, and nothing is recorded.
  assert.equal(it.proxy.backend.asked(), asked);
  assert.equal(await row('').count(), 1);
  await outcome().getByRole('button', { name: 'Close' }).click();
  await outcome().waitFor({ state: 'hidden' });
});

test('what if: all that fit the filter, with what differs', async () => {
  await settings('[redacted]');
  for (const target of ['/users/7', '/missing', '/users/7?again']) await it.proxy.get(target);
  await row('/users/7?again').waitFor();
  await settings('[gone]');
  await it.page.getByRole('button', { name: 'What if' }).click();
  const number = (word) => it.page.locator('.numbers > div').filter({ hasText: word });
  await number('different').filter({ hasText: '2' }).waitFor();
  await number('same').filter({ hasText: '1' }).waitFor();
  const one = it.page.locator('.different li').filter({ hasText: '/users/7?again' });
  assert.match(await one.innerText(), /redact/);
  await one.locator('summary').click();
  await one.locator('.diff ins').filter({ hasText: '[gone]' }).first().waitFor();
  await it.page.getByLabel('Filter', { exact: true }).fill('~c 404');
  await number('different').filter({ hasText: '0' }).waitFor();
  await it.page.getByText('All are the same as then.').waitFor();
  await it.page.keyboard.press('Escape');
  await it.page.getByLabel('Filter', { exact: true }).fill('');
  await row('/users/7?again').waitFor();
});

test('a request is sent again, as a new exchange', async () => {
  await settings('[redacted]');
  await it.proxy.get('/users/7', { headers: { 'x-note': 'a' } });
  await row('/users/7').click();
  const { id } = await it.proxy.recorded('/users/7');
  const asked = it.proxy.backend.asked();
  await it.page.getByRole('button', { name: 'Send again' }).click();
  await outcome().getByText('Answered 200, the same as then.').waitFor();
  await eventually('the new one is chosen', () => !it.page.url().includes(id));
  assert.equal(it.proxy.backend.asked(), asked + 1);
  await eventually('it is listed', async () => (await row('/users/7').count()) === 2);
  await outcome().getByRole('link', { name: 'To the exchange that it repeats' }).click();
  await eventually('the first one is chosen', () => it.page.url().includes(id));
});

test('a request with a secret is sent again only if the user says so', async () => {
  await it.proxy.get('/users/7', { headers: { authorization: 'Bearer secret-of-ada' } });
  await row('/users/7').click();
  const asked = it.proxy.backend.asked();
  await it.page.getByRole('button', { name: 'Send again' }).click();
  await outcome().filter({ hasText: 'authorization' }).waitFor();
  assert.equal(it.proxy.backend.asked(), asked);
  await outcome().getByRole('button', { name: 'Send it with masks' }).click();
  await outcome().getByText(/^Answered 200/).waitFor();
  assert.equal(it.proxy.backend.asked(), asked + 1);
});
