import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { reset } from './host.js';

const { begin } = await import('../host.js');
begin();
const {
  answer,
  BodyError,
  exchange,
  FieldError,
  log,
  now,
  plugin,
  random,
  request,
  response,
  settings,
  timingSafeEqual,
  urlDecode,
  urlEncode,
} = await import('../index.js');
const { checked } = await import('../plugin.js');
const { randomUuid } = await import('../random.js');
const bytes = (text) => Uint8Array.from(Buffer.from(text));

for (const absent of [null, undefined]) {
  describe(`an engine that gives ${absent} for an absent option`, () => {
    let host;
    beforeEach(() => {
      host = reset({ absent });
    });

    test('what is absent is null, what is empty is not', () => {
      host.settings.empty = '';
      assert.equal(settings.get('empty', 'x'), '');
      host.request.list = [['x-empty', bytes('')]];
      assert.equal(request.field('x-none'), null);
      assert.equal(request.fieldBytes('x-none'), null);
      assert.equal(request.field('x-empty'), '');
      assert.equal(exchange.note('none'), null);
      assert.equal(settings.get('none'), null);
      assert.equal(settings.get('none', 'x'), 'x');
      assert.equal(settings.json('none'), null);
    });
  });
}

describe('messages', () => {
  let host;
  beforeEach(() => {
    host = reset();
  });

  test('fields are text, and bytes where that is wanted', () => {
    host.request.list = [
      ['a', bytes('é')],
      ['b', Uint8Array.of(0x41, 0xff)],
      ['a', bytes('2')],
    ];
    assert.equal(request.field('a'), 'é');
    assert.equal(request.field('b'), 'A\ufffd');
    assert.deepEqual(request.fieldBytes('b'), Uint8Array.of(0x41, 0xff));
    assert.deepEqual(request.fieldValues('a'), ['é', '2']);
    assert.deepEqual(request.fieldValuesBytes('a'), [bytes('é'), bytes('2')]);
    assert.deepEqual(request.fields(), [
      ['a', 'é'],
      ['b', 'A\ufffd'],
      ['a', '2'],
    ]);
    assert.deepEqual(request.fieldsBytes(), host.request.list);
  });

  test('fields are set from text, bytes, objects and pairs', () => {
    response.setField('a', 'é');
    response.appendField('a', Uint8Array.of(0xff));
    response.setFields({ b: '1', c: ['2', bytes('3')] });
    response.setFields(new Map([['d', '4']]));
    response.setFields([
      ['e', '5'],
      ['e', '6'],
    ]);
    response.deleteField('b');
    assert.deepEqual(host.response.list, [
      ['a', bytes('é')],
      ['a', Uint8Array.of(0xff)],
      ['c', bytes('2')],
      ['c', bytes('3')],
      ['d', bytes('4')],
      ['e', bytes('5')],
      ['e', bytes('6')],
    ]);
  });

  test('a value of a wrong type is an error of the plugin, not a trap of the engine', () => {
    assert.throws(() => request.setField('x', 5), new TypeError('x: expected a string or a Uint8Array, got number'));
    assert.throws(() => request.setField('x'), new TypeError('x: expected a string or a Uint8Array, got undefined'));
    assert.throws(() => request.setBody(null), new TypeError('the body: expected a string or a Uint8Array, got null'));
    assert.throws(() => request.field(['x']), new TypeError("expected a field's name, got an array"));
    assert.throws(() => {
      request.method = 1;
    }, new TypeError('method: expected a string, got number'));
    assert.throws(() => {
      response.status = '200';
    }, new TypeError('status: expected a number from 200 to 599, got string'));
    assert.throws(() => {
      response.status = 70000;
    }, new TypeError('status: expected a number from 200 to 599, got 70000'));
    assert.deepEqual(host.request.list, []);
  });

  test('a lone surrogate becomes U+FFFD on every way to the host', () => {
    request.setField('x', 'a\ud800');
    request.target = '/\udc00';
    log.info('\ud800');
    exchange.setNote('\ud800', '\ud800');
    assert.equal(request.field('x'), 'a\ufffd');
    assert.equal(host.request.head.target, '/\ufffd');
    assert.equal(exchange.note('\ufffd'), '\ufffd');
  });

  test('the head of a request can be read and changed', () => {
    host.request.head.target = '/a%20b?x=1?y';
    assert.deepEqual([request.method, request.scheme, request.authority], ['GET', 'https', 'example.com']);
    assert.deepEqual([request.target, request.path, request.query], ['/a%20b?x=1?y', '/a%20b', 'x=1?y']);
    Object.assign(request, { method: 'PUT', authority: 'b:1', target: '/z' });
    assert.deepEqual(host.request.head, { method: 'PUT', authority: 'b:1', target: '/z' });
    assert.deepEqual([request.path, request.query], ['/z', null]);
  });

  test('the path is set alone and keeps the query', () => {
    host.request.head.target = '/a?x=1?y';
    request.path = '/b%3F';
    assert.equal(host.request.head.target, '/b%3F?x=1?y');
    host.request.head.target = '/a';
    request.path = '/b';
    assert.equal(host.request.head.target, '/b');
    for (const wrong of ['/b?c', '/b#c']) {
      assert.throws(
        () => {
          request.path = wrong;
        },
        new FieldError('invalid-value', `the path "${wrong}" has a ? or #: encode it with urlEncode`),
      );
    }
    assert.throws(() => {
      request.path = 5;
    }, new TypeError('path: expected a string, got number'));
    assert.equal(host.request.head.target, '/b');
  });

  test('parameters of the query are decoded', () => {
    host.request.head.target = '/?a=1&&b&c=x%3D=y&a=%C3%A9+%2B&=v&d=%zz%4&e=%ff';
    assert.deepEqual(request.queryParams(), [
      ['a', '1'],
      ['b', ''],
      ['c', 'x==y'],
      ['a', 'é +'],
      ['', 'v'],
      ['d', '%zz%4'],
      ['e', '\ufffd'],
    ]);
    assert.deepEqual([request.queryParam('a'), request.queryParam('b'), request.queryParam('z')], ['1', '', null]);
    host.request.head.target = '/';
    assert.deepEqual(request.queryParams(), []);
  });

  test('cookies are as they were sent', () => {
    host.request.list = [
      ['cookie', bytes('a=1; b="x y" ;c;d=p%20=q;')],
      ['cookie', bytes('a=2')],
    ];
    assert.deepEqual(request.cookies(), [
      ['a', '1'],
      ['b', '"x y"'],
      ['d', 'p%20=q'],
      ['a', '2'],
    ]);
    assert.deepEqual([request.cookie('a'), request.cookie('z')], ['1', null]);
  });

  test('parts of a URL are decoded and encoded', () => {
    assert.equal(urlDecode('a%20%C3%A9+%2f%'), 'a é+/%');
    assert.equal(urlDecode('%ff%41'), '\ufffdA');
    assert.equal(urlEncode("a é/~!'()*-._\ud800"), 'a%20%C3%A9%2F~%21%27%28%29%2A-._%EF%BF%BD');
  });

  test('secrets are compared whole', () => {
    for (const [a, b, same] of [
      ['secret', 'secret', true],
      ['secret', 'secres', false],
      ['secret', 'secretsecret', false],
      ['secret', '', false],
      ['', '', true],
      ['é', bytes('é'), true],
    ]) {
      assert.equal(timingSafeEqual(a, b), same, `${a} ${b}`);
      assert.equal(timingSafeEqual(b, a), same, `${b} ${a}`);
    }
  });

  test("chance is the host's", () => {
    host.u64 = 0xffffffffffffffffn;
    assert.equal(random(), 1 - 2 ** -53);
    assert.equal(Math.random(), 1 - 2 ** -53);
    host.u64 = 2 ** 64;
    assert.equal(random(), 1 - 2 ** -53);
    host.u64 = 2 ** 63;
    assert.equal(Math.random(), 0.5);
    assert.equal(randomUuid(), '00010203-0405-4607-8809-0a0b0c0d0e0f');
    assert.ok(Math.abs(now() - Date.now()) < 60_000);
    const first = performance.now();
    assert.ok(first >= 0 && first < 60_000 && performance.now() >= first);
  });

  test('refusals say what is wrong', () => {
    const refused = (payload, change) => {
      host.request.refusal = payload;
      try {
        change();
      } catch (error) {
        return [error.constructor, error.name, error.reason, error.detail, error.message];
      }
    };
    const set = () => request.setField('te', 'x');
    assert.deepEqual(refused({ tag: 'owned-by-host', val: 'te' }, set), [
      FieldError,
      'FieldError',
      'owned-by-host',
      'te',
      'the field te is set by the host alone',
    ]);
    assert.equal(refused({ tag: 'invalid-name', val: 'a b' }, set)[4], '"a b" is not a field name');
    assert.equal(
      refused({ tag: 'invalid-value', val: 'no LF' }, () => {
        request.target = 'x';
      })[4],
      'no LF',
    );
    assert.equal(
      refused({ tag: 'too-many' }, () => request.appendField('a', 'b'))[4],
      'the message has as many fields as the host allows',
    );
    assert.deepEqual(
      refused({ tag: 'too-large', val: 10n }, () => request.text()),
      [BodyError, 'BodyError', 'too-large', 10, 'the body is longer than the 10 bytes that this plugin may read'],
    );
    assert.equal(refused({ tag: 'disconnected', val: 'EOF' }, () => request.json())[4], 'the body broke off: EOF');
    assert.equal(refused({ tag: 'timed-out' }, () => request.body())[2], 'timed-out');
    assert.equal(refused({ tag: 'already-streamed' }, () => request.body())[2], 'already-streamed');
  });

  test('bodies are bytes, text and JSON', () => {
    request.setBody('{"é":[1]}');
    assert.deepEqual(request.body(), bytes('{"é":[1]}'));
    assert.equal(request.text(), '{"é":[1]}');
    assert.deepEqual(request.json(), { é: [1] });
    request.setJson({ a: '☃' });
    assert.equal(request.text(), '{"a":"☃"}');
    assert.equal(request.field('content-type'), 'application/json');
    request.setField('content-type', 'application/problem+JSON');
    request.setJson([]);
    assert.equal(request.field('content-type'), 'application/problem+JSON');
    assert.throws(() => request.setJson(undefined), new TypeError("undefined can't be JSON"));
    request.setBody(Uint8Array.of(0xff));
    assert.throws(() => request.text(), new TypeError('the body is not UTF-8'));
  });

  test('mapText leaves what is not text, and refuses what is encoded', () => {
    const refused = /encoded \(content-encoding: gzip\): call request.acceptIdentity\(\)/;
    assert.equal(response.contentCoding(), null);
    response.setBody('a b a');
    assert.equal(
      response.mapText((text) => text.replaceAll('a', () => '$&')),
      true,
    );
    assert.equal(response.text(), '$& b $&');
    response.setBody(Uint8Array.of(0x61, 0xff));
    assert.equal(
      response.mapText(() => 'x'),
      false,
    );
    assert.deepEqual(response.body(), Uint8Array.of(0x61, 0xff));
    response.setField('content-encoding', 'gzip');
    assert.throws(() => response.mapText(() => 'x'), refused);
    assert.throws(() => response.text(), refused);
    assert.equal(response.contentCoding(), 'gzip');
    request.acceptIdentity();
    assert.equal(request.field('accept-encoding'), 'identity');
    response.setField('content-encoding', 'Identity');
    assert.equal(
      response.mapText(() => 'x'),
      false,
    );
  });
});

