"""A worker reduced to claiming: the engine alone, no Odoo. It "runs" a job by sleeping for some milliseconds.

    python claimer.py DSN_AS_JSON NAME SECONDS_PER_JOB FREE CHANNELS

It ends when it gets SIGTERM, or is killed. Rescuing others is among its duties.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import psycopg2

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "job_worker"))

from engine.channels import ChannelFilter  # noqa: E402
from engine.claim import claim_jobs, promote_due_jobs  # noqa: E402
from engine.connection import EngineConnection  # noqa: E402
from engine.limits import release_slots  # noqa: E402
from engine.memory import ClaimMemory  # noqa: E402
from engine.rescue import find_dead_workers, rescue_orphans  # noqa: E402
from engine.store import finish_job  # noqa: E402
from engine.workers import prepare_session, register_worker  # noqa: E402

RESCUE_SECONDS = 0.5
RESCUE_LOCK = 1


class Claimer:
    def __init__(self, dsn, name, seconds, free, channels):
        # The disk is not what is tested: a killed client loses nothing by it.
        self.connection = psycopg2.connect(
            **dsn, options="-c synchronous_commit=off", connection_factory=EngineConnection
        )
        self.connection.autocommit = True
        prepare_session(self.connection, [])
        self.cursor = self.connection.cursor()
        self.name, self.seconds, self.free, self.channels = name, seconds, free, ChannelFilter.parse(channels)
        self.memory = ClaimMemory()
        self.worker_id = register_worker(
            self.connection, name=name, hostname=name, pid=os.getpid(), version="0", concurrency=free,
            channels=channels, status="running",
        )  # fmt: skip
        self.stopping = False
        self.rescue_due = 0.0
        signal.signal(signal.SIGTERM, self.stop)

    def stop(self, _number, _frame):
        self.stopping = True

    def run(self):
        while not self.stopping:
            self.rescue()
            promote_due_jobs(self.cursor)
            claim = claim_jobs(
                self.cursor, self.worker_id, self.name, self.free, channels=self.channels, memory=self.memory
            )  # fmt: skip
            if claim.jobs:
                self.work(claim.jobs)
            else:
                time.sleep(min(0.02, claim.retry_in if claim.retry_in is not None else 0.02))

    def work(self, jobs):
        """Run jobs one after the other, though all are started: their slots are taken all the while."""
        for job in jobs:
            started = time.monotonic()
            time.sleep(random.uniform(0, 2 * self.seconds))
            finish_job(self.cursor.execute, job, None, time.monotonic() - started)
        release_slots(self.cursor, jobs)

    def rescue(self):
        if time.monotonic() < self.rescue_due:
            return
        self.cursor.execute("SELECT pg_try_advisory_lock(%s)", [RESCUE_LOCK])
        if self.cursor.fetchone()[0]:
            if dead := find_dead_workers(self.cursor, 60):
                rescue_orphans(self.connection, dead, 0)
            self.cursor.execute("SELECT pg_advisory_unlock(%s)", [RESCUE_LOCK])
        self.rescue_due = time.monotonic() + RESCUE_SECONDS


if __name__ == "__main__":
    dsn, name, seconds, free, channels = sys.argv[1:]
    Claimer(json.loads(dsn), name, float(seconds), int(free), channels).run()
