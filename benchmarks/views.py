"""How long the screens of the queue take on the server with many jobs: `python3 benchmarks/views.py`.

It makes a database, fills it, measures and drops it; see docs/benchmarks.md.
"""

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "dev"))

from harness import sides as measured

from sandbox.console import Console
from sandbox.errors import Interrupted, SandboxError, ignore_signals, raise_on_signals
from sandbox.paths import Sandbox
from sandbox.prepare import prepare

_JOBS = 1_000_000
_LIMIT_MILLISECONDS = 300


def main(argv):
    """Measure and report; the exit code is 1 when a screen takes longer than the limit."""
    options = _parse(argv)
    console, sandbox = Console(), Sandbox.from_environment()
    raise_on_signals()
    try:
        with ExitStack() as cleanup:
            try:
                answer = _run(sandbox, console, options.jobs, cleanup)
            finally:
                ignore_signals()
    except SandboxError as error:
        console.fail(error)
        return error.exit_code
    except Interrupted as interruption:
        return interruption.exit_code
    if options.json:
        options.json.write_text(json.dumps(answer, indent=2) + "\n")
    return _report(console, answer["rows"], options.jobs)


def _run(sandbox, console, jobs, cleanup):
    sandbox.make()
    cleanup.enter_context(sandbox.lock("benchmark", lambda: console.say("  Waiting for another benchmark ...")))
    server = prepare(sandbox, console)
    cleanup.callback(server.stop)
    side = measured.Side(sandbox, server, measured.ours())
    cleanup.callback(side.remove)
    side.make(console)
    with console.step(f"Filling the table with {jobs:,} jobs and measuring"):
        return side.measure("views", jobs=jobs)


def _report(console, rows, jobs):
    console.say(f"\n{jobs:,} jobs, as a manager\n\n| screen | ms on the server | statements |\n| --- | ---: | ---: |")
    for row in rows:
        console.say(f"| {row['screen']} | {row['milliseconds']:.0f} | {row['statements']} |")
    slow = [row["screen"] for row in rows if row["milliseconds"] > _LIMIT_MILLISECONDS]
    if slow:
        console.say(f"\nAbove {_LIMIT_MILLISECONDS} ms: {', '.join(slow)}")
    return 1 if slow else 0


def _parse(argv):
    parser = argparse.ArgumentParser(prog="benchmarks/views.py", description="Measure the screens of the queue.")
    parser.add_argument("--jobs", type=int, metavar="N", default=_JOBS, help=f"rows in the table ({_JOBS:,})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all measurements to FILE")
    options = parser.parse_args(argv)
    if options.jobs < 1000:
        parser.error("--jobs must be at least 1000")
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
