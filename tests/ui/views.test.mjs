// Each view, wide and narrow, light and dark: axe-core finds nothing serious, nothing sticks out, and a picture is taken.
// SCREENSHOTS=docs/inspector puts the pictures where the README shows them; else they go to target/ui.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { closePage, code, eventually, openPage, Proxy, ROOT, startBrowser } from './harness.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PICTURES = resolve(ROOT, process.env.SCREENSHOTS ?? 'target/ui');
const SIZES = [[1280, 800], [390, 844]];

let proxy;
let browser;

before(async () => {
  proxy = await Proxy.start({
    plugins: ['add-header', 'cors', 'redact'],
    files: { 'cors.toml': 'order = 20\n\n[settings]\nallow_origins = ["http://localhost:3000"]\n' },
  });
  browser = await startBrowser();
  mkdirSync(PICTURES, { recursive: true });
});

after(async () => {
  await browser.close();
  await proxy.stop();
});

/** Opens a view in every size and scheme. `ready(page)` resolves when it shows what it is to show. */
async function look(name, hash, ready) {
  for (const [width, height] of SIZES) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await openPage(browser, proxy, hash, { width, height, colorScheme });
      await ready(page);
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
      const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
      assert.deepEqual(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`), [], `${name} ${width} ${colorScheme}`);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} ${width} is wider than the window`);
      await page.screenshot({ path: join(PICTURES, `${name}-${width}-${colorScheme}.png`) });
      await closePage(page);
    }
  }
}

test('no exchange yet', () => look('empty', '', (page) => page.getByText('No exchange yet').waitFor()));

test('exchanges, one of them, and its parts', async () => {
  for (const target of ['/users/7', '/missing', '/users?fields=name,email', '/avatar.png', '/broken', '/stream', '/users/7?again', '/orders/2026/11/30/items?limit=50']) {
    await proxy.get(target, target.startsWith('/users?') ? { method: 'POST', body: '{"name":"Ada","email":"ada@example.org"}', headers: { 'content-type': 'application/json' } } : {});
  }
  const { exchanges } = await eventually('all are recorded', async () => {
    const answer = await proxy.api('/api/v1/exchanges?limit=50');
    return answer.exchanges.length >= 8 && answer;
  });
  const id = (target) => exchanges.find((one) => one.target === target).id;
  const step = async (target, name, hook) => (await proxy.api(`/api/v1/exchanges/${id(target)}`)).steps.find(({ performer }) => performer.name === name && performer.hook === hook).index;
  await look('exchanges', '', (page) => page.getByRole('option').nth(7).waitFor());
  await look('exchange', `#/exchanges/${id('/users/7')}/step/${await step('/users/7', 'redact', 'response-body')}/body`, (page) => page.locator('.diff del').waitFor());
  await look('fields', `#/exchanges/${id('/users/7')}/step/${await step('/users/7', 'add-header', 'forward-request')}/fields`, (page) => page.locator('.diff ins').waitFor());
  await look('pieces', `#/exchanges/${id('/stream')}/step/${await step('/stream', 'redact', 'response-body')}/pieces`, (page) => page.locator('.piece').first().waitFor());
});

test('plugins, and one that was refused', async () => {
  proxy.save('redact.wasm', code('redact').subarray(0, 1000));
  await eventually('it is refused', async () => (await proxy.api('/api/v1/plugins/redact')).error);
  await look('plugins', '#/plugins', (page) => page.locator('.chain .is-bad').waitFor());
  await look('plugin', '#/plugins/redact', (page) => page.locator('.refusal').waitFor());
  await look('settings', '#/plugins/cors', (page) => page.getByLabel('max_age').waitFor());
});
