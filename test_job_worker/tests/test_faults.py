import os
import random
import signal

import psutil

from odoo import sql_db
from odoo.tests import tagged

from .common import WorkerCase


@tagged("post_install", "-at_install")
class TestFaults(WorkerCase):
    """What is promised for broken connections, frozen and killed processes."""

    def query(self, sql, *params):
        # Tests in here break connections, of Odoo's pool too.
        sql_db.close_db(self.db_name)
        return super().query(sql, *params)

    def break_connections(self):
        """Terminate every other session of the database, as a failover or a restart would."""
        self.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    def enqueue_ledger(self, count, seconds=0.0):
        with self.committed() as env:
            calls = [
                {"model_name": "queue.test.ledger", "method_name": "act", "args": [f"job {number}", "sleep", seconds]}
                for number in range(count)
            ]
            env["queue.job"].enqueue_many(calls, max_retries=0, retry_pattern={1: 0})

    def wait_for_executors(self, worker):
        return self.wait_until(lambda: self.executors(worker), "it has executors")

    def wait_until_done(self, count):
        done = "SELECT count(*) >= %s FROM queue_job WHERE state = 'done'"
        self.wait_until(lambda: self.query(done, count) == [(True,)], f"{count} jobs are done")

    def wait_until_all_are_done(self, count):
        done = "SELECT count(*) FROM queue_job WHERE state = 'done'"
        self.wait_until(lambda: self.query(done) == [(count,)], f"all {count} jobs are done", seconds=120)
        self.assertEqual(self.query("SELECT count(*) FROM queue_test_ledger"), [(count,)])

    def test_broken_connections_lose_no_job_and_run_none_twice(self):
        count = 150
        worker = self.start_worker()
        self.enqueue_ledger(count, seconds=0.02)
        for part in range(1, 6):
            self.wait_until_done(part * 20)
            self.break_connections()
        self.wait_until_all_are_done(count)
        self.assertIsNone(worker.poll())
        self.assertEqual(self.query("SELECT max(attempts) FROM queue_job"), [(1,)], "No attempt is charged for it")
        log = worker.log.read_text()
        self.assertIn("Lost the connection to PostgreSQL, reconnecting", log)
        self.assertIn("Connected to PostgreSQL again", log)

    def test_killed_executors_and_workers_leave_every_job_done_once(self):
        count = 150
        self.start_worker()
        self.start_worker()
        self.enqueue_ledger(count, seconds=0.02)
        chance = random.Random(19)
        for part in range(1, 6):
            self.wait_until_done(part * 20)
            alive = [worker for worker in self.workers if worker.poll() is None]
            if part % 2:
                victim = chance.choice(self.wait_for_executors(chance.choice(alive)))
            else:
                victim = chance.choice(alive)
                self.start_worker()
            os.kill(victim.pid, signal.SIGKILL)
        self.wait_until_all_are_done(count)

    def test_the_job_of_a_killed_worker_runs_elsewhere_within_two_seconds(self):
        job_id = self.enqueue_act("moved", "sleep", 3600)
        victim = self.start_worker()
        self.wait_for_state(job_id, "started")
        self.start_worker()
        victim.kill()
        victim.wait()
        self.wait_until(lambda: self.job(job_id, "state", "attempts") == ("started", 1), "it runs elsewhere", seconds=2)

    def test_a_frozen_worker_loses_its_job_and_can_not_commit_it_later(self):
        job_id = self.enqueue_act("frozen", "sleep", 2)
        options = ("--stale-after-seconds", "3", "--heartbeat-interval-seconds", "1", "--concurrency", "1")
        frozen = self.start_worker(*options)
        self.wait_for_state(job_id, "started")
        processes = [frozen, *frozen.children(recursive=True)]
        for process in processes:
            process.suspend()
        self.start_worker(*options)
        self.wait_until(lambda: self.job(job_id, "attempts") == 1, "the frozen worker is taken for dead")
        # The frozen executor holds a lock on the ledger's unique name until it wakes up.
        for process in processes:
            process.resume()
        self.wait_for_state(job_id, "done")
        self.assertEqual(self.job(job_id, "attempts"), 2)
        self.assertEqual(len(self.ledger("frozen")), 1)
        self.wait_until(lambda: "starting afresh" in frozen.log.read_text(), "the frozen worker starts afresh")
        self.assertIsNone(frozen.poll())
        again = self.enqueue_act("afterwards")
        self.wait_for_state(again, "done")

    def test_a_stopped_worker_leaves_no_process_and_no_claim(self):
        self.enqueue_ledger(200, seconds=0.02)
        worker = self.start_worker()
        self.wait_until(lambda: self.query("SELECT 1 FROM queue_job WHERE state = 'done'"), "it is at work")
        children = worker.children(recursive=True)
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(30), 0)
        self.assertEqual(psutil.wait_procs(children, timeout=5)[1], [])
        self.assertEqual(self.query("SELECT count(*) FROM queue_job WHERE state = 'started' OR attempts > 1"), [(0,)])
