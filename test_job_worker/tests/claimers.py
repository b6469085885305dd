"""Processes that only claim, and a log of all starts and ends that PostgreSQL keeps itself."""

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg2

from odoo import sql_db

from odoo.addons.job_worker.engine.channels import lineage
from odoo.addons.job_worker.runtime import database

from .common import ProcessCase

PROGRAM = Path(__file__).parent / "programs" / "claimer.py"
# A start is written after it was decided, an end before it is committed: so two jobs that overlap
# in the log have overlapped in truth.
_LOG = """
    CREATE TABLE queue_test_event (
        seconds float8, job_id int, start boolean, channel varchar, concurrency_key varchar
    );
    CREATE FUNCTION queue_test_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO queue_test_event VALUES (
            EXTRACT(EPOCH FROM clock_timestamp()), NEW.id, NEW.state = 'started', NEW.channel, NEW.concurrency_key
        );
        RETURN NULL;
    END $$;
    CREATE TRIGGER queue_test_note AFTER UPDATE OF state ON queue_job FOR EACH ROW
        WHEN ((OLD.state = 'started') <> (NEW.state = 'started')) EXECUTE FUNCTION queue_test_note();
"""
_NO_LOG = """
    DROP TRIGGER IF EXISTS queue_test_note ON queue_job;
    DROP FUNCTION IF EXISTS queue_test_note;
    DROP TABLE IF EXISTS queue_test_event;
"""


class ClaimerCase(ProcessCase):
    """Starts claimers, kills some, and looks at every moment of what they did."""

    def setUp(self):
        super().setUp()
        self.claimers = []
        self.limited = []
        self.addCleanup(self._clean)
        self.connection = psycopg2.connect(**database.dsn(self.db_name))
        self.connection.autocommit = True
        self.addCleanup(self.connection.close)
        self.query(_NO_LOG + _LOG)

    def query(self, sql, *params):
        with self.connection.cursor() as cursor:
            cursor.execute(sql, params or None)
            return cursor.fetchall() if cursor.description else None

    def limit(self, name, limit=-1, rate=0.0, burst=1, paused=False):
        self.limited.append(name)
        self.query(
            """INSERT INTO queue_limit (name, "limit", rate_limit, burst, paused) VALUES (%s, %s, %s, %s, %s)
               ON CONFLICT (name) DO UPDATE SET "limit" = EXCLUDED.limit, rate_limit = EXCLUDED.rate_limit,
                                                burst = EXCLUDED.burst, paused = EXCLUDED.paused""",
            name, limit, rate, burst, paused,
        )  # fmt: skip

    def insert(self, channels, keys=None, priorities=None):
        """Insert a job for each channel of a list, with the key and the priority of the same place."""
        self.query(
            """INSERT INTO queue_job (uuid, state, model_name, method_name, payload, channel, priority, max_retries,
                                      create_date, concurrency_key, key_place)
               SELECT gen_random_uuid(), 'pending', 'res.partner', 'read', '{}', channel, COALESCE(priority, 10), 5,
                      clock_timestamp() AT TIME ZONE 'UTC', key, CASE WHEN key IS NOT NULL THEN 'new' END
                 FROM unnest(%s::text[], %s::text[], %s::int[]) AS job (channel, key, priority)""",
            channels, keys or [], priorities or [],
        )  # fmt: skip

    def start_claimers(self, count, seconds_per_job=0.002, free=4, channels=""):
        for _claimer in range(count):
            name = f"claimer-{len(self.claimers)}"
            log = (self.directory / f"{name}-{self._testMethodName}.log").open("w")
            dsn = json.dumps(database.dsn(self.db_name))
            command = [sys.executable, PROGRAM, dsn, name, seconds_per_job, free, channels]
            claimer = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log)
            claimer.log = log.name
            log.close()
            self.claimers.append(claimer)

    def kill_one(self):
        """Kill a random claimer in whatever it is doing, and start another one."""
        victim = random.choice([claimer for claimer in self.claimers if claimer.poll() is None])
        victim.kill()
        victim.wait()
        self.start_claimers(1)

    def stop_claimers(self):
        """Stop all; fail with its output if one ended by an error."""
        living = [claimer for claimer in self.claimers if claimer.poll() is None]
        for claimer in living:
            claimer.terminate()
        for claimer in self.claimers:
            code = claimer.wait(timeout=30)
            self.assertIn(code, (0, -signal.SIGTERM, -signal.SIGKILL), Path(claimer.log).read_text())

    def unfinished(self):
        return self.query("SELECT count(*) FROM queue_job WHERE state <> 'done'")[0][0]

    def running_now(self, name):
        """Jobs of a channel, and below it, that run at this moment, in one snapshot."""
        rows = self.query("SELECT channel, count(*) FROM queue_job WHERE state = 'started' GROUP BY channel")
        return sum(count for channel, count in rows if name in lineage(channel))

    def events(self):
        """``(seconds, start, channel, key)`` in their order, ends first."""
        return self.query("SELECT seconds, start, channel, concurrency_key FROM queue_test_event ORDER BY 1, 2")

    def starts_since(self, seconds):
        return self.query("SELECT count(*) FROM queue_test_event WHERE start AND seconds > %s", seconds)[0][0]

    def most_at_once(self, of):
        """How many jobs ran at the same time at most, for each of the names that ``of(channel, key)`` gives."""
        running, most = {}, {}
        for _seconds, start, channel, key in self.events():
            for name in of(channel, key):
                running[name] = running.get(name, 0) + (1 if start else -1)
                most[name] = max(most.get(name, 0), running[name])
        self.assertTrue(all(count == 0 for count in running.values()), "Each start has its end")
        return most

    def now(self):
        return self.query("SELECT EXTRACT(EPOCH FROM clock_timestamp())::float8")[0][0]

    def _clean(self):
        for claimer in self.claimers:
            if claimer.poll() is None:
                claimer.kill()
            claimer.wait()
        with sql_db.db_connect(self.db_name).cursor() as cr:
            cr.execute(_NO_LOG)
            cr.execute("DELETE FROM queue_job; DELETE FROM queue_worker")
            cr.execute("DELETE FROM queue_limit WHERE name = ANY(%s)", [self.limited])


def wait(seconds):
    """For what is measured over a stretch of time."""
    time.sleep(seconds)
