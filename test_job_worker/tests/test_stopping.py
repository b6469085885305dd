import re
import signal

from odoo.tests import tagged

from .common import WorkerCase


@tagged("post_install", "-at_install")
class TestStopping(WorkerCase):
    """Jobs that don't end by themselves are stopped as promised, while their neighbours run on."""

    def assertNeighboursRunOn(self):
        ids = [self.enqueue_act(f"neighbour {number}") for number in range(5)]
        for job_id in ids:
            self.wait_for_state(job_id, "done")

    def cancel(self, *job_ids):
        with self.committed() as env:
            return env["queue.job"].browse(job_ids).button_cancel()["params"]["message"]

    def test_an_endless_loop_is_interrupted_at_its_timeout(self):
        job_id = self.enqueue_act("loop", "loop", timeout=1)
        self.start_worker()
        self.wait_for_state(job_id, "started")
        self.assertNeighboursRunOn()
        self.wait_until(lambda: self.job(job_id, "attempts"), "the attempt is charged")
        name, trace, crashes = self.job(job_id, "exc_name", "exc_info", "crashes")
        self.assertIn("TimeoutJobError", name)
        self.assertIn("_act_loop", trace)
        self.assertFalse(crashes)

    def test_a_job_that_holds_the_interpreter_is_killed_after_its_timeout(self):
        job_id = self.enqueue_act("hold", "hold", 3600, timeout=1, max_retries=1)
        worker = self.start_worker("--timeout-grace-seconds", "0.5")
        self.wait_for_state(job_id, "started")
        self.assertNeighboursRunOn()
        self.wait_until(lambda: self.job(job_id, "attempts"), "the attempt is charged")
        name, message, seconds = self.job(job_id, "exc_name", "exc_message", "duration")
        self.assertEqual(name, "TimeoutJobError")
        self.assertIn("had to be killed", message)
        self.assertGreater(seconds, 1.4)
        self.assertIsNone(worker.poll())

    def test_a_memory_hog_fails_with_that_reason_and_its_neighbours_run_on(self):
        job_id = self.enqueue_act("hog", "hog", max_retries=1)
        self.start_worker("--limit-memory-hard", str(2**30))
        self.assertNeighboursRunOn()
        self.wait_until(lambda: self.job(job_id, "attempts"), "the attempt is charged")
        name, message, crashes = self.job(job_id, "exc_name", "exc_message", "crashes")
        self.assertEqual((name, crashes), ("MemoryError", 1))
        self.assertIn(f"limit_memory_hard allows ({2**30} bytes)", message)
        self.assertEqual(self.ledger("hog"), [])

    def test_an_executor_above_the_soft_limit_is_replaced_after_its_job(self):
        worker = self.start_worker("--concurrency", "1", "--limit-memory-soft", str(300 * 2**20))
        first = self.enqueue_act("grow", "grow")
        self.wait_for_state(first, "done")
        second = self.enqueue_act("after")
        self.wait_for_state(second, "done")
        self.assertNotEqual(self.ledger("grow"), self.ledger("after"), "Another process ran the next job")
        self.assertIn("above limit_memory_soft", worker.log.read_text())
        self.assertEqual(self.job(first, "attempts"), 1)

    def test_executors_are_replaced_after_a_number_of_jobs(self):
        self.start_worker("--concurrency", "1", "--recycle-after-jobs", "2")
        for job_id in [self.enqueue_act(f"job {number}") for number in range(5)]:
            self.wait_for_state(job_id, "done")
        pids = [pid for (pid,) in self.query("SELECT pid FROM queue_test_ledger ORDER BY id")]
        self.assertEqual([pids.count(pid) for pid in dict.fromkeys(pids)], [2, 2, 1])

    def test_a_running_job_is_cancelled_by_an_exception_and_leaves_no_effect(self):
        job_id = self.enqueue_act("cancelled", "sleep", 3600)
        self.start_worker("--poll-timeout", "3600")
        self.wait_for_state(job_id, "started")
        self.assertIn("1 running jobs are being stopped", self.cancel(job_id))
        self.wait_for_state(job_id, "cancelled")
        attempts, name, message, worker_id = self.job(job_id, "attempts", "exc_name", "exc_message", "worker_id")
        self.assertEqual((attempts, name, worker_id), (1, "Cancelled", None))
        self.assertIn("while it ran", message)
        self.assertEqual(self.ledger("cancelled"), [])
        self.assertEqual(self.query("SELECT id FROM queue_job_cancellation"), [])

    def test_a_running_job_that_can_not_be_interrupted_is_killed_when_it_is_cancelled(self):
        job_id = self.enqueue_act("held", "hold", 3600)
        worker = self.start_worker("--timeout-grace-seconds", "0.5")
        self.wait_for_state(job_id, "started")
        self.cancel(job_id)
        self.wait_for_state(job_id, "cancelled")
        self.assertNeighboursRunOn()
        self.assertIsNone(worker.poll())

    def test_a_job_that_waits_for_a_retry_by_then_is_cancelled_all_the_same(self):
        job_id = self.enqueue_act("retried", "error")
        with self.committed() as env:
            job = env["queue.job"].browse(job_id)
            env.cr.execute("UPDATE queue_job SET state = 'started' WHERE id = %s", [job_id])
            job.button_cancel()
            env.cr.execute("UPDATE queue_job SET state = 'pending', scheduled = TRUE WHERE id = %s", [job_id])
        self.start_worker()
        self.wait_for_state(job_id, "cancelled")

    def test_what_depends_on_a_cancelled_running_job_is_cancelled_too(self):
        with self.committed() as env:
            ledger = env["queue.test.ledger"]
            first = ledger.delayable().act("first", "sleep", 3600)
            second = ledger.delayable().act("second")
            job = first.on_done(second).delay()
            ids = env["queue.job"].search([("graph_uuid", "=", job.graph_uuid)], order="id").ids
        self.start_worker()
        self.wait_for_state(ids[0], "started")
        self.cancel(ids[0])
        self.wait_for_state(ids[1], "cancelled")

    def test_the_work_of_a_job_that_commits_by_itself_stays_when_it_is_stopped(self):
        job_id = self.enqueue_act("committed", "commit", 3600)
        self.start_worker()
        self.wait_until(lambda: self.ledger("committed"), "its own commit is seen")
        self.cancel(job_id)
        self.wait_for_state(job_id, "cancelled")
        self.assertEqual(len(self.ledger("committed")), 1)

    def test_a_signal_logs_the_stack_of_each_executor(self):
        sleeping = self.enqueue_act("sleeping", "sleep", 3600)
        holding = self.enqueue_act("holding", "hold", 3600)
        worker = self.start_worker()
        for job_id in (sleeping, holding):
            self.wait_for_state(job_id, "started")

        def stacks_are_logged():
            worker.send_signal(signal.SIGUSR1)  # again and again: a job may be on its way into its method
            log = worker.log.read_text()
            return "in _act_sleep" in log and "in _act_hold" in log

        self.wait_until(stacks_are_logged, "both stacks are in the log")
        log = worker.log.read_text()
        self.assertTrue(re.search(r"Executor \d+ runs job .* queue.test.ledger.act for [\d.]+ s", log), log)
        self.assertEqual(self.job(sleeping, "state"), "started", "It runs on")
