import dataclasses
import json
import logging
import subprocess
import sys
import types as types_module
import unittest
from unittest import mock

import fake_host as host

import tollgate
from tollgate._describe import describe
from tollgate._host import begin
from tollgate._main import checked, exports
from tollgate import (
    BodyError,
    Error,
    FieldError,
    Plugin,
    SettingError,
    answer,
    exchange,
    log,
    now,
    random,
    request,
    response,
    settings,
    url_decode,
    url_encode,
)

begin()

types = host.contract_types


class Case(unittest.TestCase):
    def setUp(self):
        host.reset()

    def raised(self, kind, call, *given):
        with self.assertRaises(kind) as caught:
            call(*given)
        return str(caught.exception)


class Messages(Case):
    def test_what_is_absent_is_none_what_is_empty_is_not(self):
        host.request.list = [("x-empty", b"")]
        self.assertIsNone(request.field("x-none"))
        self.assertIsNone(request.field_bytes("x-none"))
        self.assertEqual(request.field("x-empty"), "")
        self.assertIsNone(exchange.note("none"))

    def test_fields_are_text_and_bytes_where_that_is_wanted(self):
        host.request.list = [("a", "é".encode()), ("b", b"A\xff"), ("a", b"2")]
        self.assertEqual(request.field("a"), "é")
        self.assertEqual(request.field("b"), "A\ufffd")
        self.assertEqual(request.field_bytes("b"), b"A\xff")
        self.assertEqual(request.field_values("a"), ["é", "2"])
        self.assertEqual(request.field_values_bytes("a"), ["é".encode(), b"2"])
        self.assertEqual(request.fields(), [("a", "é"), ("b", "A\ufffd"), ("a", "2")])
        self.assertEqual(request.fields_bytes(), host.request.list)

    def test_fields_are_set_from_text_bytes_mappings_and_pairs(self):
        response.set_field("a", "é")
        response.append_field("a", bytearray(b"\xff"))
        response.set_fields({"b": "1", "c": ["2", b"3"]})
        response.set_fields([("d", "4"), ("d", memoryview(b"5"))])
        response.delete_field("b")
        expected = [("a", "é".encode()), ("a", b"\xff"), ("c", b"2"), ("c", b"3"), ("d", b"4"), ("d", b"5")]
        self.assertEqual(host.response.list, expected)

    def test_a_wrong_type_is_an_error_of_the_plugin_not_a_trap(self):
        self.assertEqual(self.raised(TypeError, request.set_field, "x", 5), "x: expected str or bytes, got int")
        self.assertEqual(
            self.raised(TypeError, request.set_body, None), "the body: expected str or bytes, got NoneType"
        )
        self.assertEqual(self.raised(TypeError, request.field, b"x"), "a field's name: expected str, got bytes")
        self.assertEqual(self.raised(TypeError, setattr, request, "method", 1), "method: expected str, got int")
        self.assertEqual(self.raised(TypeError, setattr, response, "status", "200"), "status: expected int, got str")
        self.assertEqual(
            self.raised(FieldError, setattr, response, "status", 70000), "70000 is not a final status (200 to 599)"
        )

    def test_a_lone_surrogate_cannot_cross(self):
        request.set_field("x", "a\ud800")
        request.target = "/\udc00"
        log.info("\ud800")
        exchange.set_note("\ud800", "\ud800")
        self.assertEqual(request.field("x"), "a?")
        self.assertEqual(host.request.head["target"], "/?")
        self.assertEqual(host.logging.lines, [("INFO", "", "?")])
        self.assertEqual(exchange.note("?"), "?")

    def test_the_head_can_be_read_and_changed(self):
        host.request.head["target"] = "/a%20b?x=1?y"
        self.assertEqual((request.method, request.scheme, request.authority), ("GET", "https", "example.com"))
        self.assertEqual((request.target, request.path, request.query), ("/a%20b?x=1?y", "/a%20b", "x=1?y"))
        request.method, request.authority, request.target, response.status = "PUT", "b:1", "/z", 201
        self.assertEqual(host.request.head, {"method": "PUT", "authority": "b:1", "target": "/z"})
        self.assertEqual((request.path, request.query, response.status), ("/z", None, 201))

    def test_the_path_is_set_alone_and_keeps_the_query(self):
        host.request.head["target"] = "/a?x=1?y"
        request.path = "/b%3F"
        self.assertEqual(host.request.head["target"], "/b%3F?x=1?y")
        host.request.head["target"] = "/a"
        request.path = "/b"
        self.assertEqual(host.request.head["target"], "/b")
        for wrong in ("/b?c", "/b#c"):
            told = self.raised(FieldError, setattr, request, "path", wrong)
            self.assertEqual(told, f'the path "{wrong}" has a ? or #: encode it with url_encode')
        self.assertEqual(self.raised(TypeError, setattr, request, "path", 5), "path: expected str, got int")
        self.assertEqual(host.request.head["target"], "/b")

    def test_parameters_of_the_query_are_decoded(self):
        host.request.head["target"] = "/?a=1&&b&c=x%3D=y&a=%C3%A9+%2B&=v&d=%zz%4&e=%ff"
        expected = [("a", "1"), ("b", ""), ("c", "x==y"), ("a", "é +"), ("", "v"), ("d", "%zz%4"), ("e", "\ufffd")]
        self.assertEqual(request.query_params(), expected)
        self.assertEqual([request.query_param(name) for name in "abz"], ["1", "", None])
        host.request.head["target"] = "/"
        self.assertEqual(request.query_params(), [])

    def test_cookies_are_as_they_were_sent(self):
        host.request.list = [("cookie", b'a=1; b="x y" ;c;d=p%20=q;'), ("cookie", b"a=2")]
        self.assertEqual(request.cookies(), [("a", "1"), ("b", '"x y"'), ("d", "p%20=q"), ("a", "2")])
        self.assertEqual([request.cookie("a"), request.cookie("z")], ["1", None])

    def test_parts_of_a_url_are_decoded_and_encoded(self):
        self.assertEqual(url_decode("a%20%C3%A9+%2f%"), "a é+/%")
        self.assertEqual(url_decode("%ff%41"), "\ufffdA")
        self.assertEqual(url_encode("a é/~!-._"), "a%20%C3%A9%2F~%21-._")

    def test_chance_and_time_are_the_hosts(self):
        host.random.u64 = (1 << 64) - 1
        self.assertEqual(random(), 1 - 2**-53)
        host.random.u64 = 1 << 63
        self.assertEqual(random(), 0.5)
        host.wall_clock.time = types_module.SimpleNamespace(seconds=12, nanoseconds=345_999_999)
        self.assertEqual(now(), 12_345)

    def test_refusals_say_what_is_wrong(self):
        def refused(refusal, call, *given):
            host.request.refusal = refusal
            with self.assertRaises(Error) as caught:
                call(*given)
            error = caught.exception
            return type(error), error.reason, error.detail, str(error)

        put = (request.set_field, "te", "x")
        self.assertEqual(
            refused(types.FieldError_OwnedByHost("te"), *put),
            (FieldError, "owned-by-host", "te", "the field te is set by the host alone"),
        )
        self.assertEqual(refused(types.FieldError_InvalidName("a b"), *put)[3], '"a b" is not a field name')
        self.assertEqual(refused(types.FieldError_InvalidValue("no LF"), setattr, request, "target", "x")[3], "no LF")
        self.assertEqual(
            refused(types.FieldError_TooMany(), request.append_field, "a", "b")[3],
            "the message has as many fields as the host allows",
        )
        self.assertEqual(
            refused(types.BodyError_TooLarge(10), request.text),
            (BodyError, "too-large", 10, "the body is longer than the 10 bytes that this plugin may read"),
        )
        self.assertEqual(refused(types.BodyError_Disconnected("EOF"), request.json)[3], "the body broke off: EOF")
        self.assertEqual(refused(types.BodyError_TimedOut(), request.body)[1], "timed-out")
        self.assertEqual(refused(types.BodyError_AlreadyStreamed(), request.body)[1], "already-streamed")

    def test_bodies_are_bytes_text_and_json(self):
        request.set_body('{"é":[1]}')
        self.assertEqual(request.body(), '{"é":[1]}'.encode())
        self.assertEqual(request.text(), '{"é":[1]}')
        self.assertEqual(request.json(), {"é": [1]})
        request.set_json({"a": "☃"})
        self.assertEqual(request.text(), '{"a":"☃"}')
        self.assertEqual(request.field("content-type"), "application/json")
        request.set_field("content-type", "application/problem+JSON")
        request.set_json([])
        self.assertEqual(request.field("content-type"), "application/problem+JSON")
        request.set_body(b"a\xff")
        self.assertEqual(self.raised(Error, request.text), "the body is not UTF-8: byte 0xff at 1")
        request.set_body("{")
        self.assertRegex(self.raised(Error, request.json), "^the body is not JSON: ")

    def test_map_text_leaves_what_is_not_text_and_refuses_what_is_encoded(self):
        response.set_body("a b a")
        self.assertTrue(response.map_text(lambda text: text.replace("a", "é")))
        self.assertEqual(response.text(), "é b é")
        response.set_body(b"a\xff")
        self.assertFalse(response.map_text(lambda _: "x"))
        self.assertEqual(response.body(), b"a\xff")
        response.set_field("content-encoding", "gzip")
        self.assertEqual(response.content_coding(), "gzip")
        refused = "the body is encoded (content-encoding: gzip): call request.accept_identity() in forward_request"
        self.assertEqual(self.raised(Error, response.map_text, str), refused)
        self.assertEqual(self.raised(Error, response.text), refused)
        response.set_field("content-encoding", "Identity")
        self.assertFalse(response.map_text(str))
        request.accept_identity()
        self.assertEqual(request.field("accept-encoding"), "identity")


