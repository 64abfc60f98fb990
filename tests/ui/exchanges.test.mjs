// The view of exchanges, as someone uses it who wants to know what plugins did.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { USER } from './backend.mjs';
import { closePage, eventually, openPage, Proxy, startBrowser } from './harness.mjs';

let proxy;
let browser;
let page;

before(async () => {
  proxy = await Proxy.start();
  browser = await startBrowser();
});

after(async () => {
  await browser.close();
  await proxy.stop();
});

beforeEach(async () => {
  const emptied = await fetch(`${proxy.inspector}/api/v1/exchanges`, { method: 'DELETE', headers: { 'x-tollgate-admin': '1' } });
  assert.ok(emptied.ok, `${emptied.status}`);
  page = await openPage(browser, proxy);
});

afterEach(() => closePage(page));

const row = (text) => page.getByRole('option').filter({ hasText: text });
const step = (name, hook) => page.locator('.way a').filter({ hasText: name }).filter({ hasText: hook });
/** The columns of the diff: what was removed and what was added. */
const changes = async () => ({ removed: await page.locator('.diff del').allInnerTexts(), added: await page.locator('.diff ins').allInnerTexts() });
/** The exchange with this target, as the API has it. */
const recorded = (target) => eventually(`an exchange with ${target}`, async () =>
  (await proxy.api('/api/v1/exchanges?limit=100')).exchanges.find((one) => one.target === target));

test('an exchange appears when it happens', async () => {
  await page.getByText('No exchange yet').waitFor();
  assert.match(await page.locator('.empty pre').innerText(), new RegExp(`^curl -i ${proxy.url}/`));
  await proxy.get('/users/7');
  await row('/users/7').waitFor();
  assert.match(await row('/users/7').innerText(), /GET[\s\S]*\/users\/7[\s\S]*200/);
  assert.equal(await page.getByText('No exchange yet').isVisible(), false);
  // A mark for each plugin, with words.
  assert.match(await row('/users/7').textContent(), /add-header changed .*redact changed the response/);
});

test('the diff that a plugin made is shown, of the body and of the head', async () => {
  assert.ok((await proxy.get('/users/7')).text.includes('[redacted]'));
  await row('/users/7').click();
  await step('redact', 'response body').click();
  await page.getByRole('tab', { name: 'Body' }).click();
  await page.locator('.diff del').waitFor();
  const body = await changes();
  assert.deepEqual(body.removed.length, 1);
  assert.ok(body.removed[0].includes(`"email": "${USER.email}"`), body.removed[0]);
  assert.ok(body.added[0].includes('"email": "[redacted]"'), body.added[0]);
  assert.equal(await page.locator('.diff mark').first().innerText(), USER.email);

  await step('add-header', 'request').first().click();
  await page.getByRole('tab', { name: 'Header fields' }).click();
  await page.getByText('x-tollgate: hello').last().waitFor();
  assert.ok((await changes()).added.some((line) => line.includes('x-tollgate: hello')));
  // The ends of the way are whole messages.
  await page.locator('.way a').first().click();
  await page.getByRole('cell', { name: '*/*' }).waitFor();
  assert.equal(await page.getByRole('rowheader', { name: 'x-tollgate' }).count(), 0);
});

test('the way names each step in its order', async () => {
  await proxy.get('/users/7');
  await row('/users/7').click();
  await page.locator('.way li').first().waitFor();
  assert.deepEqual(await page.locator('.way .who b').allInnerTexts(), [
    'Request', 'tollgate', 'add-header', 'redact', 'default', 'redact', 'add-header', 'redact', 'tollgate', 'Response',
  ]);
  assert.equal(await page.locator('.way .backend').count(), 1);
  assert.equal(await page.locator('.way .plugin.changed').count(), 3);
});

test('a filter leaves what fits, and a mistake is told in the words of the host', async () => {
  for (const target of ['/users/7', '/missing', '/broken']) await proxy.get(target);
  await row('/broken').waitFor();
  await page.keyboard.press('/');
  await page.keyboard.type('~c 404');
  await eventually('only /missing is listed', async () => (await row('').count()) === 1 && (await row('/missing').count()) === 1);
  assert.match(page.url(), /filter=/);
  await proxy.get('/users/7');
  await proxy.get('/missing?again');
  await row('/missing?again').waitFor();
  assert.equal(await row('').count(), 2);
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('~c (');
  const alert = page.getByRole('alert').filter({ hasText: /./ });
  await alert.waitFor();
  const told = await fetch(`${proxy.inspector}/api/v1/exchanges?filter=${encodeURIComponent('~c (')}`);
  assert.equal(told.status, 400);
  assert.equal(await alert.innerText(), (await told.json()).detail);
  assert.equal(await page.getByLabel('Filter', { exact: true }).getAttribute('aria-invalid'), 'true');
});

test('paused, new exchanges wait and are counted', async () => {
  await proxy.get('/users/7');
  await row('/users/7').waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  await proxy.get('/missing');
  await page.getByRole('button', { name: '1 new' }).waitFor();
  assert.equal(await row('/missing').count(), 0);
  await page.getByRole('button', { name: 'Resume' }).click();
  await row('/missing').waitFor();
});

