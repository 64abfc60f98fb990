// Ten thousand exchanges in the list and a thousand a second arriving: the page stays small, draws once a frame, and measures itself.
// No test fails on time, so the frame times are printed; TOLLGATE_UI_FRAMES=20 makes a 95th percentile above 20 ms an error.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { closePage, eventually, openPage, Proxy, ROOT, startBrowser } from './harness.mjs';

const IN_RING = 10000;
const PER_SECOND = 1000;
/** Seconds for which they arrive. */
const LASTS = 5;

let proxy;
let browser;

before(async () => {
  proxy = await Proxy.start({ plugins: ['add-header'], config: `[record]\nexchanges = ${IN_RING}\nbytes = "256MiB"\n` });
  browser = await startBrowser();
});

after(async () => {
  await browser.close();
  await proxy.stop();
});

/** Sends requests from a process of its own. Resolves with how many a second there were. */
function load(count, perSecond) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('load.mjs', import.meta.url)), proxy.url, String(count), String(perSecond)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (data) => { text += data; });
  return new Promise((resolve, reject) => child.on('exit', (code) => (code === 0 ? resolve(Number(text)) : reject(new Error(`load.mjs ended with ${code}`)))));
}

test('10,000 exchanges in the list and 1,000 a second arriving', async () => {
  await load(IN_RING, 0);
  const page = await openPage(browser, proxy, '', { query: '?measure' });
  await page.getByRole('option').first().waitFor();
  const take = () => page.evaluate(() => window.tollgateFrames({ reset: true }));
  const elements = () => page.evaluate(() => document.querySelectorAll('*').length);
  // To the oldest: each page of the list is fetched when it is needed.
  const list = page.getByRole('listbox');
  await list.focus();
  await eventually('all that are kept are listed', async () => {
    await page.keyboard.press('End');
    return Number(await page.getByRole('option').last().getAttribute('aria-setsize')) >= IN_RING - 500;
  });
  await page.keyboard.press('Home');
  const report = { listed: Number(await page.getByRole('option').first().getAttribute('aria-setsize')), elementsBefore: await elements() };
  await take();
  const arriving = load(PER_SECOND * LASTS, PER_SECOND);
  report.perSecond = await arriving;
  report.arriving = await take();
  const again = load(PER_SECOND * LASTS, PER_SECOND);
  for (let turn = 0; turn < 60; turn += 1) {
    await page.mouse.move(400, 400);
    await page.mouse.wheel(0, 1200);
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  report.scrolling = await take();
  await again;
  report.elementsAfter = await elements();
  mkdirSync(join(ROOT, 'target/ui'), { recursive: true });
  writeFileSync(join(ROOT, 'target/ui/frames.json'), JSON.stringify(report, null, 2));
  const words = ({ intervals, work }) => `frames every ${intervals.median.toFixed(1)} ms (95 %: ${intervals.p95.toFixed(1)}, worst: ${intervals.worst.toFixed(1)}), the page's own work 95 %: ${work.p95.toFixed(1)} ms of ${intervals.count} frames`;
  console.log(`${report.listed} listed, ${report.perSecond.toFixed(0)} a second arriving: ${words(report.arriving)}; scrolling: ${words(report.scrolling)}`);
  assert.ok(report.arriving.intervals.count > 0 && report.scrolling.intervals.count > 0, 'the page measured no frames');
  // Only the rows in sight are in the document.
  assert.ok(report.elementsAfter < 1500, `${report.elementsAfter} elements`);
  const limit = Number(process.env.TOLLGATE_UI_FRAMES ?? Infinity);
  assert.ok(report.arriving.intervals.p95 <= limit && report.scrolling.intervals.p95 <= limit, JSON.stringify(report));
  await closePage(page);
});
