"""The parts of the benches that decide something. Run by `python3 -m unittest discover tests/bench`."""

from __future__ import annotations

import os
import tempfile
import unittest
from pathlib import Path

import reload
import soak
from harness import callgrind, load, proxies, rounds, versions
from harness.callgrind import Function, Profile
from harness.client import Answer
from harness.process import Process
from harness.rounds import Sample, Spread
from harness.verdicts import verdict
from sections import chain, connections, http2, idle, instructions, record, requests, start


def sample(cpu: float) -> Sample:
    return Sample(cpu=cpu, switches=0, per_second=1, p50=1, p99=1)


class Rounds(unittest.TestCase):
    def test_every_proxy_starts_some_round_and_neighbours_change(self) -> None:
        orders = [rounds.order(["a", "b", "c"], turn) for turn in range(6)]
        self.assertEqual({order[0] for order in orders}, {"a", "b", "c"})
        self.assertTrue(all(sorted(order) == ["a", "b", "c"] for order in orders))
        self.assertGreater(len({(order[0], order[1]) for order in orders}), 3)

    def test_compares_within_a_round_so_that_drift_cancels(self) -> None:
        slowing = [sample(10), sample(20), sample(40)]
        twice = [sample(20), sample(40), sample(80)]
        self.assertEqual(rounds.ratio(twice, slowing), Spread(2, 2, 2))
        self.assertEqual(rounds.added(twice, slowing).median, 20)

    def test_verdict_needs_both_quartiles(self) -> None:
        for spread, word in (
            (Spread(1.0, 1.01, 1.05), "met"),
            (Spread(1.0, 1.01, 1.06), "unclear"),
            (Spread(1.06, 1.1, 1.2), "missed"),
        ):
            self.assertEqual(verdict("x", spread, 1.05).split()[0], word)


def words(lines: list[str]) -> dict[str, str]:
    """The outcome of each line about a target, by what the line is about."""
    return {" ".join(line[10:62].split()): line.split()[0] for line in lines}


class Targets(unittest.TestCase):
    """Each is judged against the right proxy of the same run, and not at all when a figure is missing."""

    def test_requests(self) -> None:
        samples = {"nginx": [sample(100)], "tollgate, 0 plugins": [sample(62)], "tollgate, 1 plugin": [sample(100.1)]}
        outcomes = words(requests.judge({"1KiB": samples, "64KiB": samples, "1MiB": samples}))
        self.assertEqual(
            outcomes,
            {
                "h1, 1KiB, no plugin, x nginx": "met",
                "h1, 1KiB, one plugin, x nginx": "missed",
                "h1, 64KiB, no plugin, x nginx": "met",
                "h1, 1MiB, no plugin, x nginx": "missed",
                "1MiB, past a plugin that doesn't read it, x without": "missed",
            },
        )
        del samples["nginx"]
        self.assertEqual(requests.judge({"1KiB": samples}), [])

    def test_http2(self) -> None:
        for cost, word in ((100, "met"), (101, "missed")):
            samples = {"nginx": [sample(100)], "tollgate, 0 plugins": [sample(cost)]}
            self.assertEqual(words(http2.judge(samples)), {"h2, 1KiB, no plugin, x nginx": word})

    def test_chain_is_judged_by_the_average_plugin(self) -> None:
        samples = {
            "tollgate, 0 plugins": [sample(20)],
            "tollgate, 1 plugin": [sample(20.7)],
            "tollgate, 20 plugins": [sample(31)],
            "tollgate, 200 plugins elsewhere": [sample(20.9)],
        }
        lines = chain.judge(samples)
        outcomes = words(lines)
        self.assertTrue(all(" 0.550  (0.550 to 0.550;" in line for line in lines if "each of 20" in line))
        self.assertEqual(outcomes["each of 1 plugins adds, µs"], "missed")
        self.assertEqual(outcomes["each of 20 plugins adds, µs"], "met")
        self.assertEqual(outcomes["200 plugins that don't match add, µs"], "met")

    def test_recording_is_judged_by_what_it_adds(self) -> None:
        samples = {"tollgate, 0 plugins": [sample(20)], "tollgate, metrics": [sample(21)], "tollgate, ring": [sample(24)]}
        self.assertEqual(words(record.judge(samples)), {"recording in the ring adds, µs": "missed"})
        samples["tollgate, ring"] = [sample(22.9)]
        self.assertEqual(words(record.judge(samples)), {"recording in the ring adds, µs": "met"})
        self.assertEqual(record.judge({"tollgate, ring": [sample(24)]}), [])

    def test_growth_is_held_against_the_yardstick_that_grows_least(self) -> None:
        samples = {
            "tollgate, 0 plugins": {10: [20.0, 10.0], 1_000: [26.0, 13.0]},
            "nginx": {10: [10.0, 10.0], 1_000: [14.0, 14.0]},
            "haproxy": {10: [30.0, 10.0], 1_000: [36.0, 12.0]},
        }
        (line,) = connections.judge(samples, [10, 1_000])
        self.assertEqual(words([line]), {"CPU growth, 10 to 1,000 connections, x haproxy's": "missed"})
        self.assertIn("1.083", line)
        samples["haproxy"] = {10: [10.0, 10.0], 1_000: [15.0, 15.0]}
        self.assertIn("x nginx's", connections.judge(samples, [10, 1_000])[0])
        self.assertEqual(connections.judge({"nginx": samples["nginx"]}, [10, 1_000]), [])

    def test_idle_has_a_limit_for_each_kind(self) -> None:
        figures = {kind: {"tollgate": [10.0], "nginx": [1.0]} for kind in idle.CONNECTIONS}
        outcomes = words(idle.judge(figures))
        self.assertEqual(list(outcomes.values()), ["missed", "missed", "met", "met"])

    def test_instructions(self) -> None:
        none, one = Profile({Function("t", "f"): 14_000}, {}), Profile({Function("t", "f"): 17_001}, {})
        lines = instructions.judge({"tollgate, 0 plugins": [none], "tollgate, 1 plugin": [one]})
        self.assertEqual(list(words(lines).values()), ["met", "missed"])
        self.assertIn("  3,001  ", lines[1])


