import unittest

import fake_host  # noqa: F401  (the package imports the bindings)

from tollgate import quote_json, replace_json_member


def replace(body):
    return replace_json_member(body, "greeting", '"x"')


def nested(levels):
    return b'{"greeting":1,"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


class Json(unittest.TestCase):
    def test_one_value_changes_every_other_byte_stays(self):
        for body, expected in [
            (b'{"greeting":"hi"}', b'{"greeting":"x"}'),
            (
                b' {"n":1.00e2,"greeting" :\t[1, {"greeting":2}]\r\n, "z":"\\u00e9\xc3\xa9"} \n',
                b' {"n":1.00e2,"greeting" :\t"x"\r\n, "z":"\\u00e9\xc3\xa9"} \n',
            ),
            (b'{"a":{"greeting":1},"greeting":2,"greeting":3}', b'{"a":{"greeting":1},"greeting":"x","greeting":3}'),
            (b'{"a\\"":1,"b\\\\":",:{}[]","greeting":-0}', b'{"a\\"":1,"b\\\\":",:{}[]","greeting":"x"}'),
            (b'{"greeting":' + b"9" * 5000 + b"}", b'{"greeting":"x"}'),
            (b'{"greeting":"\\ud800"}', b'{"greeting":"x"}'),
            (nested(128), nested(128).replace(b"1", b'"x"')),
        ]:
            self.assertEqual(replace(body), expected)

    def test_what_is_not_valid_not_an_object_too_deep_or_without_the_member_is_left_alone(self):
        for body in [
            b"", b" ", b"{}", b"[]", b'"greeting"', b"1", b'{"Greeting":1}', b'{"gr\\u0065eting":1}', b'[{"greeting":1}]',
            b'{"a":{"greeting":1}}', b'\xef\xbb\xbf{"greeting":1}', b'{"greeting":NaN}', b'{"greeting":-Infinity}',
            b'{"greeting":1,}', b'{"greeting":1}}', b'{"greeting":1} 2', b'{"greeting":01}', b'{"greeting":"\t"}',
            b'{"greeting":"\\x"}', b"{'greeting':1}", b"{greeting:1}", b'{"greeting":1', b'{"greeting', b'{"greeting":]}',
            b'{"greeting":"\xff"}', b'{"greeting":"\xed\xa0\x80"}', '{"greeting":1\u0661}'.encode(), nested(129), nested(5000),
        ]:  # fmt: skip
            self.assertIsNone(replace(body), body[:50])

    def test_a_name_is_compared_as_utf_8(self):
        self.assertEqual(replace_json_member('{"é":1}'.encode(), "é", '"☃"'), '{"é":"☃"}'.encode())

    def test_a_string_is_quoted_with_the_fewest_escapes(self):
        self.assertEqual(quote_json('a"b\\c/\n\0\x1f\x7fé☃'), '"a\\"b\\\\c/\\u000a\\u0000\\u001f\x7fé☃"')


if __name__ == "__main__":
    unittest.main()
