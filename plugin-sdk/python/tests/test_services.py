import unittest

import fake_host as host

from tollgate import BackendError, SendError, StateError, backends, client, metrics, state, timer
from tollgate._host import begin

begin()


class Case(unittest.TestCase):
    def setUp(self):
        host.reset()

    def raised(self, kind, call, *given, **named):
        with self.assertRaises(kind) as caught:
            call(*given, **named)
        return caught.exception


class State(Case):
    def test_values_are_bytes_and_text_goes_in_as_utf_8(self):
        self.assertIsNone(state.get("a"))
        state.set("a", "é")
        state.set("b", b"\xff", ttl=1.5)
        self.assertEqual((state.get("a"), state.get_text("a"), state.get_text("b")), ("é".encode(), "é", "\ufffd"))
        self.assertEqual(host.state.ttls, {"a": None, "b": 1500})
        self.assertEqual((state.delete("a"), state.delete("a")), (True, False))

    def test_counters_swaps_and_keys(self):
        self.assertEqual([state.increment("n", ttl=60), state.increment("n", 5), state.increment("n", -7)], [1, 6, -1])
        self.assertTrue(state.compare_and_swap("s", None, "a"))
        self.assertFalse(state.compare_and_swap("s", None, "b"))
        self.assertTrue(state.compare_and_swap("s", b"a", None))
        for key in ("k1", "k2", "k3"):
            state.set(key, "")
        self.assertEqual(state.keys("k"), ["k1", "k2", "k3"])
        self.assertEqual(state.keys("k", after="k1", limit=1), ["k2"])

    def test_what_the_host_refuses_is_an_exception_with_the_contracts_reason(self):
        for case, reason in (("TooLarge", "too-large"), ("NotANumber", "not-a-number"), ("TimedOut", "timed-out")):
            host.state.refusal = getattr(host.state, f"StateError_{case}")("why")
            error = self.raised(StateError, state.increment, "n")
            self.assertEqual((error.reason, error.detail, str(error)), (reason, "why", "why"))

    def test_what_the_bindings_would_trap_on_is_an_exception(self):
        self.assertEqual(str(self.raised(TypeError, state.get, b"k")), "a state's key: expected str, got bytes")
        self.assertEqual(str(self.raised(TypeError, state.set, "k", 5)), "a state's value: expected str or bytes, got int")
        self.assertRegex(str(self.raised(TypeError, state.increment, "k", 1 << 63)), "expected a whole number of 64 bits")
        self.assertEqual(str(self.raised(ValueError, state.set, "k", "", ttl=-1)), "ttl: expected seconds from 0 on, got -1")
        self.assertRegex(str(self.raised(ValueError, state.set, "k", "", ttl=float("nan"))), "got nan")
        self.assertRegex(str(self.raised(TypeError, state.set, "k", "", ttl="1")), "expected seconds as a number, got str")
        state.set("k", "", ttl=float("inf"))
        self.assertEqual(host.state.ttls["k"], (1 << 64) - 1)


