"""Runs moto's own tests in server mode twice, against moto_server and through tollgate, and compares test by test.

    target/venv/bin/python tests/moto/compare.py             all suites
    target/venv/bin/python tests/moto/compare.py --some     the part that `make test` runs
    target/venv/bin/python tests/moto/compare.py sqs sns     these suites; any of moto's tests/test_NAME will do

Ends with 0 if no test came out differently through tollgate, with 1 if one did. See README.md.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.parse
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "e2e"))

from harness.servers import CACHE_DIRECTORY, Moto, Tollgate  # noqa: E402
from verdict import Verdict, differing, judge  # noqa: E402

SUITES = ["apigateway", "apigatewayv2", "apigatewaymanagementapi", "sqs", "sns", "kinesis"]

# The selection of --some: whole suites, and of the slow ones the files with the most requests a second.
SOME = {
    "apigateway": ["test_apigateway.py", "test_apigateway_stage.py", "test_apigateway_deployments.py"],
    "apigatewayv2": [],
    "apigatewaymanagementapi": [],
    "sqs": ["test_sqs_message_attributes.py", "test_sqs_cloudformation.py", "test_sqs_multiaccount.py"],
    "sns": ["test_topics.py", "test_subscriptions.py", "test_application.py", "test_publish_batch.py"],
    "kinesis": [],
}

WITH_APIGATEWAY = ("apigateway", "apigatewayv2")

RERUNS = 4

# The processes of pytest that run now; whoever ends this program early ends them, too.
RUNNING = []
STOPPING = threading.Event()
MARK = "x-moto-through"


class Side:
    """One way to the server: a fresh moto_server, and for "through" a tollgate with a plugin before it.

    The suites of API Gateway pass the plugin apigateway as well.
    """

    def __init__(self, name, directory, suite):
        self.name = name
        directory.mkdir(parents=True)
        self._record = directory / "outcomes.jsonl"
        self._output = directory / "pytest.log"
        self.moto = Moto()
        self.proxy = None
        try:
            if name == "through":
                plugins, config = {"add-header": {"name": MARK, "value": "yes"}}, ""
                if suite in WITH_APIGATEWAY:
                    plugins["apigateway"] = {"backend": self.moto.url}
                    config = f'[plugin.apigateway.allow]\nstate = true\nhttp = ["{self.moto.url}"]\n[state]\nstore = "memory"\n'
                self.proxy = Tollgate(self.moto.url, directory / "tollgate", plugins, config)
                if suite in WITH_APIGATEWAY:
                    self.proxy.process.wait_for(r"plugin apigateway: version \S+ serves", seconds=120)
        except BaseException:
            self.stop()
            raise

    def run(self, sources, tests):
        """Runs tests (paths or ids below moto's root); returns {id: entry}, see recorder.py."""
        url = (self.proxy or self.moto).url
        environment = {
            **os.environ,
            "TEST_SERVER_MODE": "true",
            "TEST_SERVER_MODE_ENDPOINT": "http://localhost:5000",
            "TESTS_SKIP_REQUIRES_DOCKER": "true",
            "MOTO_CONNECT": urllib.parse.urlsplit(url).netloc,
            "MOTO_MARK": MARK,
            "MOTO_RECORD": str(self._record),
            "PYTHONPATH": str(HERE),
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--color=no",
            "-p",
            "recorder",
            "-p",
            "no:cacheprovider",
        ]
        if STOPPING.is_set():
            raise SystemExit("stopped")
        command += ["--timeout=120", "-m", "not network and not requires_docker", *tests]
        with self._output.open("ab") as output:
            pytest = subprocess.Popen(
                command, cwd=sources, env=environment, stdout=output, stderr=output, stdin=subprocess.DEVNULL
            )
            RUNNING.append(pytest)
            status = pytest.wait()
            RUNNING.remove(pytest)
        if status not in (0, 1):  # 1: some tests failed
            raise SystemExit(f"pytest ended with {status} on the side {self.name}:\n{self.log()}")
        entries = (json.loads(line) for line in self._record.read_text().splitlines())
        return {entry["id"]: entry for entry in entries}

    def log(self):
        """The end of everything that was written on this side."""
        text = self._output.read_text(errors="replace")[-6000:] if self._output.exists() else ""
        for process in (self.proxy and self.proxy.process, self.moto.process):
            if process:
                text += f"\n--- {process.name} ---\n{process.output(60)}"
        return text

    def stop(self):
        if self.proxy:
            self.proxy.stop()
        self.moto.stop()


def both(sources, tests, directory, suite):
    """Runs the tests on both sides at once; returns the entries of (direct, through)."""
    results, errors = {}, []

    def run(name):
        try:
            side = Side(name, directory / name, suite)
            try:
                results[name] = side.run(sources, tests)
            finally:
                side.stop()
        except BaseException as error:  # shown by the main thread
            errors.append(error)

    threads = [threading.Thread(target=run, args=(name,)) for name in ("direct", "through")]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except BaseException:  # Ctrl-C or SIGTERM: each thread stops its servers when its pytest has ended
        STOPPING.set()
        while any(thread.is_alive() for thread in threads):
            for pytest in list(RUNNING):
                pytest.terminate()
            threads[0].join(0.2)
            threads[1].join(0.2)
        raise
    if errors:
        raise errors[0]
    return results["direct"], results["through"]


def outcomes(entries):
    return {test: entry["outcome"] for test, entry in entries.items()}


class Comparison:
    """A suite, run on both sides, with every difference run again on both."""

    def __init__(self, suite, sources, tests, directory):
        self.suite = suite
        started = time.monotonic()
        self.direct, self.through = both(sources, tests, directory / "run", suite)
        differences = differing(outcomes(self.direct), outcomes(self.through))
        self.verdicts = self._judge(differences, sources, directory)
        self.seconds = time.monotonic() - started

    def _judge(self, differences, sources, directory):
        if not differences:
            return {}
        print(f"{self.suite}: {len(differences)} came out differently; {RERUNS} re-runs of each", flush=True)
        histories = {
            test: ([outcomes(self.direct).get(test)], [outcomes(self.through).get(test)])
            for test in differences
        }
        for number in range(RERUNS):
            direct, through = both(sources, differences, directory / f"again-{number}", self.suite)
            for test, (before, after) in histories.items():
                before.append(outcomes(direct).get(test))
                after.append(outcomes(through).get(test))
        return {test: (judge(*history), *history) for test, history in histories.items()}

    @property
    def misled(self):
        """What shows that the sides were not what they should be: tollgate in one way and not in the other."""
        wrong = [
            f"{entry['id']} got a response through tollgate"
            for entry in self.direct.values()
            if entry["marked"]
        ]
        wrong += [
            f"{entry['id']}: {entry['requests'] - entry['marked']} of {entry['requests']} responses lack {MARK}"
            for entry in self.through.values()
            if entry["marked"] != entry["requests"]
        ]
        wrong += [
            f"{test}: {entry['broken']} connections failed, though a retry may have helped"
            for test, entry in self.through.items()
            if entry["broken"] and not self.direct.get(test, entry)["broken"]
        ]
        if not any(entry["marked"] for entry in self.through.values()):
            wrong.append(f"no test of {self.suite} reached tollgate")
        return wrong

    def count(self, *verdicts):
        return sum(verdict in verdicts for verdict, *_ in self.verdicts.values())

    def row(self):
        def passed(entries):
            return sum(entry["outcome"] == "passed" for entry in entries.values())

        def skipped(entries):
            return sum(entry["outcome"] == "skipped" for entry in entries.values())

        return [
            len(self.direct),
            passed(self.direct),
            passed(self.through),
            skipped(self.direct),
            sum(entry["requests"] > 0 for entry in self.through.values()),
            sum(entry["requests"] for entry in self.through.values()),
            self.count(Verdict.CHANGED, Verdict.UNSTEADY),
            self.count(Verdict.FLAKY),
            round(self.seconds),
        ]


HEADINGS = ["tests", "passed", "through", "skipped", "over HTTP", "requests", "changed", "flaky", "seconds"]


def table(comparisons):
    """The summary: for each suite how many tests passed directly and through tollgate, and how many changed."""
    lines = [["suite", *HEADINGS]]
    lines += [[each.suite, *map(str, each.row())] for each in comparisons]
    sums = [str(sum(column)) for column in zip(*(each.row() for each in comparisons))]
    lines.append(["all", *sums])
    widths = [max(map(len, column)) for column in zip(*lines)]

    def line(cells):
        return "  ".join([cells[0].ljust(widths[0]), *map(str.rjust, cells[1:], widths[1:])])

    return "\n".join(map(line, lines))


def sources():
    """moto's source distribution, with its tests, in target/moto: of the version that is installed."""
    name = f"moto-{version('moto')}"
    directory = REPOSITORY / "target" / "moto"
    unpacked = directory / name
    if (unpacked / "tests").is_dir():
        return unpacked
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory) as temporary:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=moto"]
        command += [f"moto=={version('moto')}", "--dest", temporary]
        if subprocess.run(command).returncode:
            raise SystemExit(f"can't download the source of {name} with pip; its tests are needed, see above")
        (archive,) = Path(temporary).glob("*.tar.gz")
        with tarfile.open(archive) as tar:
            tar.extractall(temporary, filter="data") if hasattr(tarfile, "data_filter") else tar.extractall(
                temporary
            )
        # In one step, so that a broken-off run leaves nothing that looks complete.
        os.rename(Path(temporary) / name, unpacked)
    return unpacked