class Hooks(Case):
    def forward(self, hook):
        class Interceptor(Plugin):
            def forward_request(self):
                return hook()

        return Interceptor().forward_request()

    def error(self, hook):
        with self.assertRaises(host.Err) as caught:
            self.forward(hook)
        return caught.exception.value

    def test_a_hook_that_returns_nothing_or_is_not_there_goes_on(self):
        class Nothing(Plugin):
            pass

        self.assertIs(self.forward(lambda: None), host.Verdict.FORWARD)
        self.assertIs(self.forward(lambda: host.Verdict.FORWARD), host.Verdict.FORWARD)
        self.assertIs(Nothing().forward_request(), host.Verdict.FORWARD)
        self.assertIsNone(Nothing().return_response())

    def test_an_answer_has_status_fields_and_body(self):
        verdict = self.forward(lambda: answer(401, fields={"www-authenticate": "Bearer"}, text="no\n"))
        self.assertIs(verdict, host.Verdict.RESPOND)
        self.assertEqual(response.status, 401)
        expected = [("www-authenticate", "Bearer"), ("content-type", "text/plain; charset=utf-8")]
        self.assertEqual(response.fields(), expected)
        self.assertEqual(response.text(), "no\n")
        host.reset()
        answer(fields={"content-type": "application/problem+json"}, json={"a": 1})
        self.assertEqual(response.fields(), [("content-type", "application/problem+json")])
        self.assertEqual(response.text(), '{"a":1}')
        host.reset()
        answer(body=b"x")
        self.assertEqual((response.fields(), response.body()), ([], b"x"))

    def test_what_a_hook_raises_is_one_line_of_text(self):
        def fails(error):
            def hook():
                raise error

            return hook

        self.assertEqual(self.error(fails(Error("no tenant \ud800"))), "no tenant ?")
        self.assertEqual(self.error(fails(host.Err("as it is"))), "as it is")
        self.assertEqual(self.error(lambda: settings["token"]), "setting token is missing")
        self.assertRegex(self.error(lambda: {}["x"]), r"^KeyError: 'x' \(test_helper\.py:\d+ in <lambda>\)$")

    def test_an_answer_that_is_not_returned_is_an_error_of_that_call_alone(self):
        told = "answer(…) was called, but forward_request did not return it: write `return answer(…)`"
        self.assertEqual(self.error(lambda: [answer(403)] and None), told)
        self.assertEqual(self.error(lambda: [answer(403)] and host.Verdict.FORWARD), told)
        self.assertIs(self.forward(lambda: None), host.Verdict.FORWARD)

        class Interceptor(Plugin):
            def return_response(self):
                answer(403)

        with self.assertRaises(host.Err) as caught:
            Interceptor().return_response()
        self.assertEqual(caught.exception.value, "answer(…) was called in return_response: change `response` there")
        told = "TypeError: answer: body, text and json exclude each other"
        self.assertRegex(self.error(lambda: answer(text="a", json=1)), f"^{told}")

    def test_an_answer_of_the_parents_hook_has_to_be_returned_too(self):
        class Base(Plugin):
            def forward_request(self):
                return answer(403)

        class Forgets(Base):
            def forward_request(self):
                super().forward_request()

        class Returns(Base):
            def forward_request(self):
                return super().forward_request()

        with self.assertRaises(host.Err) as caught:
            Forgets().forward_request()
        self.assertRegex(caught.exception.value, "did not return it")
        self.assertIs(Returns().forward_request(), host.Verdict.RESPOND)

    def test_causes_are_told_and_the_place_is_the_plugins(self):
        def parses():
            try:
                {}["a"]
            except KeyError as error:
                raise ValueError("bad") from error

        place = r"\(test_helper\.py:\d+ in parses\)"
        self.assertRegex(self.error(parses), rf"^ValueError: bad {place}: caused by KeyError: 'a' {place}$")
        # In the library the innermost frame is not the plugin's.
        self.assertRegex(
            self.error(lambda: json.loads("{")), r"^JSONDecodeError: .* \(test_helper\.py:\d+ in <lambda>\)$"
        )

        def hides():
            try:
                {}["a"]
            except KeyError:
                raise Error("no a") from None

        self.assertEqual(self.error(hides), "no a")

    def test_what_a_plugins_python_lacks_is_told_with_what_to_do(self):
        def imports():
            import no_such_module  # noqa: F401

        self.assertRegex(self.error(imports), "import it at the top of a module, there are no files when a hook runs")
        told = describe(LookupError("unknown encoding: iso-8859-9"))
        self.assertRegex(told, "add `import encodings.iso_8859_9` at the top of a module")

    def test_both_hooks_of_a_plugin_fail_with_text(self):
        class Interceptor(Plugin):
            def return_response(self):
                raise Error("x")

        with self.assertRaises(host.Err) as caught:
            Interceptor().return_response()
        self.assertEqual(caught.exception.value, "x")

    def test_a_hook_that_returns_something_else_is_told_what_to_return(self):
        self.assertEqual(
            self.error(lambda: "forward"), "forward_request returned 'forward': expected nothing or answer(…)"
        )

    def test_a_plugin_of_a_plugin_is_one(self):
        class Base(Plugin):
            def forward_request(self):
                raise Error("base")

        class Interceptor(Base):
            def forward_request(self):
                super().forward_request()

        with self.assertRaises(host.Err) as caught:
            Interceptor().forward_request()
        self.assertEqual(caught.exception.value, "base")


