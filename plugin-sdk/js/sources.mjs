// A step of the build, in Node.js: puts a table in front of the bundle that says which of its lines come from which line of
// the plugin's sources, for place.js. The line numbers of the bundle stay.
//
//   node sources.mjs BUNDLE      with BUNDLE.map beside it, as `esbuild --sourcemap=external` writes it

import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const bundle = process.argv[2] ?? '';
const helper = realpathSync(dirname(fileURLToPath(import.meta.url))) + sep;
const map = JSON.parse(readFileSync(`${bundle}.map`, 'utf8'));
const sources = map.sources.map((source) => resolve(dirname(bundle), source));
const table = {
  sources: sources.map((source) => relative(process.cwd(), source)),
  runs: runs(placeOfEachLine(map.mappings)).filter(([, , source]) => !sources[source].startsWith(helper)),
};
writeFileSync(bundle, `globalThis.__tollgateSources=${JSON.stringify(table)};${readFileSync(bundle, 'utf8')}`);

/** Source and line, from 0, that most parts of each line of the bundle come from; null where it has none. */
function placeOfEachLine(mappings) {
  let source = 0;
  let line = 0;
  return mappings.split(';').map((segments) => {
    const places = new Map();
    for (const segment of segments.split(',').filter(Boolean)) {
      const [, sourceStep, lineStep] = numbers(segment);
      if (sourceStep === undefined) continue;
      source += sourceStep;
      line += lineStep;
      const place = places.get(`${source}:${line}`) ?? { source, line, parts: 0 };
      place.parts++;
      places.set(`${source}:${line}`, place);
    }
    return [...places.values()].reduce((most, place) => (most && most.parts >= place.parts ? most : place), null);
  });
}

/** The numbers of a segment: base64 digits of five bits each, the lowest first, with the sign in the lowest bit. */
function numbers(segment) {
  const found = [];
  let value = 0;
  let shift = 0;
  for (const letter of segment) {
    const digit = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.indexOf(letter);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    found.push(value & 1 ? -(value >> 1) : value >> 1);
    value = 0;
    shift = 0;
  }
  return found;
}

/** Lines that follow each other in the bundle and in a source, counted from 1. */
function runs(places) {
  const runs = [];
  places.forEach((place, index) => {
    if (!place) return;
    const last = runs.at(-1);
    const goesOn =
      last && last[0] + last[1] === index + 1 && last[2] === place.source && last[3] + last[1] === place.line + 1;
    if (goesOn) last[1]++;
    else runs.push([index + 1, 1, place.source, place.line + 1]);
  });
  return runs;
}
