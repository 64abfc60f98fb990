// The view of exchanges, as someone uses it who wants to know what plugins did.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { USER } from './backend.mjs';
import { closePage, eventually, found, openPage, scene } from './harness.mjs';

const it = scene({ at: '' });
const { row, step } = found(it);

/** The columns of the diff: what was removed and what was added. */
const changes = async () => ({ removed: await it.page.locator('.diff del').allInnerTexts(), added: await it.page.locator('.diff ins').allInnerTexts() });

test('an exchange appears when it happens', async () => {
  await it.page.getByText('No exchange yet').waitFor();
  assert.match(await it.page.locator('.empty pre').innerText(), new RegExp(`^curl -i ${it.proxy.url}/`));
  await it.proxy.get('/users/7');
  await row('/users/7').waitFor();
  assert.match(await row('/users/7').innerText(), /GET[\s\S]*\/users\/7[\s\S]*200/);
  assert.equal(await it.page.getByText('No exchange yet').isVisible(), false);
  // A mark for each plugin, with words.
  assert.match(await row('/users/7').textContent(), /add-header changed .*redact changed the response/);
});

test('the diff that a plugin made is shown, of the body and of the head', async () => {
  assert.ok((await it.proxy.get('/users/7')).text.includes('[redacted]'));
  await row('/users/7').click();
  await step('redact', 'response body').click();
  await it.page.getByRole('tab', { name: 'Body' }).click();
  await it.page.locator('.diff del').waitFor();
  const body = await changes();
  assert.deepEqual(body.removed.length, 1);
  assert.ok(body.removed[0].includes(`"email": "${USER.email}"`), body.removed[0]);
  assert.ok(body.added[0].includes('"email": "[redacted]"'), body.added[0]);
  assert.equal(await it.page.locator('.diff mark').first().innerText(), USER.email);

  await step('add-header', 'request').first().click();
  await it.page.getByRole('tab', { name: 'Header fields' }).click();
  await it.page.getByText('x-tollgate: hello').last().waitFor();
  assert.ok((await changes()).added.some((line) => line.includes('x-tollgate: hello')));
  // The ends of the way are whole messages.
  await it.page.locator('.way a').first().click();
  await it.page.getByRole('cell', { name: '*/*' }).waitFor();
  assert.equal(await it.page.getByRole('rowheader', { name: 'x-tollgate' }).count(), 0);
});

test('the way names each step in its order', async () => {
  await it.proxy.get('/users/7');
  await row('/users/7').click();
  await it.page.locator('.way li').first().waitFor();
  assert.deepEqual(await it.page.locator('.way .who b').allInnerTexts(), [
    'Request', 'tollgate', 'add-header', 'redact', 'default', 'redact', 'add-header', 'redact', 'tollgate', 'Response',
  ]);
  assert.equal(await it.page.locator('.way .backend').count(), 1);
  assert.equal(await it.page.locator('.way .plugin.changed').count(), 3);
});

test('a filter leaves what fits, and a mistake is told in the words of the host', async () => {
  for (const target of ['/users/7', '/missing', '/broken']) await it.proxy.get(target);
  await row('/broken').waitFor();
  await it.page.keyboard.press('/');
  await it.page.keyboard.type('~c 404');
  await eventually('only /missing is listed', async () => (await row('').count()) === 1 && (await row('/missing').count()) === 1);
  assert.match(it.page.url(), /filter=/);
  await it.proxy.get('/users/7');
  await it.proxy.get('/missing?again');
  await row('/missing?again').waitFor();
  assert.equal(await row('').count(), 2);
  await it.page.keyboard.press('ControlOrMeta+a');
  await it.page.keyboard.type('~c (');
  const alert = it.page.getByRole('alert').filter({ hasText: /./ });
  await alert.waitFor();
  const told = await fetch(`${it.proxy.inspector}/api/v1/exchanges?filter=${encodeURIComponent('~c (')}`);
  assert.equal(told.status, 400);
  assert.equal(await alert.innerText(), (await told.json()).detail);
  assert.equal(await it.page.getByLabel('Filter', { exact: true }).getAttribute('aria-invalid'), 'true');
});

