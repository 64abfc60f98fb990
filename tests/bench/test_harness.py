"""The parts of the benches that decide something. Run by `python3 -m unittest discover tests/bench`."""

from __future__ import annotations

import os
import tempfile
import unittest
from pathlib import Path

import reload
import soak
from harness import load, rounds, versions
from harness.client import Answer
from harness.process import Process
from harness.rounds import Sample, Spread
from harness.verdicts import verdict


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