CALLGRIND = """\
# callgrind format
version: 1
positions: line
events: Ir
summary: 153

ob=(1) /usr/bin/tollgate
fl=(1) ???
fn=(1) hyper::proto::h1::dispatch::poll
0 100
cob=(2) /lib/libc.so.6
cfi=(2) memcpy.c
cfn=(2) __memcpy_avx_unaligned_erms
calls=7 0
0 30
+1 5

fn=(3) hyper::proto::h1::dispatch::poll'2
* 8
cfn=(1)
calls=1 0
0 135

ob=(2)
fn=(2)
-3 40

totals: 153
"""


class Callgrind(unittest.TestCase):
    def test_costs_go_to_whoever_caused_them(self) -> None:
        profile = callgrind.parse(CALLGRIND)
        poll = Function("/usr/bin/tollgate", "hyper::proto::h1::dispatch::poll")
        again = Function("/usr/bin/tollgate", "hyper::proto::h1::dispatch::poll'2")
        copy = Function("/lib/libc.so.6", "__memcpy_avx_unaligned_erms")
        self.assertEqual(profile.own, {poll: 105, again: 8, copy: 40})
        self.assertEqual(profile.inclusive, {poll: 135, again: 143, copy: 40})
        self.assertEqual(profile.total, 153)
        self.assertEqual(callgrind.by_name(profile.own)[poll.name], 113)
        self.assertEqual(set(callgrind.outermost(profile.inclusive)), {poll, copy})

    def test_a_request_costs_the_difference(self) -> None:
        first, second = Function("", "first"), Function("", "second")
        each = Profile({first: 50, second: 9}, {}).above(Profile({first: 10}, {}), 10)
        self.assertEqual(each.own, {first: 4, second: 0.9})

    def test_groups(self) -> None:
        for name, object, group in (
            ("tollgate::proxy::flow::drive::{{closure}}", "t", "tollgate::proxy"),
            ("<tollgate::message::head::Head as core::fmt::Debug>::fmt", "t", "tollgate::message"),
            ("core::ptr::drop_in_place<http::header::map::HeaderMap>", "t", "http"),
            ("<core::pin::Pin<P> as core::future::future::Future>::poll", "t", "standard library"),
            ("<tokio[0123456789abcdef]::time::Sleep>::poll", "t", "tokio"),
            ("__memcpy_avx_unaligned_erms", "/lib/libc.so.6", "memcpy and the like"),
            ("mi_free", "t", "allocator"),
            ("_mi_page_malloc", "t", "allocator"),
            ("__rustc[5224e6b81cd82a8f]::__rust_alloc", "t", "allocator"),
            ("writev", "/lib/libc.so.6", "libc.so.6"),
            ("0x0000000012345678", "???", "WebAssembly"),
        ):
            self.assertEqual(callgrind.group(Function(object, name)), group, name)

    def test_names_lose_their_hash(self) -> None:
        self.assertEqual(Function("", "a::b::h0123456789abcdef").short, "a::b")
        self.assertEqual(Function("", "a::b::h0123456789abcdef'2").short, "a::b'2")
        self.assertEqual(Function("", "a[0123456789abcdef]::b").short, "a::b")
        self.assertEqual(len(Function("", "a" * 500).short), 110)


