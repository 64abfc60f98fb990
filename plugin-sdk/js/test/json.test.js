import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quoteJson, replaceJsonMember } from '../json.js';

const replace = (text) => {
  const body = typeof text === 'string' ? Uint8Array.from(Buffer.from(text)) : text;
  const replaced = replaceJsonMember(body, 'greeting', '"x"');
  return replaced && Buffer.from(replaced).toString();
};
const nested = (levels) => `{"greeting":1,"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;

test('one value changes, every other byte stays', () => {
  for (const [body, expected] of [
    ['{"greeting":"hi"}', '{"greeting":"x"}'],
    [
      ' {"n":1.00e2,"greeting" :\t[1, {"greeting":2}]\r\n, "z":"\\u00e9é"} \n',
      ' {"n":1.00e2,"greeting" :\t"x"\r\n, "z":"\\u00e9é"} \n',
    ],
    ['{"a":{"greeting":1},"greeting":2,"greeting":3}', '{"a":{"greeting":1},"greeting":"x","greeting":3}'],
    ['{"a\\"":1,"b\\\\":",:{}[]","greeting":-0}', '{"a\\"":1,"b\\\\":",:{}[]","greeting":"x"}'],
    ['{"a":"greeting","greeting":null}', '{"a":"greeting","greeting":"x"}'],
    [nested(128), nested(128).replace('1', '"x"')],
  ]) {
    assert.equal(replace(body), expected);
  }
});

test('what is not valid, not an object, too deep or without the member is left alone', () => {
  for (const body of [
    '',
    ' ',
    '{}',
    '[]',
    '"greeting"',
    '1',
    '{"Greeting":1}',
    '{"gr\\u0065eting":1}',
    '[{"greeting":1}]',
    '{"a":{"greeting":1}}',
    '\ufeff{"greeting":1}',
    '{"greeting":NaN}',
    '{"greeting":1,}',
    '{"greeting":1}}',
    '{"greeting":1} 2',
    '{"greeting":01}',
    '{"greeting":"\t"}',
    '{"greeting":"\\x"}',
    "{'greeting':1}",
    '{greeting:1}',
    '{"greeting":1',
    '{"greeting',
    '{"greeting":]}',
    nested(129),
    nested(5000),
  ]) {
    assert.equal(replace(body), null, body.slice(0, 50));
  }
  assert.equal(replace(Uint8Array.from(Buffer.from('{"greeting":"\xff"}', 'latin1'))), null);
  assert.equal(replace(Uint8Array.from(Buffer.from('{"greeting":"\xed\xa0\x80"}', 'latin1'))), null);
});

test('a name is compared as UTF-8', () => {
  const body = Uint8Array.from(Buffer.from('{"é":1}'));
  assert.equal(Buffer.from(replaceJsonMember(body, 'é', '"☃"')).toString(), '{"é":"☃"}');
});

test('a string is quoted with the fewest escapes', () => {
  assert.equal(quoteJson('a"b\\c/\n\x00\x1f\x7fé☃'), '"a\\"b\\\\c/\\u000a\\u0000\\u001f\x7fé☃"');
});
