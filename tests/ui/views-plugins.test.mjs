// How the views of plugins look.

import { after, before, test } from 'node:test';
import { code, eventually, Proxy, startBrowser } from './harness.mjs';
import { look } from './look.mjs';

let proxy;
let browser;

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

test('plugins, and one that was refused', async () => {
  await look(browser, proxy, 'settings', '#/plugins/redact', (page) => page.getByLabel('replacement').waitFor());
  proxy.save('redact.wasm', code('redact').subarray(0, 1000));
  await eventually('it is refused', async () => (await proxy.api('/api/v1/plugins/redact')).error);
  await look(browser, proxy, 'plugins', '#/plugins', (page) => page.locator('.chain .is-bad').waitFor());
  await look(browser, proxy, 'plugin', '#/plugins/redact', (page) => page.locator('.refusal').waitFor());
  await look(browser, proxy, 'json', '#/plugins/cors', (page) => page.getByLabel('JSON').waitFor());
});
