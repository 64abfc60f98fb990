// tollgate goes away and comes back while the page is open; and it asks for a token.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { closePage, code, openPage, Proxy, startBrowser } from './harness.mjs';

let proxy;
let browser;

before(async () => {
  proxy = await Proxy.start();
  browser = await startBrowser();
});

after(async () => {
  await browser.close();
  await proxy.stop();
});

test('a lost connection is shown, and the page goes on when tollgate is back', async () => {
  const page = await openPage(browser, proxy, '#/plugins');
  await page.getByRole('row').filter({ hasText: 'add-header' }).waitFor();
  await proxy.end();
  await page.getByText('The connection to tollgate is lost').first().waitFor();
  proxy.save('second.wasm', code('add-header', 'second'));
  await proxy.run(new URL(proxy.inspector).host);
  await page.locator('#lost').waitFor({ state: 'hidden' });
  await page.getByRole('row').filter({ hasText: 'second' }).waitFor();
  // And it lives: what happens now is shown too.
  proxy.save('add-header.wasm', 'this is no WebAssembly');
  await page.getByRole('row').filter({ hasText: 'new version refused' }).waitFor();
  // The browser itself tells its console of connections that broke.
  page.mistakes = page.mistakes.filter((text) => !/ERR_|EventSource/.test(text));
  await closePage(page);
});

test('the head of the page says that there are more listeners than one', async (t) => {
  const listening = await Proxy.start({ plugins: ['add-header'], config: '[[listeners]]\nname = "second"\naddress = "127.0.0.1:0"\n' });
  t.after(() => listening.stop());
  const page = await openPage(browser, listening);
  await page.locator('#ways').filter({ hasText: 'and 1 more →' }).waitFor();
  const { listen } = await listening.api('/api/v1/status');
  assert.equal(await page.locator('#ways').getAttribute('title'), listen.map(({ name, address }) => `http://${address}${name === 'default' ? '' : ` ${name}`}`).join('\n'));
  assert.deepEqual(listen.map(({ name }) => name).sort(), ['default', 'second']);
  await closePage(page);
});

test('the head of the page says where exchanges are written', async (t) => {
  const taped = await Proxy.start({ plugins: ['add-header'], config: '[record]\ntape = "exchanges.tape"\n' });
  t.after(() => taped.stop());
  await taped.get('/users/7');
  const page = await openPage(browser, taped);
  await page.locator('#tape[title*="exchanges.tape: 1 exchange,"]').waitFor();
  assert.equal(await page.locator('#tape').innerText(), 'tape');
  await closePage(page);
  const plain = await openPage(browser, proxy);
  await plain.locator('#pulse-text').filter({ hasText: '/s' }).waitFor();
  assert.equal(await plain.locator('#tape').isVisible(), false);
  await closePage(plain);
});

test('with a token the page is opened once with it, and goes on without it in its address', async (t) => {
  const guarded = await Proxy.start({ plugins: ['add-header'], env: { TOLLGATE_ADMIN_TOKEN: 'of-the-test-0123456789' } });
  t.after(() => guarded.stop());
  assert.equal((await fetch(`${guarded.inspector}/`)).status, 401);
  const page = await openPage(browser, guarded, '#/plugins', { query: '?token=of-the-test-0123456789' });
  await page.getByRole('row').filter({ hasText: 'add-header' }).waitFor();
  assert.ok(!page.url().includes('of-the-test'), page.url());
  await page.reload();
  await page.getByRole('row').filter({ hasText: 'add-header' }).waitFor();
  await page.getByRole('link', { name: 'add-header' }).click();
  await page.getByRole('button', { name: 'Reload' }).click();
  await page.locator('#announcer').filter({ hasText: 'Reload: done' }).waitFor({ state: 'attached' });
  await closePage(page);
});