describe('hooks', () => {
  let host;
  beforeEach(() => {
    host = reset();
  });
  const forward = (forwardRequest) => plugin({ forwardRequest }).forwardRequest();
  const thrown = (forwardRequest) => {
    try {
      forward(forwardRequest);
    } catch (error) {
      return error;
    }
  };

  test('a hook that returns nothing, or is not there, goes on', () => {
    assert.equal(
      forward(() => {}),
      'forward',
    );
    assert.equal(
      forward(() => 'forward'),
      'forward',
    );
    assert.equal(plugin({ returnResponse() {} }).forwardRequest(), 'forward');
    assert.equal(plugin({ forwardRequest() {} }).returnResponse(), undefined);
  });

  test('an answer has status, fields and body', () => {
    assert.equal(
      forward(() => answer({ status: 401, fields: { 'www-authenticate': 'Bearer' }, text: 'no\n' })),
      'respond',
    );
    assert.equal(host.response.code, 401);
    assert.deepEqual(response.fields(), [
      ['www-authenticate', 'Bearer'],
      ['content-type', 'text/plain; charset=utf-8'],
    ]);
    assert.equal(response.text(), 'no\n');
    host = reset();
    answer({ fields: { 'content-type': 'application/problem+json' }, json: { a: 1 } });
    assert.deepEqual(response.fields(), [['content-type', 'application/problem+json']]);
    assert.equal(response.text(), '{"a":1}');
    host = reset();
    answer({ body: bytes('x') });
    assert.deepEqual(response.fields(), []);
    assert.equal(response.text(), 'x');
  });

  test('a slip in an answer is an error', () => {
    const slips = [
      [
        { statusCode: 403 },
        'answer: statusCode is unknown: did you mean status? there are status, fields, body, text, json',
      ],
      [{ headers: {} }, 'answer: headers is unknown: there are status, fields, body, text, json'],
      [{ text: 'a', json: 1 }, 'answer: body, text and json exclude each other'],
      [{ json: () => 1 }, "answer: function can't be JSON"],
    ];
    for (const [parts, told] of slips) assert.throws(() => answer(parts), new TypeError(told));
  });

  test('an answer that is not returned is an error of that call alone', () => {
    const told = 'answer(…) was called, but forwardRequest did not return it: write `return answer(…)`';
    const forgets = () => {
      answer({ status: 403 });
    };
    assert.equal(thrown(forgets), told);
    assert.equal(
      thrown(() => {
        forgets();
        return 'forward';
      }),
      told,
    );
    assert.equal(
      forward(() => {}),
      'forward',
    );
    assert.throws(
      () => plugin({ returnResponse: forgets }).returnResponse(),
      (error) => error === 'answer(…) was called in returnResponse: change `response` there',
    );
    // One that could not be made is not missed.
    assert.equal(
      forward(() => {
        try {
          answer({ statusCode: 403 });
        } catch {}
      }),
      'forward',
    );
  });

  test('hooks that the host would not find end the build', () => {
    const ended = [
      [
        () => plugin({ forwardRequests() {} }),
        'plugin: forwardRequests is unknown: did you mean forwardRequest? there are start, forwardRequest, returnResponse',
      ],
      [() => plugin({ onRequest() {} }), 'plugin: onRequest is unknown: there are start, forwardRequest, returnResponse'],
      [() => plugin({}), 'plugin(…) has neither forwardRequest nor returnResponse'],
      [() => plugin({ forwardRequest: 'x' }), 'plugin: forwardRequest is no function but string'],
      [() => plugin(), 'plugin(…) takes an object with hooks, got undefined'],
      [
        () => checked({ default: 1 }),
        'the plugin exports no interceptor: write `export const interceptor = plugin({ … })` in place of `export default`',
      ],
      [
        () => checked({ Interceptor: 1 }),
        'the plugin exports no interceptor: write `export const interceptor = plugin({ … })` in place of Interceptor',
      ],
      [() => checked({}), 'the plugin exports no interceptor: write `export const interceptor = plugin({ … })`'],
      [
        () => checked({ interceptor: { forwardRequest() {} } }),
        'the exported interceptor has no function returnResponse: make it with plugin({ … })',
      ],
    ];
    for (const [make, told] of ended) assert.throws(make, (error) => error.message === told, told);
    const { interceptor } = checked({ interceptor: plugin({ forwardRequest: () => answer() }), other: 1 });
    assert.equal(interceptor.forwardRequest(), 'respond');
    assert.equal(interceptor.returnResponse(), undefined);
  });

  test('what a hook throws is one line of text', () => {
    assert.equal(
      thrown(() => {
        throw new Error('no tenant');
      }),
      'no tenant',
    );
    assert.equal(
      thrown(() => {
        throw 'a string \ud800';
      }),
      'a string \ufffd',
    );
    assert.equal(
      thrown(() => {
        throw 5;
      }),
      'number was thrown: 5',
    );
    assert.equal(
      thrown(() => {
        throw new FieldError('too-many');
      }),
      'the message has as many fields as the host allows',
    );
    assert.equal(
      thrown(() => settings.require('token')),
      'setting token is missing',
    );
    assert.throws(
      () =>
        plugin({
          returnResponse() {
            throw new Error('x');
          },
        }).returnResponse(),
      (error) => error === 'x',
    );
  });

  test('a mistake in the code is told with its kind and place', () => {
    assert.match(
      thrown(function slip() {
        return null.x;
      }),
      /^TypeError: Cannot read properties of null \(reading 'x'\) \(plugin\.test\.js:\d+ in slip\)$/,
    );
    assert.equal(
      thrown(() => {
        throw new Error('no tenant', { cause: new Error('no slash', { cause: 'empty' }) });
      }),
      'no tenant: caused by no slash: caused by empty',
    );
  });

  test('a hook that returns something else is told what to return', () => {
    assert.equal(
      thrown(() => 'forwrad'),
      'forwardRequest returned "forwrad": expected nothing, \'forward\' or answer(…)',
    );
    assert.equal(
      thrown(() => 7),
      "forwardRequest returned number: expected nothing, 'forward' or answer(…)",
    );
    assert.equal(
      thrown(async () => {}),
      'forwardRequest returned a promise: hooks are not async, host functions wait by themselves',
    );
  });

  test('settings are text or JSON', () => {
    Object.assign(host.settings, { mark: 'x', list: '[1]', bad: 'yes' });
    assert.equal(settings.get('mark'), 'x');
    assert.deepEqual(settings.json('list'), [1]);
    assert.equal(settings.json('none', 5), 5);
    assert.throws(
      () => settings.json('bad'),
      new Error('setting bad is "yes": expected a number, true, false, a list or a table'),
    );
    assert.deepEqual(settings.all(), { mark: 'x', list: '[1]', bad: 'yes' });
  });

  test('log lines are put together as by console.log', () => {
    log.warn('a', 1, null, { b: [2] }, new TypeError('t'));
    assert.deepEqual(host.lines, [['warn', '', 'a 1 null {"b":[2]} TypeError: t']]);
    const cycle = {};
    cycle.cycle = cycle;
    log.critical(cycle);
    assert.deepEqual(host.lines[1], ['critical', '', '[object Object]']);
  });

  test('notes are text or bytes', () => {
    exchange.setNote('a', 'é');
    assert.equal(exchange.note('a'), 'é');
    assert.deepEqual(exchange.noteBytes('a'), bytes('é'));
    assert.deepEqual([exchange.id, exchange.clientAddress], ['x1', '127.0.0.1:50312']);
  });
});
