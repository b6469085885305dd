"""What waking the workers costs those who enqueue: `python3 benchmarks/notify.py`; see docs/benchmarks.md."""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "dev"))

from harness import program, report, sides as measured

_HEAD = ("clients", "without /s", "after the commit /s", "of without", "in the transaction /s", "of without")


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
    with console.step("Measuring"):
        answer = side.measure("notify", clients=options.clients, seconds=options.seconds, rounds=options.rounds)
    lines = report.describe([side], {side.product.key: [{**answer, "checkpoints": True}]})
    lines["Repetitions"] = f"median of {options.rounds} rounds of {options.seconds:g} s, interleaved"
    console.say(f"\n{report.header(lines)}\n\n{report.plain_table(_HEAD, _cells(answer['rows']))}\n")


def _cells(rows):
    for row in rows:
        base, after, inside = (row["rates"][way] for way in ("without", "after", "inside"))
        yield (
            str(row["clients"]), f"{base:,.0f}", f"{after:,.0f}", f"{row['after']:.0%}", f"{inside:,.0f}",
            f"{row['inside']:.0%}",
        )  # fmt: skip


def _parse(argv):
    parser = argparse.ArgumentParser(prog="benchmarks/notify.py", description="Measure what waking workers costs.")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 32], metavar="N", help="%(default)s")
    parser.add_argument("--seconds", type=float, default=5.0, metavar="S", help="of each measurement (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, metavar="N", help="of each way, in turns (%(default)s)")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
