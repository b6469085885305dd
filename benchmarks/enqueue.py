"""How fast jobs are enqueued, beside OCA's queue_job on the same server: `python3 benchmarks/enqueue.py`.

It makes a database for each side, measures them in turns and drops them; see docs/benchmarks.md.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "dev"))

from harness import peer, program, report, runs, sides as measured, summary

_REPETITIONS = 5
_QUICK_DIVISOR = 10


def main(argv):
    """Measure and report; returns the exit code."""
    options = _parse(argv)
    return program.run(
        "benchmark", lambda sandbox, server, console, cleanup: _run(sandbox, server, console, options, cleanup)
    )


def _run(sandbox, server, console, options, cleanup):
    sides = _make_sides(sandbox, server, console, cleanup)
    answers = runs.interleave(sides, options.repeat, console, _measure_by(options))
    _report(console, sides, answers, options.json)


def _make_sides(sandbox, server, console, cleanup):
    """Ours, then OCA's if it can be had."""
    products, dependencies = [measured.ours()], ()
    try:
        library = peer.fetch(sandbox, console)
        products.append(measured.oca(library))
        dependencies = peer.dependencies(library)
    except peer.Unavailable as reason:
        console.say(f"  OCA's queue_job is left out: {reason}")
    sides = [measured.Side(sandbox, server, product) for product in products]
    for side in sides:
        cleanup.callback(side.remove)
        side.make(console, dependencies)
    return sides


def _measure_by(options):
    divisor = _QUICK_DIVISOR if options.quick else 1
    return lambda side: side.measure("enqueue", divisor=divisor)


def _report(console, sides, answers, file):
    lines, rows = report.describe(sides, answers), summary.summarize(answers)
    console.say(f"\n{report.header(lines)}\n\n{report.table(sides, rows)}\n")
    for line in report.alternatives(sides, rows):
        console.say(line)
    if file:
        content = {"about": lines, "summary": [row.as_json() for row in rows], "answers": answers}
        file.write_text(json.dumps(content, indent=2) + "\n")


def _parse(argv):
    parser = argparse.ArgumentParser(prog="benchmarks/enqueue.py", description="Measure how fast jobs are enqueued.")
    parser.add_argument("--quick", action="store_true", help="a tenth of the jobs, once: to see that it works")
    parser.add_argument("--repeat", type=int, metavar="N", help=f"repetitions of each side ({_REPETITIONS})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all measurements to FILE")
    options = parser.parse_args(argv)
    if options.repeat is None:
        options.repeat = 1 if options.quick else _REPETITIONS
    if options.repeat < 1:
        parser.error("--repeat must be at least 1")
    if options.json and not options.json.absolute().parent.is_dir():
        parser.error(f"--json: {options.json.parent} is not a directory")  # now, not after minutes
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
