import contextlib
import os
import random
import signal

import psutil

from odoo.tests import tagged

from .common import WorkerCase

COUNT = 1000
KILL_EVERY = 20


@tagged("post_install", "-at_install")
class TestChaos(WorkerCase):
    """Processes are killed at random, again and again, and every job takes effect exactly once."""

    def test_a_thousand_jobs_survive_kills_of_executors_supervisors_and_managers(self):
        chance = random.Random(4)
        self.insert_jobs("queue.test.ledger", "act", [[f"job {number}", "sleep", 0.02] for number in range(COUNT)])
        for _number in range(2):
            self.start_worker()
        for part in range(1, COUNT // KILL_EVERY):
            self.wait_until(lambda done=part * KILL_EVERY: self.count_done() >= done, "more jobs are done", seconds=120)
            self.kill_one(chance, part)
        self.wait_until(lambda: self.count_done() == COUNT, f"all {COUNT} jobs are done", seconds=180)
        self.assertEqual(self.query("SELECT count(*), count(DISTINCT name) FROM queue_test_ledger"), [(COUNT, COUNT)])
        charged = self.query("SELECT count(*) FROM queue_job WHERE attempts > 1")[0][0]
        self.assertLessEqual(charged, 4 * COUNT // KILL_EVERY, "Only what can have been running is charged")

    def kill_one(self, chance, part):
        """Kill an executor, every fifth time a supervisor, every tenth a whole worker."""
        worker = chance.choice([worker for worker in self.workers if worker.poll() is None])
        if part % 10 == 0:
            victim = worker
            self.start_worker()
        elif part % 5 == 0:
            victim = chance.choice(self.wait_until(worker.children, "it has a supervisor"))
        else:
            victim = chance.choice(self.wait_until(lambda: self.grandchildren(worker), "it has executors"))
        with contextlib.suppress(ProcessLookupError):  # it may have ended by itself meanwhile
            os.kill(victim.pid, signal.SIGKILL)
        if victim is worker:
            worker.wait()  # or it would be chosen again, as if it were alive

    def grandchildren(self, worker):
        """The executors, as they are now; a process may end while one looks."""
        found = []
        for child in worker.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                found += child.children()
        return found

    def count_done(self):
        return self.query("SELECT count(*) FROM queue_job WHERE state = 'done'")[0][0]

    def test_prefetched_neighbours_of_a_job_that_kills_the_worker_are_not_charged(self):
        # Short jobs first, so that the worker learns to claim ahead.
        self.insert_jobs("queue.test.ledger", "act", [[f"warm {number}"] for number in range(200)])
        self.insert_jobs("queue.test.ledger", "act", [["killer", "kill_worker"]], max_retries=1)
        self.insert_jobs("queue.test.ledger", "act", [[f"neighbour {number}"] for number in range(300)])
        victim = self.start_worker("--concurrency", "1")
        self.wait_until(lambda: victim.poll() is not None, "the worker is killed")
        self.start_worker("--concurrency", "1")
        self.wait_until(lambda: self.count_done() == 500, "all neighbours are done")
        self.assertEqual(self.query("SELECT max(attempts) FROM queue_job WHERE state = 'done'"), [(1,)])
        charged = "SELECT exc_name, attempts FROM queue_job WHERE payload LIKE '%%killer%%'"
        self.assertEqual(self.query(charged), [("WorkerLost", 1)])

    def test_a_rolling_restart_under_load_charges_no_attempt(self):
        self.insert_jobs("queue.test.ledger", "act", [[f"job {number}", "sleep", 0.01] for number in range(600)])
        worker = self.start_worker()
        for part in range(1, 4):
            self.wait_until(lambda done=part * 120: self.count_done() >= done, "more jobs are done")
            successor = self.start_worker()
            worker.send_signal(signal.SIGTERM)
            self.assertEqual(worker.wait(30), 0)
            worker = successor
        self.wait_until(lambda: self.count_done() == 600, "all are done")
        self.assertEqual(self.query("SELECT min(attempts), max(attempts) FROM queue_job"), [(1, 1)])

    def test_a_reload_under_load_charges_no_attempt_and_keeps_running_jobs(self):
        long_id = self.enqueue_act("long", "sleep", 8)
        self.insert_jobs("queue.test.ledger", "act", [[f"job {number}", "sleep", 0.01] for number in range(400)])
        worker = self.start_worker()
        self.wait_for_state(long_id, "started")
        for part in range(1, 3):
            self.wait_until(lambda done=part * 100: self.count_done() >= done, "more jobs are done")
            before = self.serving(worker)
            worker.send_signal(signal.SIGHUP)
            self.wait_until(lambda old=before: self.serving(worker) - old, "a successor serves")
        self.wait_until(lambda: self.count_done() == 401, "all are done, the long one too")
        self.assertEqual(self.query("SELECT min(attempts), max(attempts) FROM queue_job"), [(1, 1)])
        self.assertIsNone(worker.poll())
        self.wait_until(lambda: len(worker.children()) == 1, "the old processes are gone")

    def serving(self, worker):
        """Process ids of the supervisors of ``worker`` that claim jobs."""
        serving = {pid for (pid,) in self.query("SELECT pid FROM queue_worker WHERE status <> 'draining'")}
        return serving & {child.pid for child in worker.children() if child.status() != psutil.STATUS_ZOMBIE}
