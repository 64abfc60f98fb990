// What the tests of the inspector need: the real tollgate with real plugins, a backend, and Chromium.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { after, afterEach, before, beforeEach } from 'node:test';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { startBackend } from './backend.mjs';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BINARY = process.env.TOLLGATE_TEST_BINARY ?? join(ROOT, 'target/release/tollgate');
const PLUGINS = join(ROOT, 'target/plugins');
/** Milliseconds until a test gives up waiting for a fact; see tests/README.md. */
export const PATIENCE = 1000 * Number(process.env.TOLLGATE_TEST_PATIENCE ?? 60);

/** Resolves when `check` returns something true, and with that. Fails with the last error, or `what`. */
export async function eventually(what, check) {
  const end = Date.now() + PATIENCE;
  let last;
  for (;;) {
    try {
      const answer = await check();
      if (answer) return answer;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) throw new Error(`${what} did not come true`, { cause: last });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A plugin as `make plugins` built it. With a mark its bytes are another version that does the same. */
export function code(name, mark = '') {
  const built = readFileSync(join(PLUGINS, `${name}.wasm`));
  if (mark === '') return built;
  // A custom section: number 0, its length, the length of its name, its name.
  const title = Buffer.from(`mark-${mark}`);
  return Buffer.concat([built, Buffer.from([0, title.length + 1, title.length]), title]);
}

/** The proxy in front of a backend, with these plugins in this order, texts by name of file beside them, and a configuration. */
export class Proxy {
  #process;
  #output = '';

  static async start({ plugins = ['add-header', 'redact'], files = {}, config = '', env = {} } = {}) {
    for (const needed of [BINARY, ...plugins.map((name) => join(PLUGINS, `${name}.wasm`))]) {
      assert.ok(existsSync(needed), `${needed} is missing; run \`make build plugins\` first`);
    }
    const proxy = new Proxy();
    proxy.directory = mkdtempSync(join(tmpdir(), 'tollgate-ui-'));
    proxy.plugins = join(proxy.directory, 'plugins');
    mkdirSync(proxy.plugins);
    plugins.forEach((name, at) => {
      writeFileSync(join(proxy.plugins, `${name}.toml`), files[`${name}.toml`] ?? `order = ${10 * (at + 1)}\n`);
      cpSync(join(PLUGINS, `${name}.wasm`), join(proxy.plugins, `${name}.wasm`));
    });
    proxy.backend = await startBackend();
    writeFileSync(join(proxy.directory, 'tollgate.toml'), config);
    proxy.env = { ...process.env, ...env };
    await proxy.run('127.0.0.1:0');
    return proxy;
  }

  async run(admin) {
    const args = ['run', '--config', join(this.directory, 'tollgate.toml'), '--listen', '127.0.0.1:0', '--admin', admin, '--plugins', this.plugins, '--backend', this.backend.url];
    const child = spawn(BINARY, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: this.directory, env: this.env });
    this.#process = child;
    this.#output = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => { this.#output += text; });
    const said = (pattern) => eventually(`${pattern} in tollgate's output`, () => {
      if (child.exitCode !== null) throw new Error(`tollgate ended with ${child.exitCode}:\n${this.#output}`);
      return pattern.exec(this.#output)?.[1];
    });
    this.url = await said(/tollgate is ready: (http:\/\/[^ ]+) /);
    this.inspector = await said(/inspector: (http:\/\/\S+?)\/\s/);
  }

  /** As with Ctrl-C: it ends when it is done. */
  async end() {
    if (this.#process.exitCode === null) {
      const ended = new Promise((resolve) => this.#process.once('exit', resolve));
      this.#process.kill('SIGINT');
      const hard = setTimeout(() => this.#process.kill('SIGKILL'), 15000);
      await ended;
      clearTimeout(hard);
    }
  }

  async stop() {
    await this.end();
    await this.backend.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Saves a file of the plugins directory as editors and builds do. */
  save(name, content) {
    const path = join(this.plugins, name);
    writeFileSync(`${path}.new`, content);
    renameSync(`${path}.new`, path);
  }

  async get(target, options = {}) {
    const response = await fetch(`${this.url}${target}`, options);
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  /** Sends these bytes on a connection of their own, as no well-behaved client would, and waits for the answer. */
  async raw(text) {
    const { hostname, port } = new URL(this.url);
    const socket = connect(Number(port), hostname);
    socket.write(text);
    let answer = '';
    for await (const data of socket) answer += data;
    return answer;
  }

  /** Sends these messages over one WebSocket of a browser. Resolves with the answers. */
  async chat(browser, ...messages) {
    const page = await browser.newPage();
    const answers = await page.evaluate(([url, all]) => new Promise((resolve, reject) => {
      const socket = new WebSocket(url);
      const got = [];
      socket.onopen = () => all.forEach((text) => socket.send(text));
      socket.onerror = () => reject(new Error('no WebSocket'));
      socket.onmessage = ({ data }) => {
        got.push(data);
        if (got.length === all.length) socket.close(1000);
      };
      socket.onclose = () => resolve(got);
    }), [`${this.url.replace('http', 'ws')}/chat`, messages]);
    await page.close();
    return answers;
  }

  async api(path) {
    return (await fetch(`${this.inspector}${path}`)).json();
  }

  /** Changes something by the API. */
  async change(method, path, body) {
    const headers = { 'x-tollgate-admin': '1', 'content-type': 'application/json' };
    const response = await fetch(`${this.inspector}${path}`, { method, headers, body: body && JSON.stringify(body) });
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${await response.text()}`);
  }

  /** The exchange with this target, once it is recorded. */
  recorded(target) {
    return eventually(`an exchange with ${target}`, async () => (await this.api('/api/v1/exchanges?limit=100')).exchanges.find((one) => one.target === target));
  }

  get output() {
    return this.#output;
  }
}

/**
 * A proxy and a browser for the tests of a file: `proxy` and `browser`. With `at`, the place of the inspector, each test has a page of its
 * own there, `page`, and no exchange from the test before.
 */
export function scene({ at, ...options } = {}) {
  const it = {};
  before(async () => {
    it.proxy = await Proxy.start(options);
    it.browser = await startBrowser();
  });
  after(async () => {
    await it.browser?.close();
    await it.proxy?.stop();
  });
  if (at === undefined) return it;
  beforeEach(async () => {
    await it.proxy.change('DELETE', '/api/v1/exchanges');
    it.page = await openPage(it.browser, it.proxy, at);
  });
  afterEach(() => closePage(it.page));
  return it;
}

/** What is found on a page of exchanges: the row with this text, the step of this plugin and hook. */
export const found = (it) => ({
  row: (text) => it.page.getByRole('option').filter({ hasText: text }),
  step: (name, hook) => it.page.locator('.way a').filter({ hasText: name }).filter({ hasText: hook }),
});

export async function startBrowser() {
  const executablePath = process.env.CHROMIUM ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
  assert.ok(executablePath, 'Chromium is missing; on Debian: sudo apt-get install chromium; elsewhere set CHROMIUM=/path/to/it');
  // Chromium's sandbox does not work for root.
  const args = ['--no-proxy-server', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])];
  return chromium.launch({ executablePath, args });
}

/**
 * A page of the inspector at `#…`. `page.mistakes` collects what a browser tells its developers of: exceptions, refused scripts and
 * styles; a test that leaves any behind has failed.
 */
export async function openPage(browser, proxy, hash = '', { width = 1280, height = 800, colorScheme = 'light', query = '' } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, acceptDownloads: true });
  context.setDefaultTimeout(PATIENCE);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  const page = await context.newPage();
  page.mistakes = [];
  page.on('pageerror', (error) => page.mistakes.push(error.stack));
  page.on('dialog', (dialog) => {
    page.mistakes.push(`a dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on('console', (message) => {
    // What the API refuses on purpose is no mistake of the page.
    if (message.type() === 'error' && !/^Failed to load resource/.test(message.text())) page.mistakes.push(message.text());
  });
  if (process.env.TOLLGATE_UI_PAGE) await fromTree(page, resolve(ROOT, process.env.TOLLGATE_UI_PAGE));
  await page.goto(`${proxy.inspector}/${query}${hash}`);
  await page.locator('main > *').waitFor();
  return page;
}

/** The page's files as they are in the tree, in the place of those in the program: shorter turns while one works on them. */
async function fromTree(page, directory) {
  await page.route((url) => url.pathname === '/' || url.pathname.startsWith('/assets/'), async (route) => {
    const path = new URL(route.request().url()).pathname;
    const headers = { 'content-security-policy': "default-src 'self'; img-src 'self' data: blob:" };
    await route.fulfill({ path: join(directory, path === '/' ? 'index.html' : path), headers });
  });
}

export async function closePage(page) {
  const { mistakes } = page;
  await page.context().close();
  assert.deepEqual(mistakes, []);
}