class Build(Case):
    def module(self, **names):
        module = types_module.ModuleType("plugin")
        module.__file__ = "/0/plugin.py"
        for name, value in names.items():
            if isinstance(value, type):
                value.__module__ = "plugin"
            setattr(module, name, value)
        return module

    def test_a_name_that_is_nearly_a_hooks_ends_the_build(self):
        for slip, meant in (("forward_requests", "forward_request"), ("returnResponse", "return_response")):
            told = self.raised(TypeError, type, "Interceptor", (Plugin,), {slip: lambda self: None})
            self.assertEqual(told, f"Interceptor.{slip} is no hook: did you mean {meant}?")
        type("Interceptor", (Plugin,), {"forward_to": lambda self: None, "_forward_requests": lambda self: None})

    def test_hooks_that_the_host_would_not_find_end_the_build(self):
        hook = {"forward_request": lambda self: None}
        good = type("Interceptor", (Plugin,), dict(hook))
        self.assertIs(checked(self.module(Interceptor=good)), good)
        child = type("Interceptor", (good,), {})
        self.assertIs(checked(self.module(Interceptor=child)), child)
        raw = type("Interceptor", (), hook | {"return_response": lambda self: None})
        self.assertTrue(issubclass(checked(self.module(Interceptor=raw)), raw))
        ended = [
            (self.module(), "plugin.py has no class Interceptor: write `class Interceptor(Plugin)`"),
            (
                self.module(Auth=type("Auth", (Plugin,), dict(hook))),
                "plugin.py has no class Interceptor: write `class Interceptor(Plugin)` in place of Auth",
            ),
            (
                self.module(Interceptor=type("Interceptor", (), dict(hook))),
                "plugin.py: Interceptor has no return_response: write `class Interceptor(Plugin)`",
            ),
            (
                self.module(Interceptor=type("Interceptor", (Plugin,), {"on_request": lambda self: None})),
                "plugin.py: Interceptor has neither forward_request nor return_response",
            ),
            (
                self.module(Interceptor=type("Interceptor", (Plugin,), {"forward": lambda self: None})),
                "plugin.py: Interceptor has neither forward_request nor return_response",
            ),
        ]
        for module, told in ended:
            self.assertEqual(self.raised(TypeError, checked, module).partition(" (it has")[0], told)

    def test_background_work_is_called_and_fails_with_text(self):
        class Interceptor(Plugin):
            def start(self):
                self.count = 0

            def tick(self):
                self.count += 1
                if self.count == 2:
                    raise Error("not now")
                return self.count if self.count == 3 else None

        found = exports(self.module(Interceptor=Interceptor))
        found["Lifecycle"]().start()
        found["Background"]().tick()
        for told in ("not now", "tick returned 3: expected nothing"):
            with self.assertRaises(host.Err) as caught:
                found["Background"]().tick()
            self.assertEqual(caught.exception.value, told)
        plain = type("Interceptor", (Plugin,), {"forward_request": lambda self: None})
        self.assertNotIn("Background", exports(self.module(Interceptor=plain)))

    def test_background_work_that_the_build_did_not_find_ends_it(self):
        kind = type("Interceptor", (Plugin,), {"tick": lambda self: None})
        with mock.patch.dict(sys.modules, {"wit_world.exports.background": None}), self.assertRaises(TypeError) as caught:
            exports(self.module(Interceptor=kind))
        self.assertEqual(
            str(caught.exception), "plugin.py: the build did not find tick: write `def tick(self)` in the class Interceptor"
        )

    def test_the_host_can_be_used_when_a_hook_runs_not_before(self):
        script = """
import fake_host, socket
from tollgate import Plugin, exchange, log, now, random, request, response, settings, Error
from tollgate._main import checked
import types
for call in (lambda: settings["x"], lambda: request.path, lambda: response.status, lambda: exchange.id, lambda: log.info("x"),
        random, now):
    try:
        call()
    except RuntimeError as error:
        assert str(error).endswith("move this into start, forward_request or return_response"), error
        print(str(error).partition(" can't")[0])
class Interceptor(Plugin):
    def forward_request(self):
        settings.get("x")
        socket.create_connection(("127.0.0.1", 9))
module = types.ModuleType("plugin")
module.Interceptor, module.__file__ = Interceptor, __file__
try:
    checked(module)().forward_request()
except fake_host.Err as error:
    print(error.value)
"""
        result = subprocess.run(
            [sys.executable, "-c", f"__file__ = '<x>'\n{script}"],
            cwd=host.__file__.rpartition("/")[0],
            capture_output=True,
            text=True,
        )
        self.assertEqual(result.stderr, "")
        *early, network = result.stdout.splitlines()
        self.assertEqual(early, ["settings", "request", "response", "exchange", "log", "random()", "now()"])
        self.assertRegex(network, r"^OSError: a plugin has no sockets: send requests with tollgate.client$")