test('with a filter the host tells what fits: the list is not asked for again and again', async () => {
  const lists = [];
  it.page.on('request', (request) => {
    const { pathname, search } = new URL(request.url());
    if (pathname === '/api/v1/exchanges') lists.push(search);
  });
  const connected = it.page.waitForRequest((request) => /\/api\/v1\/events\?filter=/.test(request.url()));
  await it.page.getByLabel('Filter', { exact: true }).fill('~c 404');
  assert.equal(new URL((await connected).url()).searchParams.get('filter'), '~c 404');
  await eventually('the list was read, and what came meanwhile', () => lists.length === 2);
  for (const number of [1, 2, 3]) {
    await it.proxy.get(`/users/7?${number}`);
    await it.proxy.get(`/missing?${number}`);
    await row(`/missing?${number}`).waitFor();
  }
  assert.equal(await row('').count(), 3);
  assert.equal(lists.length, 2, lists.join(' '));
  // Without a filter all are told again.
  await it.page.getByLabel('Filter', { exact: true }).fill('');
  await row('/users/7?3').waitFor();
  await it.proxy.get('/users/7?4');
  await row('/users/7?4').waitFor();
});

test('paused, new exchanges wait and are counted', async () => {
  await it.proxy.get('/users/7');
  await row('/users/7').waitFor();
  await it.page.getByRole('button', { name: 'Pause' }).click();
  await it.proxy.get('/missing');
  await it.page.getByRole('button', { name: '1 new' }).waitFor();
  assert.equal(await row('/missing').count(), 0);
  await it.page.getByRole('button', { name: 'Resume' }).click();
  await row('/missing').waitFor();
});

test('the keyboard is enough', async () => {
  for (const target of ['/users/7', '/missing', '/broken']) {
    await it.proxy.get(target);
    await row(target).waitFor();
  }
  await it.page.getByRole('listbox').focus();
  await it.page.keyboard.press('ArrowDown');
  await it.page.keyboard.press('ArrowDown');
  await it.page.keyboard.press('Enter');
  await it.page.locator('.detail .title').filter({ hasText: '/missing' }).waitFor();
  const active = await it.page.getByRole('listbox').getAttribute('aria-activedescendant');
  assert.match(await it.page.locator(`#${active}`).innerText(), /\/missing/);
  await it.page.keyboard.press('ArrowDown');
  await it.page.locator('.detail .title').filter({ hasText: '/users/7' }).waitFor();
  const before = await it.page.locator('.way a[aria-current]').innerText();
  await it.page.keyboard.press('ArrowRight');
  await eventually('another step is chosen', async () => (await it.page.locator('.way a[aria-current]').innerText()) !== before);
  await it.page.keyboard.press('Enter');
  assert.ok(await it.page.evaluate(() => document.activeElement.matches('.way a[aria-current]')));
  await it.page.keyboard.press('Escape');
  await it.page.locator('.detail').first().waitFor({ state: 'hidden' });
  assert.ok(await it.page.evaluate(() => document.activeElement.matches('[role=listbox]')));
});

test('an address leads to one step of one exchange', async () => {
  await it.proxy.get('/users/7');
  const { id } = await it.proxy.recorded('/users/7');
  const { steps } = await it.proxy.api(`/api/v1/exchanges/${id}`);
  const { index } = steps.find(({ performer }) => performer.name === 'redact' && performer.hook === 'response-body');
  const other = await openPage(it.browser, it.proxy, `#/exchanges/${id}/step/${index}/body`);
  await other.locator('.diff del').waitFor();
  assert.equal(await other.locator('.way a[aria-current]').getAttribute('data-step'), String(index));
  await closePage(other);
  const gone = await openPage(it.browser, it.proxy, '#/exchanges/0123456789abcdef');
  await gone.getByText('This exchange is no longer kept').waitFor();
  await closePage(gone);
});

