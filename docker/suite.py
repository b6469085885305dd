#!/usr/bin/env python3
"""Runs the test suite in a fresh database.

    suite.py --odoo "COMMAND" [--db-args "OPTIONS"] [--keep] [TAGS ...]

COMMAND starts Odoo (`odoo`, `python3 odoo-bin`), OPTIONS are Odoo's for configuration and database
connection. TAGS are Odoo's test tags; without any, all tests of the modules in this checkout run.

The last line is `N passed, N failed` (and `, N skipped`), counted by Odoo's own test runner. It is not
printed when the suite did not run to its end. The exit code is 0 only if tests ran and none failed.
"""

import argparse
import contextlib
import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
DID_NOT_RUN = 3
PROBLEM = re.compile(r"^\S+ \S+ \d+ (WARNING|ERROR|CRITICAL) \S+ (\S+):")


def main(argv):
    """Returns the exit code."""
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda number, _frame: sys.exit(128 + number))
    options = parse(argv)
    suite = Suite(options)
    try:
        suite.run()
        return suite.report()
    except KeyboardInterrupt:
        return 130
    finally:
        if not options.keep:
            suite.drop_database()


def parse(argv):
    parser = argparse.ArgumentParser(prog="suite.py", description=__doc__.splitlines()[0])
    parser.add_argument("--odoo", required=True, metavar="COMMAND", help="the command that starts Odoo")
    parser.add_argument("--db-args", default="", metavar="OPTIONS", help="Odoo's options to reach a server")
    parser.add_argument("--keep", action="store_true", help="keep the database afterwards")
    parser.add_argument("tags", nargs="*", metavar="TAGS", help="Odoo test tags (all tests of this checkout)")
    return parser.parse_args(argv)


class Suite:
    """One run in one database."""

    def __init__(self, options):
        self.database = f"job_worker_suite_{os.getpid()}"
        self.modules = sorted(manifest.parent.name for manifest in REPOSITORY.glob("*/__manifest__.py"))
        self.tags = ",".join(options.tags) or ",".join(f"/{module}" for module in self.modules)
        self.exit_code = None
        self.result = {}
        self.problems = []
        self._odoo = shlex.split(options.odoo)
        self._connection = shlex.split(options.db_args)

    def run(self):
        """Run Odoo with the tests, pass its output on and remember what it complains about."""
        with tempfile.TemporaryDirectory() as directory:
            result = Path(directory) / "result.json"
            with self._start("run_tests.py", JOB_WORKER_SUITE=json.dumps(self._plan(result))) as odoo:
                self._read(odoo)
            self.exit_code = odoo.returncode
            self.result = json.loads(result.read_text()) if result.exists() else {}

    def report(self):
        """Print the problems and the closing line; returns the exit code."""
        self._print_problems()
        if why := self._why_it_does_not_count():
            print(f"The suite did not run to its end: {why}.", flush=True)
            return DID_NOT_RUN
        passed, failed, skipped = (self.result[name] for name in ("passed", "failed", "skipped"))
        print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""), flush=True)
        return 1 if failed or self.exit_code else 0

    def drop_database(self):
        """Quietly: there may be none."""
        plan = json.dumps({"database": self.database})
        with self._start("drop_database.py", JOB_WORKER_SUITE=plan) as odoo:
            output = odoo.communicate()[0]
        if odoo.returncode:
            sys.stderr.write(output)
            print(f"The database {self.database} could not be dropped.", file=sys.stderr)

    def _plan(self, result):
        """What the script inside of Odoo needs to know."""
        arguments = [
            *self._connection,
            f"--database={self.database}",
            f"--init={','.join(self.modules)}",
            f"--test-tags={self.tags}",
            f"--http-port={free_port()}",
            "--stop-after-init",
            "--workers=0",
            "--max-cron-threads=0",
        ]
        names = {"database": self.database, "modules": self.modules}
        return {**names, "arguments": arguments, "result": str(result)}

    def _start(self, script, **environment):
        """Odoo's shell runs a script from its standard input, whatever command starts Odoo."""
        with (HERE / "suite_scripts" / script).open() as source:
            return _Group(
                [*self._odoo, "shell", *self._connection, "--no-http"],
                stdin=source,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
                env={**os.environ, **environment},
            )

    def _read(self, odoo):
        for line in odoo.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            if PROBLEM.match(line):
                self.problems.append(line.rstrip())

    def _print_problems(self):
        if self.problems:
            print(f"\nWarnings and errors in the log ({len(self.problems)}):")
            for line in self.problems:
                print(f"  {line[:300]}")

    def _why_it_does_not_count(self):
        if not self.result:
            return f"Odoo ended with exit code {self.exit_code} before the tests did"
        if not self.result["loaded"]:
            return "the modules could not be loaded, see the log above"
        if self.result["missing"]:
            return "not installed: " + ", ".join(self.result["missing"])
        if not self.result["passed"] + self.result["failed"] + self.result["skipped"]:
            return f"no test has the tags {self.tags}"
        return None


class _Group(subprocess.Popen):
    """A process in a session of its own; leaving its context ends all of that."""

    def __exit__(self, *error):
        if error[0]:
            self._end()
        result = super().__exit__(*error)
        self._end()
        return result

    def _end(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


def free_port():
    """For the web requests of tests."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
