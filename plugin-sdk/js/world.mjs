// A step of the build, in Node.js: writes the world of a plugin, which says what it imports and exports.
//
//   node world.mjs META.json WIT OUT      META.json as `esbuild --metafile` writes it; OUT becomes a copy of WIT with the world `made`
//
// componentize-qjs makes a plugin import and export all of its world, and what reaches beyond the exchange must be granted. What the
// bundle still imports, after esbuild has left out what is not used, is what the plugin uses.

import { cpSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const EXPORTS = {
  interceptor: 'interceptor',
  lifecycle: 'lifecycle',
  requestBody: 'request-body',
  responseBody: 'response-body',
  background: 'background',
};

/** The text of the world, of what esbuild tells of the bundle. */
export function world(meta) {
  const [bundle] = Object.values(meta.outputs).filter((output) => output.entryPoint);
  const imports = new Set(bundle.imports.filter((one) => one.external).map((one) => one.path));
  const exports = Object.keys(EXPORTS).filter((name) => bundle.exports.includes(name));
  const lines = [
    // The contract's own interfaces are in the package of the world.
    ...[...imports].sort().map((path) => `import ${path.replace(/^tollgate:proxy\/(.*)@.*$/, '$1')};`),
    ...exports.map((name) => `export ${EXPORTS[name]};`),
  ];
  return `package tollgate:proxy@0.1.0;\n\nworld made {\n${lines.map((line) => `  ${line}\n`).join('')}}\n`;
}

if (fileURLToPath(import.meta.url) === realpathSync(process.argv[1] ?? '')) {
  const [meta, wit, out] = process.argv.slice(2);
  rmSync(out, { recursive: true, force: true });
  cpSync(wit, out, { recursive: true, dereference: true });
  writeFileSync(join(out, 'made.wit'), world(JSON.parse(readFileSync(meta, 'utf8'))));
}