class Start(unittest.TestCase):
    def test_copies_differ_in_a_section_that_says_its_length(self) -> None:
        module = b"\0asm\1\0\0\0"
        first, second = start.distinct(module, 0), start.distinct(module, 1)
        self.assertNotEqual(first, second)
        self.assertEqual(first, module + b"\0\7\5bench\0")

    def test_each_way_has_its_limit(self) -> None:
        lines = start.judge({start.CACHED: [24.0, 26.0], start.NEW: [119.0]})
        self.assertEqual([line.split()[0] for line in lines], ["unclear", "met"])


class Optimized(unittest.TestCase):
    def test_a_plugin_that_still_runs_quick_code_does_not_count(self) -> None:
        log = """\
INFO tollgate::plugin::supervise::verdict: plugin a-0: version 24f4979de0a3 serves (baseline)
DEBUG tollgate::plugin::supervise: plugin a-0: version 24f4979de0a3 serves (optimized)
INFO tollgate::plugin::supervise::verdict: plugin a-1: version 24f4979de0a3 serves (baseline)
INFO tollgate::plugin::supervise::verdict: plugin a-2: version 24f4979de0a3 serves (optimized)
"""
        self.assertEqual(proxies.optimized(log), {"a-0", "a-2"})


class Percentiles(unittest.TestCase):
    def test_nearest_rank(self) -> None:
        hundred = list(range(1, 101))
        self.assertEqual(load._percentile(hundred, 0.99), 99)
        self.assertEqual(load._percentile([7], 0.99), 7)
        self.assertEqual(reload.Series("", 1, [float(n) for n in range(1, 21)]).percentile(0.95), 19)


class Version(unittest.TestCase):
    def test_name_and_number_are_inverse(self) -> None:
        self.assertEqual(versions.number(versions.name(42)), 42)
        self.assertEqual(versions.number("reload-bench-42"), 0)
        self.assertEqual(versions.number(""), 0)

    def test_writes_other_bytes_of_the_same_length(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "guest"
            file.write_bytes(b"before " + versions.name(0).encode() + b" after")
            versions.Versions(file).write(7, file)
            self.assertEqual(file.read_bytes(), b"before " + versions.name(7).encode() + b" after")
            with self.assertRaisesRegex(ValueError, "0 places"):
                versions.Versions(file)


class Soak(unittest.TestCase):
    def test_wrong_answers_are_noticed(self) -> None:
        traffic = soak.Traffic(port=0, connections=0)
        traffic.written = 5
        for status, version, length, good in (
            (200, versions.name(4), 1024, True),
            (200, versions.name(3), 1024, True),
            (200, versions.name(2), 1024, False),
            (200, versions.name(6), 1024, False),
            (200, "", 1024, False),
            (502, versions.name(4), 1024, False),
            (200, versions.name(4), 1023, False),
        ):
            wrong = traffic._wrong(Answer(status, version, length), last=3, index=0)
            self.assertEqual(wrong is None, good, wrong)

    def test_growth_and_failures_fail(self) -> None:
        traffic = soak.Traffic(port=0, connections=0)
        self.assertEqual(soak.report(traffic, [100] * 200, 200), 0)
        self.assertEqual(soak.report(traffic, [100] * 150 + [111] * 50, 200), 1)
        self.assertEqual(soak.report(traffic, [100] * 50, 200), 1)
        traffic.failures.append("one")
        self.assertEqual(soak.report(traffic, [100] * 200, 200), 1)


class Usage(unittest.TestCase):
    def test_counts_the_cpu_of_children(self) -> None:
        burn = "while [ -e go ]; do :; done"
        with tempfile.TemporaryDirectory() as directory:
            flag = Path(directory) / "go"
            flag.touch()
            command = ["sh", "-c", f"cd {directory}; sh -c '{burn}'; sleep 60"]
            with Process("burner", command, Path(directory)) as process:
                before = process.usage()
                deadline = os.times().elapsed + 30
                while (process.usage() - before).cpu_seconds < 0.05 and os.times().elapsed < deadline:
                    pass
                used = (process.usage() - before).cpu_seconds
                flag.unlink()
            self.assertGreaterEqual(used, 0.05)


if __name__ == "__main__":
    unittest.main()