def selection(suite, some):
    """What pytest is told for a suite."""
    directory = f"tests/test_{suite}"
    files = SOME.get(suite, []) if some else []
    return [f"{directory}/{name}" for name in files] or [directory]


def report(comparison):
    """Every test that counts, with what failed through tollgate."""
    for test, (verdict, before, after) in sorted(comparison.verdicts.items()):
        print(f"\n{verdict.value}: {test}\n  direct:  {before}\n  through: {after}")
        text = comparison.through.get(test, {}).get("text")
        if not verdict.good and text:
            print("  " + text.replace("\n", "\n  "))
    for line in comparison.misled[:10]:
        print(f"\nnot a comparison: {line}")


def stop_once(*_):
    """SIGTERM ends the run in order; a second one, as timeout(1) sends it, must not cut that short."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit("ended by SIGTERM")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="*", metavar="SUITE", default=SUITES)
    parser.add_argument("--some", action="store_true", help="only the part that `make test` runs")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, stop_once)
    root = sources()
    for suite in arguments.suites:
        if not (root / f"tests/test_{suite}").is_dir():
            parser.error(f"moto {version('moto')} has no tests/test_{suite}")
    directory = Path(tempfile.mkdtemp(prefix="moto-", dir=REPOSITORY / "target" / "moto"))
    os.environ[CACHE_DIRECTORY] = str(directory / "cache")
    comparisons = []
    for suite in arguments.suites:
        comparisons.append(Comparison(suite, root, selection(suite, arguments.some), directory / suite))
        report(comparisons[-1])
        print(f"{suite}: {len(comparisons[-1].direct)} tests in {comparisons[-1].seconds:.0f} s", flush=True)
    print("\n" + table(comparisons))
    good = all(
        not each.misled and all(entry[0].good for entry in each.verdicts.values()) for each in comparisons
    )
    if good:
        shutil.rmtree(directory)
    else:
        print(f"\nlogs: {directory}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
