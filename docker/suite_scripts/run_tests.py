"""Run by `odoo shell`: does what `odoo --init ... --test-tags ...` does and keeps the test runner's counts.

The server's log has a count of tests and failures, but none of skipped tests, and a test with two
failing subtests counts twice there. So the runner's own result object is asked at the end of each test.
"""

import json
import os
import sys
from contextlib import closing
from pathlib import Path

import odoo.sql_db
from odoo.service import db, server
from odoo.tests.result import OdooTestResult
from odoo.tools import config


def main():
    plan = json.loads(os.environ.pop("JOB_WORKER_SUITE"))
    tally = Tally()
    tally.watch(OdooTestResult)
    config.parse_config(plan["arguments"], setup_logging=True)
    db._create_empty_database(plan["database"])
    config["init"]["base"] = True
    code = server.start(preload=[plan["database"]], stop=True)
    loaded = code >= 0
    missing = missing_modules(plan["database"], plan["modules"]) if loaded else []
    Path(plan["result"]).write_text(json.dumps({**tally.counts, "loaded": loaded, "missing": missing}))
    sys.stdout.flush()
    sys.exit(1 if code else 0)


class Tally:
    """Counts tests by their outcome, as Odoo's test results see it."""

    def __init__(self):
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}

    def watch(self, result_class):
        """Look at each test's start and end, and at what fails or is skipped outside of one (setUpClass)."""
        for name in ("startTest", "stopTest", "addError", "addFailure", "addSkip"):
            setattr(result_class, name, self._after(getattr(result_class, name), getattr(self, f"_{name}")))

    @staticmethod
    def _after(original, observe):
        def method(result, *args, **kwargs):
            before = (result.errors_count + result.failures_count, result.skipped)
            original(result, *args, **kwargs)
            observe(result, before)

        return method

    def _startTest(self, result, before):
        result.before_test = before

    def _stopTest(self, result, _before):
        failures, skipped = result.before_test
        result.before_test = None
        if result.errors_count + result.failures_count > failures:
            self.counts["failed"] += 1
        elif result.skipped > skipped:
            self.counts["skipped"] += 1
        else:
            self.counts["passed"] += 1

    def _addError(self, result, before):
        failures = result.errors_count + result.failures_count
        if failures > before[0] and getattr(result, "before_test", None) is None:
            self.counts["failed"] += 1

    _addFailure = _addError

    def _addSkip(self, result, _before):
        if getattr(result, "before_test", None) is None:
            self.counts["skipped"] += 1


def missing_modules(database, modules):
    """Those that are not installed after all."""
    with closing(odoo.sql_db.db_connect(database).cursor()) as cr:
        cr.execute("SELECT name FROM ir_module_module WHERE state = 'installed'")
        installed = {name for (name,) in cr.fetchall()}
    odoo.sql_db.close_db(database)
    return sorted(set(modules) - installed)


main()