class Client(Case):
    def answer(self, uri, status=200, body=b"", fields=()):
        host.client.answers[uri] = host.IncomingResponse(status, list(fields), body, [])

    def test_a_request_is_sent_and_its_response_read(self):
        self.answer("http://h/a", 200, b'{"name": "ann"}', [("content-type", b"application/json"), ("x", b"\xff")])
        response = client.get("http://h/a", fields={"accept": "*/*", "x": ["1", b"\xfe"]}, timeout=0.5)
        sent = host.OutgoingRequest("GET", "http://h/a", [("accept", b"*/*"), ("x", b"1"), ("x", b"\xfe")], b"", 500)
        self.assertEqual(host.client.sent, [sent])
        self.assertEqual((response.status, response.json(), response.field("X")), (200, {"name": "ann"}, "\ufffd"))
        self.assertEqual((response.field_bytes("x"), response.field("y")), (b"\xff", None))

    def test_json_has_a_media_type_unless_one_is_given(self):
        self.answer("http://h/", 204)
        client.post("http://h/", json={"é": 1})
        client.post("http://h/", json=[], fields={"Content-Type": "application/x"})
        client.post("http://h/", body="text")
        self.assertEqual(
            [(one.method, one.fields, one.body) for one in host.client.sent],
            [
                ("POST", [("content-type", b"application/json")], '{"é":1}'.encode()),
                ("POST", [("Content-Type", b"application/x")], b"[]"),
                ("POST", [], b"text"),
            ],
        )
        self.assertRegex(str(self.raised(TypeError, client.post, "http://h/", body="a", json=1)), "exclude each other")

    def test_a_response_that_is_no_success_or_no_json_is_not_read_as_json(self):
        self.answer("http://h/", 404, b"{}")
        self.assertEqual(str(self.raised(Exception, client.get("http://h/").json)), "the response has the status 404")
        self.answer("http://h/", 200, b"{")
        self.assertRegex(str(self.raised(Exception, client.get("http://h/").json)), "^the response is not JSON: ")
        self.answer("http://h/", 200, b"a\xff")
        self.assertEqual(str(self.raised(Exception, client.get("http://h/").text)), "the response is not UTF-8: byte 0xff at 1")

    def test_no_response_is_an_exception_and_among_several_a_value(self):
        host.client.answers["http://no/"] = host.client.SendError_InvalidRequest("why")
        self.answer("http://h/")
        error = self.raised(SendError, client.get, "http://no/")
        self.assertEqual((error.reason, str(error)), ("invalid-request", "why"))
        first, second = client.send_all([client.request("GET", "http://no/"), client.request("HEAD", "http://h/")])
        self.assertEqual((first.reason, second.status), ("invalid-request", 200))
        self.assertEqual(str(self.raised(TypeError, client.send, "http://h/")), "expected client.request(…), got str")


class Backends(Case):
    def test_a_backend_is_chosen(self):
        self.assertEqual(backends.current(), "default")
        backends.choose("next")
        self.assertEqual(backends.current(), "next")
        self.assertEqual(str(self.raised(TypeError, backends.choose, 5)), "a backend's name: expected str, got int")

    def test_what_the_host_refuses_is_an_exception_with_the_contracts_reason(self):
        for case, reason in (("Denied", "denied"), ("Unknown", "unknown")):
            host.backends.refusal = getattr(host.backends, f"BackendError_{case}")("why")
            error = self.raised(BackendError, backends.choose, "next")
            self.assertEqual((error.reason, error.detail, str(error)), (reason, "why", "why"))
        host.backends.refusal = host.backends.BackendError_TooLate()
        error = self.raised(BackendError, backends.choose, "next")
        self.assertEqual((error.reason, str(error)), ("too-late", "the backend can be chosen in forward_request alone"))


class TimerAndMetrics(Case):
    def test_sleep_is_given_in_seconds(self):
        timer.sleep(0.0001)
        timer.sleep(2)
        self.assertEqual(host.timer.slept, [1, 2000])
        self.assertRegex(str(self.raised(TypeError, timer.sleep, None)), "expected seconds")

    def test_metrics_have_numbers_and_labels(self):
        metrics.describe("wait_seconds", "How long.", [1, 2.5])
        metrics.add("denied_total")
        metrics.add("denied_total", 2, name="x", status=429)
        metrics.set("size", 5)
        metrics.observe("wait_seconds", 0.5, kind="a")
        self.assertEqual(
            host.metrics.calls,
            [
                ("describe", "wait_seconds", "How long.", [1.0, 2.5]),
                ("add", "denied_total", 1.0, []),
                ("add", "denied_total", 2.0, [("name", "x"), ("status", "429")]),
                ("set", "size", 5.0, []),
                ("observe", "wait_seconds", 0.5, [("kind", "a")]),
            ],
        )


if __name__ == "__main__":
    unittest.main()
