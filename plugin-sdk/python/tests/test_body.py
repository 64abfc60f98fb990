import types as types_module
import unittest

import fake_host as host

from tollgate import Body, Error, Fate, Plugin, Wish, emit, events
from tollgate._body import Exported
from tollgate._host import begin
from tollgate._main import exports

begin()


class Events(unittest.TestCase):
    def test_they_are_read_as_a_browser_does(self):
        for event, name, data in [
            (b"data: This is the first message.\n\n", None, b"This is the first message."),
            (b"data: YHOO\ndata: +2\ndata: 10\n\n", None, b"YHOO\n+2\n10"),
            (b"event: add\ndata: 73857293\n\n", "add", b"73857293"),
            (b": test stream\n\n", None, None),
            (b"data:  third event\n\n", None, b" third event"),
            (b"data\ndata\n\n", None, b"\n"),
            (b"data:a\r\ndata:b\rdata:c\n\r\n", None, b"a\nb\nc"),
            (b"data : x\ndata:y:z\n dAta: w\nData: v\n\n", None, b"y:z"),
            (b"event: a\nevent\n\n", None, None),
            (b"data: cut", None, b"cut"),
            (b"", None, None),
        ]:
            self.assertEqual((events.name(event), events.data(event)), (name, data), event)
        self.assertEqual(events.fields(b"id\nretry: 10\n: no field\n\n"), [(b"id", b""), (b"retry", b"10")])

    def test_an_event_gets_other_data_and_nothing_else_changes(self):
        for event, data, expected in [
            (b"data: a\n\n", "b", b"data: b\n\n"),
            (
                b": c\r\nid: 1\r\ndata: a\r\nx: y\r\ndata: b\r\n\r\n",
                "1\n2",
                b": c\r\nid: 1\r\ndata: 1\r\ndata: 2\r\nx: y\r\n\r\n",
            ),
            (b"data:a\r\r", "b", b"data: b\r\r"),
            (b"event: x\n\n", "new", b"event: x\ndata: new\n\n"),
            (b"data", "new", b"data: new\n"),
            (b"id: 1", "", b"id: 1\ndata: \n"),
        ]:
            self.assertEqual(events.with_data(event, data), expected)
            self.assertEqual(events.data(expected), data.encode())

    def test_what_is_made_is_read_again(self):
        for data in ["", "a", "\n", "a\n", "\na", "a\r\nb\rc", " a", ":", "é\u2028b"]:
            event = events.event(data, name="n", retry_ms=5)
            self.assertEqual(events.data(event).decode(), data.replace("\r\n", "\n").replace("\r", "\n"))
            self.assertTrue(event.startswith(b"event: n\nretry: 5\n") and event.endswith(b"\n\n"))
        for bad in ({"name": "a\nb"}, {"id": "a\rb"}, {"id": "\0"}):
            with self.assertRaisesRegex(Error, "an event of an event stream can't have the"):
                events.event(**bad)


class Bodies(unittest.TestCase):
    def setUp(self):
        host.reset()

    def run_body(self, kind, *pieces, plugin=None):
        body = Exported(kind, lambda: plugin)
        wish = body.begin()
        return wish, [body.piece(piece).name for piece in pieces], body

    def error(self, call, *given):
        with self.assertRaises(host.Err) as caught:
            call(*given)
        return caught.exception.value

    def test_a_body_has_its_state_in_its_attributes_from_begin_to_end(self):
        class Numbered(Body):
            def begin(self):
                self.count = self.plugin
                return Wish("lines", decoded=True)

            def piece(self, piece):
                self.count += 1
                return f"{self.count} ".encode() + piece

            def end(self):
                emit(f"{self.count} lines")

        wish, fates, body = self.run_body(Numbered, b"a\n", b"b\n", plugin=10)
        self.assertEqual((wish.unit.name, wish.decoded, fates), ("LINES", True, ["REPLACE", "REPLACE"]))
        body.end()
        self.assertEqual(host.body_sink.emitted, [b"11 a\n", b"12 b\n", b"12 lines"])
        self.assertEqual(self.error(body.end), "the host gave a piece of a body that had not begun")

    def test_a_piece_goes_on_as_its_fate_says(self):
        class Chosen(Body):
            def begin(self):
                return Wish()

            def piece(self, piece):
                return {b"keep": Fate.KEEP, b"drop": Fate.REPLACE, b"same": b"same", b"text": "é", b"stop": Fate.STOP}[piece]

        _, fates, body = self.run_body(Chosen, b"keep", b"drop", b"same", b"text", b"stop")
        self.assertEqual(fates, ["KEEP", "REPLACE", "KEEP", "REPLACE", "STOP"])
        self.assertEqual(host.body_sink.emitted, ["é".encode()])
        self.assertEqual(self.error(body.piece, b"keep"), "the host gave a piece of a body that had not begun")

    def test_a_piece_that_nothing_is_said_of_does_not_pass(self):
        class Forgets(Body):
            def begin(self):
                return Wish()

            def piece(self, piece):
                piece.replace(b"secret", b"")

        _, _, body = self.run_body(Forgets)
        self.assertEqual(
            self.error(body.piece, b"secret"), "Forgets.piece returned None: expected bytes, text or a Fate"
        )

    def test_a_body_that_is_left_alone_takes_nothing_over(self):
        class First(Body):
            wanted = True

            def begin(self):
                return Wish("events") if type(self).wanted else None

            def piece(self, piece):
                return Fate.KEEP

        _, _, body = self.run_body(First, b"x")
        First.wanted = False
        self.assertIsNone(body.begin())
        self.assertRegex(self.error(body.piece, b"x"), "had not begun")

    def test_wishes_are_checked_and_errors_are_lines(self):
        with self.assertRaisesRegex(TypeError, "unit 'event' is unknown: there are bytes, text, lines, events, messages"):
            Wish("event")

        class Wrong(Body):
            def begin(self):
                return "events"

            def piece(self, piece):
                raise KeyError("x")

        self.assertEqual(
            self.error(Exported(Wrong, lambda: None).begin),
            "Wrong.begin returned 'events': expected Wish(…) or None",
        )
        Wrong.begin = lambda self: Wish()
        _, _, body = self.run_body(Wrong)
        self.assertRegex(self.error(body.piece, b""), r"^KeyError: 'x' \(test_body\.py:\d+ in piece\)$")


