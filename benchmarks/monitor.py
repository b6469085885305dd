"""How fast the dashboard and the collection of metrics are with a full table: `python3 benchmarks/monitor.py`.

It makes a database, fills it, measures and drops it; see docs/benchmarks.md.
"""

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "dev"))

from harness import report, sides as measured

from sandbox.console import Console
from sandbox.errors import Interrupted, SandboxError, ignore_signals, raise_on_signals
from sandbox.paths import REPOSITORY, Sandbox
from sandbox.prepare import prepare

_LIMIT_MS = 300


def main(argv):
    """Measure and report; returns the exit code, 1 when the dashboard is slower than it may be."""
    options = _parse(argv)
    console, sandbox = Console(), Sandbox.from_environment()
    raise_on_signals()
    try:
        with ExitStack() as cleanup:
            try:
                return _run(sandbox, console, options, cleanup)
            finally:
                ignore_signals()
    except SandboxError as error:
        console.fail(error)
        return error.exit_code
    except Interrupted as interruption:
        return interruption.exit_code


def _run(sandbox, console, options, cleanup):
    sandbox.make()
    cleanup.enter_context(sandbox.lock("benchmark", lambda: console.say("  Waiting for another benchmark ...")))
    server = prepare(sandbox, console)
    cleanup.callback(server.stop)
    product = measured.Product("monitor", "job_worker_monitor", "job_worker_monitor", None, REPOSITORY, ())
    side = measured.Side(sandbox, server, product)
    cleanup.callback(side.remove)
    side.make(console)
    with console.step(f"Filling it with {options.jobs:,} jobs and measuring"):
        answer = side.measure("monitor", ended=options.jobs, ready=options.ready, repeat=options.repeat)
    return _report(side, answer, console, options)


def _report(side, answer, console, options):
    lines = report.describe([side], {side.product.key: [answer]})
    sizes = answer["sizes"]
    lines["Repetitions"] = f"{options.repeat} of each; the median counts"
    lines["Jobs"] = f"{sizes['ended']:,} ended, {sizes['ready']:,} ready; {sizes['metrics']:,} rows of metrics"
    console.say(f"\n{report.header(lines)}\n\n{_table(answer['rows'])}\n")
    if options.json:
        options.json.write_text(json.dumps({"about": lines, **answer}, indent=2) + "\n")
    slow = [row for row in answer["rows"] if row["what"].startswith("Dashboard") and row["median"] * 1000 > _LIMIT_MS]
    for row in slow:
        console.say(f"{row['what']}: slower than {_LIMIT_MS} ms")
    return 1 if slow else 0


def _table(rows):
    lines = ["| what | ms | slowest |", "| --- | ---: | ---: |"]
    for row in rows:
        lines.append(f"| {row['what']} | {1000 * row['median']:,.0f} | {1000 * max(row['seconds']):,.0f} |")
    return "\n".join(lines)


def _parse(argv):
    parser = argparse.ArgumentParser(prog="benchmarks/monitor.py", description="Measure the monitor on a full table.")
    parser.add_argument("--jobs", type=int, default=1_000_000, metavar="N", help="ended jobs (1000000)")
    parser.add_argument("--ready", type=int, default=1000, metavar="N", help="jobs that could run (1000)")
    parser.add_argument("--repeat", type=int, default=7, metavar="N", help="measurements of each (7)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all measurements to FILE")
    options = parser.parse_args(argv)
    if min(options.jobs, options.repeat) < 1 or options.ready < 0:
        parser.error("--jobs and --repeat must be at least 1, --ready at least 0")
    if options.json and not options.json.absolute().parent.is_dir():
        parser.error(f"--json: {options.json.parent} is not a directory")  # now, not after minutes
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
