// What holds while a plugin is built, before any hook has run; and the table of sources.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { reset } from './host.js';

reset();
const { answer, client, emit, exchange, log, plugin, request, settings, state } = await import('../index.js');
const { placeOf } = await import('../place.js');
const { world } = await import('../world.mjs');

test('the host can be used when a hook runs, not before', () => {
  const told =
    /^(\w+) can't be used at the top level of a module, which runs at build time \(host\.js:\d+.*\): move this into start, forwardRequest or returnResponse$/;
  const early = {
    settings: () => settings.get('x'),
    request: () => request.path,
    response: () => answer(),
    exchange: () => exchange.id,
    log: () => log.info('x'),
    state: () => state.get('x'),
    client: () => client.get('http://h/'),
    emit: () => emit('x'),
  };
  for (const [what, call] of Object.entries(early)) {
    assert.throws(call, (error) => error.message.match(told)?.[1] === what, what);
  }
  assert.equal(typeof Math.random(), 'number');
  assert.equal(plugin({ forwardRequest: () => void settings.get('x') }).forwardRequest(), 'forward');
  assert.equal(settings.get('x'), null);
});

test('the world of a plugin is what its bundle imports and exports', () => {
  const external = (path) => ({ path, kind: 'import-statement', external: true });
  const meta = {
    outputs: {
      'bundle.js.map': { imports: [], exports: [] },
      'bundle.js': {
        entryPoint: 'main.js',
        imports: [external('wasi:random/random@0.2.0'), external('tollgate:proxy/state@0.1.0'), { path: 'chunk.js' }],
        exports: ['interceptor', 'responseBody', 'lifecycle', 'background', 'other'],
      },
    },
  };
  assert.equal(
    world(meta),
    `package tollgate:proxy@0.1.0;

world made {
  import state;
  import wasi:random/random@0.2.0;
  export interceptor;
  export lifecycle;
  export response-body;
  export background;
}
`,
  );
});

test('an error names the line in the sources', () => {
  const directory = mkdtempSync(join(tmpdir(), 'tollgate-'));
  try {
    const bundle = join(directory, 'bundle.js');
    writeFileSync(bundle, 'one();\ntwo();\n\nthree();\n');
    // Line 1 is line 3 of a.ts, line 2 its line 4, line 4 line 1 of the helper's log.js.
    const helper = fileURLToPath(new URL('../log.js', import.meta.url));
    writeFileSync(`${bundle}.map`, JSON.stringify({ sources: ['src/a.ts', helper], mappings: 'AAEA;AACA;;ACHA' }));
    const script = fileURLToPath(new URL('../sources.mjs', import.meta.url));
    execFileSync(process.execPath, [script, bundle], { cwd: directory });
    const [first, ...rest] = readFileSync(bundle, 'utf8').split('\n');
    assert.deepEqual([first.endsWith(';one();'), rest.join('\n')], [true, 'two();\n\nthree();\n']);
    globalThis.eval(first.slice(0, first.lastIndexOf('one()')));
    const stack = (text) => placeOf(Object.assign(new Error(), { stack: text }));
    // QuickJS, then StarlingMonkey: the innermost line that is the plugin's.
    assert.equal(
      stack('    at three (/build/bundle.js:4:1)\n    at check (/build/bundle.js:2:9)\n'),
      ' (src/a.ts:4 in check)',
    );
    assert.equal(stack('three@/build/bundle.js:4:1\ncheck@/build/bundle.js:1:9\n'), ' (src/a.ts:3 in check)');
    assert.equal(stack('    at <anonymous> (/build/bundle.js:1:9)\n'), ' (src/a.ts:3)');
    assert.equal(stack('    at three (/build/bundle.js:4:1)\n'), '');
  } finally {
    rmSync(directory, { recursive: true });
    delete globalThis.__tollgateSources;
  }
});