class Settings(Case):
    def test_they_are_a_mapping_of_text(self):
        host.store.settings = {"mark": "x", "list": "[1]"}
        self.assertEqual(settings["mark"], "x")
        self.assertEqual(settings.get("none", "y"), "y")
        self.assertEqual(dict(settings), {"mark": "x", "list": "[1]"})
        self.assertEqual(len(settings), 2)
        self.assertTrue("mark" in settings and "none" not in settings)
        self.assertEqual(settings.json("list"), [1])
        self.assertEqual(settings.json("none", 5), 5)
        self.assertEqual(
            self.raised(SettingError, settings.json, "mark"),
            'setting mark is "x": expected a number, true, false, a list or a table',
        )

    def test_they_fill_a_dataclass(self):
        @dataclasses.dataclass
        class Limit:
            name: str
            paths: list[str]
            rate: float
            dry_run: bool = False
            most: int | None = None

        host.store.settings = {"name": "5", "paths": '["/a"]', "rate": "2", "most": "7"}
        self.assertEqual(settings.into(Limit), Limit("5", ["/a"], 2.0, False, 7))
        host.store.settings["dry_run"] = "maybe"
        self.assertEqual(
            self.raised(SettingError, settings.into, Limit), 'setting dry_run is "maybe": expected a boolean'
        )
        host.store.settings["dry_run"] = "1"
        self.assertEqual(self.raised(SettingError, settings.into, Limit), 'setting dry_run is "1": expected a boolean')
        del host.store.settings["dry_run"], host.store.settings["name"]
        self.assertEqual(self.raised(SettingError, settings.into, Limit), "setting name is missing")


class Logs(Case):
    def test_lines_have_a_level(self):
        levels = ["trace", "debug", "info", "warn", "error", "critical"]
        for level in levels:
            getattr(log, level)(level)
        self.assertEqual(host.logging.lines, [(level.upper(), "", level) for level in levels])

    def test_the_standard_logging_goes_to_the_host(self):
        logger = logging.Logger("package")
        logger.addHandler(log.handler())
        logger.warning("%d of %d", 1, 2)
        self.assertEqual(host.logging.lines, [("WARN", "package", "1 of 2")])


class Exports(unittest.TestCase):
    def test_everything_announced_is_there(self):
        for name in tollgate.__all__:
            self.assertTrue(hasattr(tollgate, name), name)


if __name__ == "__main__":
    unittest.main()