test('what strangers send stays text', async () => {
  const attack = '/<img src=x onerror="window.taken=1">?<script>window.taken=2</script>';
  await it.proxy.get(attack.replaceAll(' ', '%20').replaceAll('"', '%22').replaceAll('<', '%3C').replaceAll('>', '%3E'), {
    headers: { 'x-note': '<svg onload="window.taken=3">', 'user-agent': '<b>bold</b>' },
  });
  // What a browser would escape, others do not.
  const sent = await it.proxy.raw('GET /<img/src=x/onerror=window.taken=4> HTTP/1.1\r\nhost: a.example\r\nconnection: close\r\n\r\n');
  assert.match(sent, /^HTTP\/1.1 200/);
  await row('/<img/src=x/onerror=window.taken=4>').waitFor();
  await it.proxy.get('/html');
  await row('/html').click();
  await it.page.locator('.way a').last().click();
  await it.page.getByRole('tab', { name: 'Body' }).click();
  await it.page.locator('.content').filter({ hasText: '<script>window.taken = 1</script>' }).waitFor();
  await row('img%20src').click();
  await it.page.locator('.detail .title').filter({ hasText: 'onerror' }).waitFor();
  await it.page.locator('.way a').first().click();
  await it.page.getByRole('tab', { name: 'Header fields' }).click();
  await it.page.getByRole('cell', { name: '<svg onload="window.taken=3">' }).waitFor();
  assert.equal(await it.page.evaluate(() => window.taken), undefined);
  assert.equal(await it.page.locator('main img, main script, main b b').count(), 0);
});

test('bodies are shown as what they are', async () => {
  await it.proxy.get('/avatar.png');
  await row('/avatar.png').click();
  await it.page.locator('.way a').last().click();
  await it.page.getByRole('tab', { name: 'Body' }).click();
  await it.page.locator('.picture img').waitFor();
  await eventually('the picture is shown', () => it.page.locator('.picture img').evaluate((image) => image.naturalWidth === 64));
  await it.proxy.get('/bytes');
  await row('/bytes').click();
  await it.page.locator('.way a').last().click();
  await it.page.locator('.content').filter({ hasText: '000000f0  f0 f1 f2' }).waitFor();
});

test('an exchange is copied as curl, without its secrets', async () => {
  await it.proxy.get('/users/7?from=curl', { headers: { authorization: 'Bearer secret-of-ada' } });
  await row('from=curl').click();
  await it.page.getByRole('button', { name: 'Copy as curl' }).click();
  await it.page.getByRole('button', { name: 'Copied' }).waitFor();
  const copied = await it.page.evaluate(() => navigator.clipboard.readText());
  assert.match(copied, /^curl /);
  assert.ok(copied.includes('/users/7?from=curl') && !copied.includes('secret-of-ada'), copied);
});

test('the list is emptied on request', async () => {
  await it.proxy.get('/users/7');
  await row('/users/7').waitFor();
  await it.page.getByRole('button', { name: 'More' }).click();
  await it.page.getByRole('button', { name: 'Forget all exchanges' }).click();
  await it.page.getByText('No exchange yet').waitFor();
  assert.equal((await it.proxy.api('/api/v1/exchanges')).exchanges.length, 0);
});

test('all exchanges are exported as HAR', async () => {
  await it.proxy.get('/users/7');
  await row('/users/7').waitFor();
  await it.page.getByRole('button', { name: 'More' }).click();
  const [download] = await Promise.all([it.page.waitForEvent('download'), it.page.getByRole('link', { name: 'Export HAR' }).click()]);
  const har = JSON.parse(readFileSync(await download.path(), 'utf8'));
  assert.equal(har.log.version, '1.2');
  assert.ok(har.log.entries.some(({ request }) => request.url.endsWith('/users/7')));
});
