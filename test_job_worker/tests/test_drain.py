from odoo.tests import tagged

from odoo.addons.job_worker.runtime.drain import drain

from .common import WorkerCase


@tagged("post_install", "-at_install")
class TestDrain(WorkerCase):
    """Jobs run in a cron where there is no worker."""

    def run_cron(self):
        with self.committed() as env:
            env.ref("job_worker.ir_cron_run_jobs").method_direct_trigger()

    def test_the_cron_is_off_by_default(self):
        with self.committed() as env:
            self.assertFalse(env.ref("job_worker.ir_cron_run_jobs").active)

    def test_jobs_run_in_the_cron_with_their_dependents(self):
        with self.committed() as env:
            ledger = env["queue.test.ledger"]
            first, second = ledger.delayable().act("first"), ledger.delayable().act("second")
            first.on_done(second).delay()
        failing = self.enqueue_act("failing", "fail")
        self.run_cron()
        self.assertEqual(
            sorted(name for (name,) in self.query("SELECT name FROM queue_test_ledger")), ["first", "second"]
        )
        self.assertEqual(self.job(failing, "state"), "failed")
        self.assertEqual(self.query("SELECT id FROM queue_worker"), [], "It leaves no worker behind")

    def test_it_stops_when_its_time_is_up_and_leaves_the_rest_unclaimed(self):
        self.insert_jobs("queue.test.ledger", "act", [[f"job {number}", "sleep", 0.6] for number in range(5)])
        reports = []

        def report(processed):
            reports.append(processed)
            return 2.0 if len(reports) == 1 else 0.0

        self.assertTrue(drain(self.db_name, report))
        done = self.query("SELECT count(*) FROM queue_job WHERE state = 'done'")[0][0]
        self.assertEqual(done, sum(reports))
        self.assertLess(done, 5)
        self.assertEqual(self.query("SELECT count(*) FROM queue_job WHERE state = 'pending'")[0][0], 5 - done)

    def test_it_rescues_what_a_killed_cron_has_left(self):
        job_id = self.enqueue_act("orphan")
        self.query("UPDATE queue_job SET state = 'started', worker_id = NULL WHERE id = %s", job_id)
        self.run_cron()
        self.assertEqual(self.job(job_id, "state", "attempts"), ("done", 2))
