import signal

import psutil

from odoo.tests import tagged

from .common import WorkerCase


@tagged("post_install", "-at_install")
class TestWorkerProcess(WorkerCase):
    def test_a_separate_process_runs_the_job_that_was_enqueued(self):
        with self.committed() as env:
            partner = env["res.partner"].create({"name": "Before"})
            job = env["queue.job"].enqueue(
                model_name="res.partner",
                method_name="write",
                record_ids=[partner.id],
                args=[{"name": "Updated by queue"}],
                kwargs={},
                channel="root",
                priority=10,
                max_retries=5,
            )
            partner_id, job_id = partner.id, job.id
        self.addCleanup(self.query, "DELETE FROM res_partner WHERE id = %s", partner_id)
        self.start_worker()
        self.wait_for_state(job_id, "done")
        self.assertEqual(self.query("SELECT name FROM res_partner WHERE id = %s", partner_id), [("Updated by queue",)])
        self.assertEqual(self.job(job_id, "attempts", "worker_id", "exc_info"), (1, None, None))

    def test_a_delayed_call_wakes_an_idle_worker(self):
        # Polling is off for the length of the test: only the notification can wake it.
        worker = self.start_worker("--poll-timeout", "3600")
        job_id = self.enqueue_act("woken", priority=5, channel="exports")
        self.wait_for_state(job_id, "done")
        (pid,) = self.ledger("woken")
        self.assertNotEqual(pid, worker.pid, "The job must run in a process of its own")

    def test_a_raising_job_leaves_no_effect_and_is_scheduled_again(self):
        job_id = self.enqueue_act("raising", "error")
        self.start_worker()
        self.wait_until(lambda: self.job(job_id, "attempts"), "the first attempt is recorded")
        state, scheduled, name, message = self.job(job_id, "state", "scheduled", "exc_name", "exc_message")
        self.assertEqual((state, scheduled, name, message), ("pending", True, "ValueError", "This job always raises"))
        self.assertIn("_act_error", self.job(job_id, "exc_info"))
        self.assertEqual(self.ledger("raising"), [])
        (wait,) = self.query(
            "SELECT EXTRACT(EPOCH FROM scheduled_at - write_date) FROM queue_job WHERE id = %s", job_id
        )[0]
        self.assertAlmostEqual(float(wait), 10, delta=0.1)

    def test_a_job_out_of_retries_fails(self):
        job_id = self.enqueue_act("exhausted", "retry", 0.0, max_retries=2)
        self.start_worker()
        self.wait_for_state(job_id, "failed")
        self.assertEqual(self.job(job_id, "attempts"), 3)

    def test_a_job_that_can_never_succeed_fails_at_once(self):
        job_id = self.enqueue_act("hopeless", "fail")
        self.start_worker()
        self.wait_for_state(job_id, "failed")
        self.assertEqual(self.job(job_id, "attempts", "exc_message"), (1, "This job can't succeed"))

    def test_a_job_that_kills_its_executor_is_charged_and_its_neighbours_run_on(self):
        killer = self.enqueue_act("killer", "kill", max_retries=1)
        leaver = self.enqueue_act("leaver", "exit", max_retries=1)
        worker = self.start_worker()
        neighbours = [self.enqueue_act(f"neighbour {number}") for number in range(5)]
        for job_id in neighbours:
            self.wait_for_state(job_id, "done")
        self.wait_until(lambda: self.job(killer, "attempts") and self.job(leaver, "attempts"), "both are charged")
        self.assertEqual(self.job(killer, "state", "exc_name"), ("pending", "ExecutorDied"))
        self.assertIn("SIGKILL", self.job(killer, "exc_message"))
        self.assertIn("code 3", self.job(leaver, "exc_message"))
        self.assertIsNone(worker.poll())

    def test_a_job_that_crashes_three_times_is_not_run_again(self):
        job_id = self.enqueue_act("poison", "kill", max_retries=0, retry_pattern={1: 0})
        self.start_worker()
        self.wait_for_state(job_id, "failed")
        self.assertEqual(self.job(job_id, "attempts", "crashes"), (3, 3))
        self.assertIn("not run again", self.job(job_id, "exc_message"))
        attempts = self.query("SELECT number, exc_name FROM queue_job_attempt WHERE job_id = %s ORDER BY id", job_id)
        self.assertEqual(attempts, [(number, "ExecutorDied") for number in (1, 2, 3)])

    def test_executors_that_die_while_the_supervisor_is_busy_do_not_take_it_along(self):
        job_ids = [self.enqueue_act(f"victim {number}", "sleep", 3600) for number in range(2)]
        worker = self.start_worker()
        for job_id in job_ids:
            self.wait_for_state(job_id, "started")
        supervisor, executors = self.supervisor(worker), self.executors(worker)
        # Both pipes of each are at their end when it looks again: what it does for one must not trip over the other.
        supervisor.suspend()
        for executor in executors:
            executor.kill()
        self.wait_until(lambda: all(is_zombie(executor) for executor in executors), "both are dead")
        supervisor.resume()
        for job_id in job_ids:
            self.wait_until(lambda job_id=job_id: self.job(job_id, "attempts"), "the attempt is charged")
            self.assertEqual(self.job(job_id, "exc_name"), "ExecutorDied")
        self.assertEqual(self.supervisor(worker), supervisor)

    def test_a_job_past_its_timeout_is_interrupted_and_charged(self):
        job_id = self.enqueue_act("slow", "sleep", 3600, timeout=1)
        self.start_worker()
        self.wait_until(lambda: self.job(job_id, "attempts"), "the attempt is charged")
        name, state = self.job(job_id, "exc_name", "state")
        self.assertEqual((name.rpartition(".")[2], state), ("TimeoutJobError", "pending"))
        self.assertIn("time.sleep", self.job(job_id, "exc_info"), "The traceback shows where it was")

    def test_a_job_that_can_not_be_interrupted_is_killed_and_its_neighbours_run_on(self):
        blocked = self.enqueue_act("blocked", "block", 3600, timeout=1, max_retries=1)
        worker = self.start_worker("--timeout-grace-seconds", "0.5")
        self.wait_for_state(blocked, "started")
        self.children = self.executors(worker)
        self.assertTrue(self.wait_until(self.sleeping_sessions, "its query runs"))
        for number in range(5):
            self.wait_for_state(self.enqueue_act(f"neighbour {number}"), "done")
        self.wait_until(lambda: self.job(blocked, "attempts"), "the attempt is charged")
        self.assertEqual(self.job(blocked, "exc_name"), "TimeoutJobError")
        self.assertIn("had to be killed", self.job(blocked, "exc_message"))
        self.wait_until(lambda: not self.sleeping_sessions(), "its query is over too, and its locks are gone")

    def sleeping_sessions(self):
        """Sessions of executors of this test's workers that are in the query of ``_act_block``."""
        names = [f"odoo-{child.pid}" for child in self.children]
        sessions = (
            "SELECT pid FROM pg_stat_activity WHERE query LIKE %s AND state = 'active' AND application_name = ANY(%s)"
        )
        return self.query(sessions, "SELECT pg_sleep%", names)

    def test_a_job_whose_row_was_touched_by_another_is_tried_again_and_done_once(self):
        job_id = self.enqueue_act("touched", "touched")
        self.start_worker()
        self.wait_for_state(job_id, "done")
        self.assertEqual(len(self.ledger("touched")), 1)

    def test_killing_the_worker_ends_everything_it_started_and_its_job_is_rescued(self):
        job_id = self.enqueue_act("orphan", "sleep", 3600)
        worker = self.start_worker()
        self.wait_for_state(job_id, "started")
        children = worker.children(recursive=True)
        self.assertEqual(len(children), 3, "A supervisor and two executors")
        worker.kill()
        worker.wait()
        _gone, alive = psutil.wait_procs(children, timeout=10)
        self.assertEqual(alive, [])

        self.start_worker()
        self.wait_until(lambda: self.job(job_id, "attempts") == 1, "the lost attempt is charged")
        self.assertEqual(self.job(job_id, "exc_name"), "WorkerLost")
        self.wait_for_state(job_id, "started")
        self.assertEqual(len(self.query("SELECT id FROM queue_worker")), 1)

    def test_a_graceful_stop_lets_the_running_job_end(self):
        job_id = self.enqueue_act("graceful", "sleep", 1)
        worker = self.start_worker()
        self.wait_for_state(job_id, "started")
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(30), 0)
        self.assertEqual(self.job(job_id, "state", "attempts"), ("done", 1))
        self.assertEqual(self.query("SELECT id FROM queue_worker"), [])

    def test_a_stop_signal_to_the_whole_group_spares_the_running_job(self):
        job_id = self.enqueue_act("grouped", "sleep", 1)
        worker = self.start_worker()
        self.wait_for_state(job_id, "started")
        for process in (*worker.children(recursive=True), worker):
            process.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(30), 0)
        self.assertEqual(self.job(job_id, "state", "attempts"), ("done", 1))

    def test_a_job_that_outlasts_the_grace_period_is_put_back_uncharged(self):
        job_id = self.enqueue_act("endless", "sleep", 3600)
        worker = self.start_worker("--shutdown-grace-seconds", "0")
        self.wait_for_state(job_id, "started")
        worker.send_signal(signal.SIGTERM)
        self.assertEqual(worker.wait(30), 0)
        self.assertEqual(self.job(job_id, "state", "attempts", "worker_id"), ("pending", 0, None))

    def test_a_job_whose_user_is_archived_fails_and_says_so(self):
        with self.committed() as env:
            user = env["res.users"].create({"name": "Leaver", "login": "leaver-of-jobs"})
            job_id = env["queue.test.ledger"].with_user(user).with_delay().act("by a leaver").id
            user.active = False
            user_id = user.id
        self.addCleanup(self.query, "DELETE FROM res_users WHERE id = %s", user_id)
        self.start_worker()
        self.wait_for_state(job_id, "failed")
        self.assertIn(f"user {user_id}", self.job(job_id, "exc_message"))
        self.assertEqual(self.ledger("by a leaver"), [])

    def test_a_scheduled_job_waits_for_its_time(self):
        job_id = self.enqueue_act("later", scheduled_at=1.0)
        self.assertTrue(self.job(job_id, "scheduled"))
        self.start_worker("--poll-timeout", "3600")
        self.wait_for_state(job_id, "done")
        early = self.query("SELECT started_at < scheduled_at FROM queue_job WHERE id = %s", job_id)
        self.assertEqual(early, [(False,)])

    def test_jobs_run_by_priority_then_in_the_order_of_their_enqueueing(self):
        names = [("third", 10), ("last", 20), ("fourth", 10), ("first", 1), ("second", 5)]
        ids = [self.enqueue_act(name, priority=priority) for name, priority in names]
        self.start_worker("--concurrency", "1")
        for job_id in ids:
            self.wait_for_state(job_id, "done")
        order = [name for (name,) in self.query("SELECT name FROM queue_test_ledger ORDER BY id")]
        self.assertEqual(order, ["first", "second", "third", "fourth", "last"])


def is_zombie(process):
    return process.status() == psutil.STATUS_ZOMBIE
