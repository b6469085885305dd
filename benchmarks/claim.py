"""How long a claim takes, whatever the table holds: `python3 benchmarks/claim.py`; see docs/benchmarks.md."""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "dev"))

from harness import program, report, sides as measured

_HEAD = ("scenario", "claims", "median ms", "p99 ms", "jobs/s", "times", "beside")


def main(argv):
    """Measure and report; returns the exit code."""
    options = _parse(argv)
    return program.run(
        "benchmark", lambda sandbox, server, console, cleanup: _run(sandbox, server, console, options, cleanup)
    )


def _run(sandbox, server, console, options, cleanup):
    side = measured.Side(sandbox, server, measured.ours())
    cleanup.callback(side.remove)
    side.make(console)
    sizes = {"done": options.done, "scheduled": options.scheduled, "passing": options.passing}
    with console.step("Measuring"):
        answer = side.measure("claim", **sizes, batch=options.batch, claims=options.claims)
    lines = report.describe([side], {side.product.key: [{**answer, "checkpoints": True}]})
    lines["Batch"] = f"{options.batch} jobs per claim"
    del lines["Repetitions"]
    console.say(f"\n{report.header(lines)}\n\n{report.plain_table(_HEAD, _cells(answer['rows']))}\n")
    if options.json:
        options.json.write_text(json.dumps({"about": lines, **answer}, indent=2) + "\n")


def _cells(rows):
    medians = {row["scenario"]: row["median_ms"] for row in rows}
    for row in rows:
        ratio = row["median_ms"] / medians[row["beside"]]
        times = (f"{row['median_ms']:.2f}", f"{row['p99_ms']:.2f}", f"{row['rows_per_second']:,.0f}")
        yield (row["scenario"], str(row["claims"]), *times, f"{ratio:.2f}", row["beside"])


def _parse(argv):
    parser = argparse.ArgumentParser(prog="benchmarks/claim.py", description="Measure how long a claim takes.")
    parser.add_argument("--done", type=int, default=10_000_000, metavar="N", help="done jobs (%(default)s)")
    parser.add_argument("--scheduled", type=int, default=1_000_000, metavar="N", help="scheduled jobs (%(default)s)")
    parser.add_argument(
        "--passing", type=int, default=500_000, metavar="N", help="jobs that pass a held snapshot (%(default)s)"
    )
    parser.add_argument("--batch", type=int, default=50, metavar="N", help="jobs per claim (%(default)s)")
    parser.add_argument("--claims", type=int, default=200, metavar="N", help="claims per scenario (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
