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
