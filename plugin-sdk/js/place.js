// Where in the plugin's sources an error was made. A stack speaks of the bundle; the build puts a table of its lines in
// front of it (see sources.mjs).

/**
 * Sources by number; and runs of lines: the first line of the bundle, how many lines follow each other in both, the
 * number of the source, and its line. The helper's own lines are in no run.
 *
 * @typedef {{ sources: string[], runs: [from: number, count: number, source: number, line: number][] }} Table
 */

/**
 * ` (plugin.js:12 in check)` for the innermost line of the stack that is the plugin's own. Without a table it is the first
 * line of the stack; nothing if there is none.
 *
 * @param {Error} error
 * @returns {string}
 */
export function placeOf(error) {
  const lines = (error.stack ?? '').split('\n');
  /** @type {Table | undefined} */
  const table = /** @type {any} */ (globalThis).__tollgateSources;
  for (const line of lines) {
    // `at check (/build/bundle.js:12:3)`, `check@/build/bundle.js:12:3`
    const frame = /^\s*(?:at )?(.*?)[ @]?\(?[^ (@]*?([^/ (@:]*):(\d+)(?::\d+)?\)?$/.exec(line);
    if (!frame) continue;
    const [, name = '', file = '', number = ''] = frame;
    const place = table ? lookUp(table, Number(number)) : `${file}:${number}`;
    if (place) return ` (${place}${/^[\w$.#]+$/.test(name) ? ` in ${name}` : ''})`;
  }
  return '';
}

/**
 * @param {Table} table
 * @param {number} line
 */
function lookUp(table, line) {
  const run = table.runs.find(([from, count]) => line >= from && line < from + count);
  return run ? `${table.sources[run[2]]}:${run[3] + line - run[0]}` : null;
}