test('the keyboard is enough', async () => {
  for (const target of ['/users/7', '/missing', '/broken']) {
    await proxy.get(target);
    await row(target).waitFor();
  }
  await page.getByRole('listbox').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.locator('.detail .title').filter({ hasText: '/missing' }).waitFor();
  const active = await page.getByRole('listbox').getAttribute('aria-activedescendant');
  assert.match(await page.locator(`#${active}`).innerText(), /\/missing/);
  await page.keyboard.press('ArrowDown');
  await page.locator('.detail .title').filter({ hasText: '/users/7' }).waitFor();
  const before = await page.locator('.way a[aria-current]').innerText();
  await page.keyboard.press('ArrowRight');
  await eventually('another step is chosen', async () => (await page.locator('.way a[aria-current]').innerText()) !== before);
  await page.keyboard.press('Enter');
  assert.ok(await page.evaluate(() => document.activeElement.matches('.way a[aria-current]')));
  await page.keyboard.press('Escape');
  await page.locator('.detail').first().waitFor({ state: 'hidden' });
  assert.ok(await page.evaluate(() => document.activeElement.matches('[role=listbox]')));
});

test('an address leads to one step of one exchange', async () => {
  await proxy.get('/users/7');
  const { id } = await recorded('/users/7');
  const { steps } = await proxy.api(`/api/v1/exchanges/${id}`);
  const { index } = steps.find(({ performer }) => performer.name === 'redact' && performer.hook === 'response-body');
  const other = await openPage(browser, proxy, `#/exchanges/${id}/step/${index}/body`);
  await other.locator('.diff del').waitFor();
  assert.equal(await other.locator('.way a[aria-current]').getAttribute('data-step'), String(index));
  await closePage(other);
  const gone = await openPage(browser, proxy, '#/exchanges/0123456789abcdef');
  await gone.getByText('This exchange is no longer kept').waitFor();
  await closePage(gone);
});

test('what strangers send stays text', async () => {
  const attack = '/<img src=x onerror="window.taken=1">?<script>window.taken=2</script>';
  await proxy.get(attack.replaceAll(' ', '%20').replaceAll('"', '%22').replaceAll('<', '%3C').replaceAll('>', '%3E'), {
    headers: { 'x-note': '<svg onload="window.taken=3">', 'user-agent': '<b>bold</b>' },
  });
  await proxy.get('/html');
  await row('/html').click();
  await page.locator('.way a').last().click();
  await page.getByRole('tab', { name: 'Body' }).click();
  await page.locator('.content').filter({ hasText: '<script>window.taken = 1</script>' }).waitFor();
  await row('onerror').click();
  await page.locator('.detail .title').filter({ hasText: 'onerror' }).waitFor();
  await page.locator('.way a').first().click();
  await page.getByRole('tab', { name: 'Header fields' }).click();
  await page.getByRole('cell', { name: '<svg onload="window.taken=3">' }).waitFor();
  assert.equal(await page.evaluate(() => window.taken), undefined);
  assert.equal(await page.locator('main img, main script, main b b').count(), 0);
});

test('bodies are shown as what they are', async () => {
  await proxy.get('/avatar.png');
  await row('/avatar.png').click();
  await page.locator('.way a').last().click();
  await page.getByRole('tab', { name: 'Body' }).click();
  await page.locator('.picture img').waitFor();
  await eventually('the picture is shown', () => page.locator('.picture img').evaluate((image) => image.naturalWidth === 64));
  await proxy.get('/bytes');
  await row('/bytes').click();
  await page.locator('.way a').last().click();
  await page.locator('.content').filter({ hasText: '000000f0  f0 f1 f2' }).waitFor();
});

test('an exchange is copied as curl, without its secrets', async () => {
  await proxy.get('/users/7?from=curl', { headers: { authorization: 'Bearer secret-of-ada' } });
  await row('from=curl').click();
  await page.getByRole('button', { name: 'Copy as curl' }).click();
  await page.getByRole('button', { name: 'Copied' }).waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(copied, /^curl /);
  assert.ok(copied.includes('/users/7?from=curl') && !copied.includes('secret-of-ada'), copied);
});

test('the list is emptied on request', async () => {
  await proxy.get('/users/7');
  await row('/users/7').waitFor();
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('button', { name: 'Forget all exchanges' }).click();
  await page.getByText('No exchange yet').waitFor();
  assert.equal((await proxy.api('/api/v1/exchanges')).exchanges.length, 0);
});

test('all exchanges are exported as HAR', async () => {
  await proxy.get('/users/7');
  await row('/users/7').waitFor();
  await page.getByRole('button', { name: 'More' }).click();
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Export HAR' }).click()]);
  const har = JSON.parse(readFileSync(await download.path(), 'utf8'));
  assert.equal(har.log.version, '1.2');
  assert.ok(har.log.entries.some(({ request }) => request.url.endsWith('/users/7')));
});
