// How the views of exchanges look.

import { test } from 'node:test';
import { eventually, scene } from './harness.mjs';
import { look } from './look.mjs';

const it = scene({
  plugins: ['add-header', 'cors', 'redact'],
  files: { 'cors.toml': 'order = 20\n\n[settings]\nallow_origins = ["http://localhost:3000"]\n' },
});

test('no exchange yet', () => look(it, 'empty', '', (page) => page.getByText('No exchange yet').waitFor()));

test('what would be now', async () => {
  for (const target of ['/users/7', '/missing', '/users/7?again', '/users?fields=name,email&q=a-rather-long-value-to-see-where-it-ends']) await it.proxy.get(target);
  const { id } = await it.proxy.recorded('/users/7?again');
  await it.proxy.change('PUT', '/api/v1/plugins/redact/settings', { settings: { replacement: '(not shown)' } });
  await look(it, 'what-if', '#/exchanges/what-if', async (page) => {
    await page.locator('.different summary').first().click();
    await page.locator('.diff ins').first().waitFor();
  });
  await look(it, 'what-if-one', `#/exchanges/${id}`, async (page) => {
    await page.getByRole('region', { name: 'Exchange', exact: true }).getByRole('button', { name: 'What if' }).click();
    await page.locator('.outcome .diff ins').first().waitFor();
  });
  await it.proxy.change('PUT', '/api/v1/plugins/redact/settings', { settings: {} });
  await it.proxy.change('DELETE', '/api/v1/exchanges');
});

test('exchanges, one of them, and its parts', async () => {
  for (const target of ['/users/7', '/missing', '/users?fields=name,email', '/avatar.png', '/broken', '/stream', '/users/7?again', '/orders/2026/11/30/items?limit=50']) {
    await it.proxy.get(target, target.startsWith('/users?') ? { method: 'POST', body: '{"name":"Ada","email":"ada@example.org"}', headers: { 'content-type': 'application/json' } } : {});
  }
  const { exchanges } = await eventually('all are recorded', async () => {
    const answer = await it.proxy.api('/api/v1/exchanges?limit=50');
    return answer.exchanges.length >= 8 && answer;
  });
  const id = (target) => exchanges.find((one) => one.target === target).id;
  const step = async (target, name, hook) => (await it.proxy.api(`/api/v1/exchanges/${id(target)}`)).steps.find(({ performer }) => performer.name === name && performer.hook === hook).index;
  await look(it, 'exchanges', '', (page) => page.getByRole('option').nth(7).waitFor());
  await look(it, 'exchange', `#/exchanges/${id('/users/7')}/step/${await step('/users/7', 'redact', 'response-body')}/body`, (page) => page.locator('.diff del').waitFor());
  await look(it, 'fields', `#/exchanges/${id('/users/7')}/step/${await step('/users/7', 'add-header', 'forward-request')}/fields`, (page) => page.locator('.diff ins').waitFor());
  await look(it, 'pieces', `#/exchanges/${id('/stream')}/step/${await step('/stream', 'redact', 'response-body')}/pieces`, (page) => page.locator('.piece').first().waitFor());
});
