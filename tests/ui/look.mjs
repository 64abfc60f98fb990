// Looks at a view, wide and narrow, light and dark, and at 200 %: axe-core finds nothing serious, nothing sticks out, and a picture is taken.
// The pictures go to target/ui. With SCREENSHOTS=tests/ui/screenshots those that are kept go there, for the README.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { closePage, openPage, ROOT } from './harness.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PICTURES = resolve(ROOT, process.env.SCREENSHOTS ?? 'target/ui');
const SIZES = [[1280, 800], [390, 844]];
/** Of each view so many are kept; of the view of one exchange all. */
const KEPT = ['1280-light', '390-dark'];

/** Opens a view in every size and scheme. `ready(page)` resolves when it shows what it is to show. */
export async function look({ browser, proxy }, name, hash, ready) {
  mkdirSync(PICTURES, { recursive: true });
  for (const [width, height] of SIZES) {
    for (const colorScheme of ['light', 'dark']) {
      const page = await openPage(browser, proxy, hash, { width, height, colorScheme });
      await ready(page);
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
      const serious = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
      assert.deepEqual(serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`), [], `${name} ${width} ${colorScheme}`);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} ${width} is wider than the window`);
      const kept = !process.env.SCREENSHOTS || name === 'exchange' || KEPT.includes(`${width}-${colorScheme}`);
      if (kept) await page.screenshot({ path: join(PICTURES, `${name}-${width}-${colorScheme}.png`) });
      await closePage(page);
    }
  }
  // A window of 1280 by 800 at 200 %.
  const page = await openPage(browser, proxy, hash, { width: 640, height: 400 });
  await ready(page);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${name} at 200 % is wider than the window`);
  if (!process.env.SCREENSHOTS) await page.screenshot({ path: join(PICTURES, `${name}-zoomed.png`) });
  await closePage(page);
}