class Build(unittest.TestCase):
    def setUp(self):
        host.reset()

    def module(self, **names):
        module = types_module.ModuleType("plugin")
        module.__file__ = "/0/plugin.py"
        for name, value in names.items():
            value.__module__ = "plugin"
            setattr(module, name, value)
        return module

    def body(self, name="ResponseBody", **methods):
        methods = {"begin": lambda self: Wish(), "piece": lambda self, piece: Fate.KEEP} | methods
        return type(name, (Body,), {name: method for name, method in methods.items() if method})

    def ended(self, module):
        with self.assertRaises(TypeError) as caught:
            exports(module)
        return str(caught.exception)

    def test_a_plugin_that_rewrites_bodies_needs_no_hooks(self):
        found = exports(self.module(ResponseBody=self.body()))
        self.assertEqual(set(found), {"Interceptor", "Lifecycle", "ResponseBody"})
        self.assertIs(found["Interceptor"]().forward_request(), host.Verdict.FORWARD)
        found["Lifecycle"]().start()
        # componentize-py makes an object for each call.
        found["ResponseBody"]().begin()
        self.assertIs(found["ResponseBody"]().piece(b""), host.contract_types.Fate.KEEP)

    def test_what_start_keeps_the_hooks_and_the_bodies_have(self):
        class Interceptor(Plugin):
            def start(self):
                self.mark = "x"

            def return_response(self):
                host.response.list = [("mark", self.mark.encode())]

        def begin(body):
            emit(body.plugin.mark)

        found = exports(self.module(Interceptor=Interceptor, ResponseBody=self.body(begin=begin)))
        found["Lifecycle"]().start()
        found["Interceptor"]().return_response()
        found["ResponseBody"]().begin()
        self.assertEqual((host.response.list, host.body_sink.emitted), ([("mark", b"x")], [b"x"]))

    def test_what_start_raises_is_one_line(self):
        class Interceptor(Plugin):
            def start(self):
                raise Error("setting mark is missing")

            def forward_request(self):
                pass

        with self.assertRaises(host.Err) as caught:
            exports(self.module(Interceptor=Interceptor))["Lifecycle"]().start()
        self.assertEqual(caught.exception.value, "setting mark is missing")

    def test_bodies_that_the_host_would_not_find_end_the_build(self):
        plugin = type("Auth", (Plugin,), {"forward_request": lambda self: None})
        for module, told in [
            (self.module(Redact=self.body("Redact")), "plugin.py: Redact is never called: call it ResponseBody or RequestBody"),
            (self.module(ResponseBody=self.body(piece=None)), "plugin.py: ResponseBody has no piece"),
            (self.module(ResponseBody=type("ResponseBody", (), {})), "plugin.py: ResponseBody is no Body: write `class ResponseBody(Body)`"),
            (
                self.module(RequestBody=self.body("RequestBody")),
                "plugin.py: the build did not find RequestBody: write `class RequestBody(Body)` at the top level of plugin.py",
            ),
            (
                self.module(ResponseBody=self.body(), Auth=plugin),
                "plugin.py has no class Interceptor: write `class Interceptor(Plugin)` in place of Auth",
            ),
        ]:  # fmt: skip
            self.assertEqual(self.ended(module), told)
        base = self.body("Base")
        exports(self.module(Base=base, ResponseBody=type("ResponseBody", (base,), {})))
        with self.assertRaisesRegex(TypeError, "ResponseBody.pieces is never called: did you mean piece?"):
            self.body(pieces=lambda self: None)


if __name__ == "__main__":
    unittest.main()
