// tollgate goes away and comes back while the page is open.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { closePage, openPage, Proxy, startBrowser } from './harness.mjs';

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
  const page = await openPage(browser, proxy);
  await proxy.get('/users/7');
  await page.getByRole('option').filter({ hasText: '/users/7' }).waitFor();
  await proxy.end();
  await page.getByText('The connection to tollgate is lost').first().waitFor();
  await proxy.run(new URL(proxy.inspector).host);
  await page.locator('#lost').waitFor({ state: 'hidden' });
  // It is another tollgate, which has none of the old exchanges.
  await proxy.get('/missing');
  await page.getByRole('option').filter({ hasText: '/missing' }).waitFor();
  assert.equal(await page.getByRole('option').count(), 1);
  // The browser itself tells its console of connections that broke.
  page.mistakes = page.mistakes.filter((text) => !/ERR_|EventSource/.test(text));
  await closePage(page);
});
