"""Looks at the jobs of a database from outside of Odoo."""

import json
import subprocess
import time

from . import commands
from .errors import SandboxError
from .paths import SCRIPTS


class Jobs:
    """A stream of snapshots: lists of {id, uuid, name, state, attempts, duration}, twice a second."""

    def __init__(self, sandbox, database, first_id, require_running):
        self._argv = [sandbox.python, SCRIPTS / "jobs.py", sandbox.conf, database, first_id]
        self._log = sandbox.logs / "jobs.log"
        self._require_running = require_running

    def __enter__(self):
        with self._log.open("w") as log:
            self._reader = subprocess.Popen(
                [str(part) for part in self._argv],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
                env=commands.environment(),
            )
        return self

    def __exit__(self, *_error):
        self._reader.kill()
        self._reader.communicate()

    def snapshots(self):
        """Without end; fails when the worker, Odoo or the reader is gone."""
        for line in self._reader.stdout:
            self._require_running()
            yield json.loads(line)
        self._require_running()
        raise SandboxError("The jobs can't be read any more.", log=self._log)

    def changes(self):
        """A line for each change of a job's state or attempts."""
        started = time.monotonic()
        known = {}
        for snapshot in self.snapshots():
            for job in snapshot:
                seen = (job["state"], job["attempts"])
                if known.get(job["id"]) != seen:
                    known[job["id"]] = seen
                    yield f"{time.monotonic() - started:7.1f} s  {describe(job)}"


def describe(job):
    """A job in one line."""
    attempts = f"attempt {job['attempts']}" if job["attempts"] else ""
    return f"{job['uuid'][:8]}  {job['state']:<10} {attempts:<10} {job['name'] or ''}"
