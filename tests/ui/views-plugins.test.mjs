// How the views of plugins look.

import { test } from 'node:test';
import { code, eventually, scene } from './harness.mjs';
import { look } from './look.mjs';

const it = scene({
  plugins: ['add-header', 'cors', 'redact'],
  files: { 'cors.toml': 'order = 20\n\n[settings]\nallow_origins = ["http://localhost:3000"]\n' },
});

test('plugins, and one that was refused', async () => {
  await look(it, 'settings', '#/plugins/redact', (page) => page.getByLabel('replacement').waitFor());
  it.proxy.save('redact.wasm', code('redact').subarray(0, 1000));
  await eventually('it is refused', async () => (await it.proxy.api('/api/v1/plugins/redact')).error);
  await look(it, 'plugins', '#/plugins', (page) => page.locator('.chain .is-bad').waitFor());
  await look(it, 'plugin', '#/plugins/redact', (page) => page.locator('.refusal').waitFor());
  await look(it, 'json', '#/plugins/cors', (page) => page.getByLabel('JSON').waitFor());
});

test('the log', async () => {
  await it.proxy.get('/users/7');
  await it.proxy.get('/broken');
  it.proxy.save('add-header.wasm', 'this is no WebAssembly');
  await look(it, 'log', '#/logs', (page) => page.locator('.log .level-warn, .log .level-error').first().waitFor());
  await look(it, 'log-none', '#/logs?level=error&plugin=cors', (page) => page.getByText('No such line').waitFor());
});

test('a secret among the settings', async () => {
  it.proxy.save('redact.schema.json', JSON.stringify({ properties: { replacement: { type: 'string', writeOnly: true, description: 'What stands in the place of what is redacted.' }, kinds: { type: 'array', items: { type: 'string' } } } }));
  it.proxy.save('redact.wasm', code('redact'));
  await it.proxy.change('POST', '/api/v1/plugins/redact/reload');
  await it.proxy.change('PUT', '/api/v1/plugins/redact/settings', { settings: { replacement: 'secret' } });
  await look(it, 'secret', '#/plugins/redact', (page) => page.locator('input[type=password]').waitFor());
});
