"""job_worker beside its peers, each in its own database on one server: `python3 benchmarks/run.py`.

Measures in turns, prints one table and drops what it made; see docs/benchmarks.md.
"""

import argparse
import json
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "dev"))

from harness import catalog, report
from harness.floor import Floor
from harness.matrix import Matrix
from harness.peer import Unavailable
from harness.scenario import Options

from sandbox import venv
from sandbox.console import Console
from sandbox.errors import Interrupted, SandboxError, ignore_signals, raise_on_signals
from sandbox.paths import Sandbox
from sandbox.prepare import prepare

_REPETITIONS = 5
_QUICK = Options(jobs=500, finished=20_000, backlog=2_000, idle_seconds=5.0)


def main(argv):
    """Measure and report; returns the exit code."""
    arguments = _parse(argv)
    console, sandbox = Console(), Sandbox.from_environment()
    raise_on_signals()
    try:
        with ExitStack() as cleanup:
            try:
                _run(sandbox, console, arguments, cleanup)
            finally:
                ignore_signals()
    except SandboxError as error:
        console.fail(error)
        return error.exit_code
    except Interrupted as interruption:
        return interruption.exit_code
    return 0


def _run(sandbox, console, arguments, cleanup):
    sandbox.make()
    cleanup.enter_context(sandbox.lock("benchmark", lambda: console.say("  Waiting for another benchmark ...")))
    server = prepare(sandbox, console)
    cleanup.callback(server.stop)
    sys.path.append(str(venv.site_packages(sandbox.venv)))  # for psycopg2
    queues = catalog.make_queues(sandbox, server, arguments.peers, console, cleanup)
    full = catalog.FullTwin(sandbox, server, console, cleanup)
    scenarios = catalog.make_scenarios(arguments.scenarios, full)
    floor = _make_floor(sandbox, server, console, cleanup)
    matrix = Matrix(scenarios, queues, floor, arguments.options, console)
    about = report.about(queues, arguments.options, arguments.repeat)
    try:
        matrix.repeat(arguments.repeat)
    finally:
        _report(matrix, about, console, arguments.json)  # what there is, also after an interruption


def _make_floor(sandbox, server, console, cleanup):
    try:
        floor = Floor(sandbox, server)
    except Unavailable as reason:
        console.say(f"  pgbench is left out: {reason}")
        return None
    cleanup.callback(floor.remove)
    floor.make()
    return floor


def _report(matrix, about, console, file):
    console.say(f"\n{report.header(about)}\n\n{matrix.table()}\n")
    for line in [*matrix.floor_lines(), *matrix.notes]:
        console.say(f"- {line}")
    if file:
        content = {"about": about, "answers": matrix.answers, "floor": matrix.floor, "notes": matrix.notes}
        file.write_text(json.dumps(content, indent=2) + "\n")


def _parse(argv):
    parser = argparse.ArgumentParser(prog="benchmarks/run.py", description="Measure job_worker beside its peers.")
    sizes = Options()
    parser.add_argument("--quick", action="store_true", help="few jobs, once: to see that it works")
    parser.add_argument("--peers", type=_names(catalog.PEERS), default=catalog.PEERS, metavar="NAMES",
                        help=f"of {','.join(catalog.PEERS)}; empty for none")  # fmt: skip
    parser.add_argument("--scenarios", type=_names(catalog.SCENARIOS), default=catalog.SCENARIOS, metavar="NAMES",
                        help=f"of {','.join(catalog.SCENARIOS)}")  # fmt: skip
    parser.add_argument("--repeat", type=int, metavar="N", help=f"repetitions ({_REPETITIONS})")
    parser.add_argument("--jobs", type=int, metavar="N", help=f"jobs of most scenarios ({sizes.jobs})")
    parser.add_argument("--finished", type=int, metavar="N", help=f"finished jobs of history ({sizes.finished})")
    parser.add_argument("--backlog", type=int, metavar="N", help=f"ready jobs of history ({sizes.backlog})")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write all measurements to FILE")
    arguments = parser.parse_args(argv)
    if arguments.repeat is None:
        arguments.repeat = 1 if arguments.quick else _REPETITIONS
    given = {name: getattr(arguments, name) for name in ("jobs", "finished", "backlog")}
    for name, value in [("repeat", arguments.repeat), *given.items()]:
        if value is not None and value < 1:
            parser.error(f"--{name} must be at least 1, not {value}")
    if arguments.json and not arguments.json.absolute().parent.is_dir():
        parser.error(f"--json: {arguments.json.parent} is not a directory")  # now, not after an hour
    sizes = _QUICK if arguments.quick else sizes
    arguments.options = Options(**{**asdict(sizes), **{name: value for name, value in given.items() if value}})
    return arguments


def _names(known):
    def parse(text):
        names = [name.strip() for name in text.split(",") if name.strip()]
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return names

    return parse


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
