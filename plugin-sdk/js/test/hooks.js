// Lets Node.js import the contract's interfaces: each of their functions calls the one of the same name in host.js.

const MESSAGE = 'field fieldValues fields setField setFields appendField deleteField body setBody';
const FUNCTIONS = {
  'tollgate:proxy/request@0.1.0': [
    'request',
    `method setMethod scheme authority setAuthority target setTarget ${MESSAGE}`,
  ],
  'tollgate:proxy/response@0.1.0': ['response', `status setStatus ${MESSAGE}`],
  'tollgate:proxy/exchange@0.1.0': ['exchange', 'id clientAddress note setNote'],
  'tollgate:proxy/state@0.1.0': ['state', 'get set delete increment compareAndSwap keys'],
  'tollgate:proxy/backends@0.1.0': ['backends', 'setBackend backend'],
  'tollgate:proxy/client@0.1.0': ['client', 'send sendAll'],
  'tollgate:proxy/timer@0.1.0': ['timer', 'sleep'],
  'tollgate:proxy/metrics@0.1.0': ['metrics', 'describe add set observe'],
  'tollgate:proxy/body-sink@0.1.0': ['sink', 'emit'],
  'wasi:config/store@0.2.0-rc.1': ['store', 'get getAll'],
  'wasi:logging/logging@0.1.0-draft': ['logging', 'log'],
  'wasi:random/random@0.2.0': ['random', 'getRandomBytes getRandomU64'],
};

const HOST = new URL('./host.js', import.meta.url).href;

export function resolve(specifier, context, next) {
  return specifier in FUNCTIONS ? { url: specifier, format: 'module', shortCircuit: true } : next(specifier, context);
}

export function load(url, context, next) {
  if (!(url in FUNCTIONS)) return next(url, context);
  const [part, names] = FUNCTIONS[url];
  const calls = names
    .split(' ')
    .map((name) => `const ${name}_ = (...given) => host.${part}.${name}(...given); export { ${name}_ as ${name} };`);
  return {
    format: 'module',
    shortCircuit: true,
    source: [`import { host } from ${JSON.stringify(HOST)};`, ...calls].join('\n'),
  };
}
