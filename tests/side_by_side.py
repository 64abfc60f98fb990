"""Runs targets of the Makefile side by side, each as soon as those that it waits for are done.

    python3 tests/side_by_side.py [--at-once N] TARGET[:BEFORE,…] …

What a target waited for is not looked at again (make's -o). A target's output is kept until it ends and then shown whole, so that the outputs don't mix; until then a line says twice a
minute what runs. What waits for a target that failed is not run. The last lines are a table with each target's time on the clock and
on the CPU. Ends with 0 if all targets did.
"""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time

# Seconds between two lines that say what still runs.
TELL_EVERY = 30
LOOK_EVERY = 0.2


class Target:
    """A target of the Makefile: what must be done before it, and what became of it."""

    def __init__(self, text):
        self.name, _, before = text.partition(":")
        self.before = [name for name in before.split(",") if name]
        self.process = None
        self.output = None
        self.code = None
        self.began = self.wall = self.cpu = 0.0

    def start(self, make, done):
        self.output = tempfile.TemporaryFile()
        self.began = time.monotonic()
        old = [word for name in sorted(done) for word in ("-o", name)]
        # A group of its own, so that whoever ends this program ends all that it started.
        self.process = subprocess.Popen(
            [*make, *old, self.name],
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def ended(self):
        """Whether it has ended; then its exit code and times are known."""
        pid, status, usage = os.wait4(self.process.pid, os.WNOHANG)
        if pid == 0:
            return False
        self.code = self.process.returncode = os.waitstatus_to_exitcode(status)
        self.wall = time.monotonic() - self.began
        self.cpu = usage.ru_utime + usage.ru_stime
        return True

    def show(self):
        verdict = "ok" if self.code == 0 else f"FAILED ({self.code})"
        print(f"==== {self.name}: {verdict} after {self.wall:.0f} s", flush=True)
        self.output.seek(0)
        sys.stdout.buffer.write(self.output.read())
        sys.stdout.flush()


def done_of(targets):
    return {target.name for target in targets if target.code == 0}


def can_start(targets, running):
    """The targets whose time has come, in their order."""
    done = done_of(targets)
    waiting = [target for target in targets if target.code is None and target not in running]
    return [target for target in waiting if done.issuperset(target.before)]


def run(targets, make, at_once):
    running = []
    began = told = time.monotonic()
    while True:
        for target in can_start(targets, running)[: at_once - len(running)]:
            print(f"[{time.monotonic() - began:4.0f} s] {target.name}", flush=True)
            target.start(make, done_of(targets))
            running.append(target)
        if not running:
            return
        time.sleep(LOOK_EVERY)
        for target in [target for target in running if target.ended()]:
            running.remove(target)
            target.show()
        if time.monotonic() - told > TELL_EVERY:
            told = time.monotonic()
            print(f"[{told - began:4.0f} s] running: {', '.join(target.name for target in running)}", flush=True)


def stop(targets):
    for target in targets:
        if target.process and target.code is None:
            os.killpg(target.process.pid, signal.SIGTERM)
            target.process.wait()


def check(targets):
    """Each name once, and nothing waits for what nobody runs."""
    names = [target.name for target in targets]
    twice = {name for name in names if names.count(name) > 1}
    unknown = {name for target in targets for name in target.before} - set(names)
    if twice or unknown:
        sys.exit(f"side_by_side.py: named twice: {sorted(twice)}; waited for and not named: {sorted(unknown)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--at-once", type=int, default=3, metavar="N", help="targets that run at the same time (default 3)")
    parser.add_argument("--make", default="make", help="the command that runs a target")
    parser.add_argument("targets", nargs="+", metavar="TARGET[:BEFORE,…]")
    args = parser.parse_args()
    targets = [Target(text) for text in args.targets]
    check(targets)
    # SIGTERM ends it like Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run(targets, shlex.split(args.make), args.at_once)
    finally:
        stop(targets)
    print("==== target, seconds on the clock, seconds on the CPU")
    for target in targets:
        state = {None: "not run", 0: "ok"}.get(target.code, "FAILED")
        print(f"{target.name:20} {target.wall:6.0f} {target.cpu:6.0f}  {state}")
    sys.exit(any(target.code != 0 for target in targets))


if __name__ == "__main__":
    main()
