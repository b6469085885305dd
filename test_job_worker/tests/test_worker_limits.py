from odoo.tests import tagged

from .common import WorkerCase


@tagged("post_install", "-at_install")
class TestWorkerLimits(WorkerCase):
    """Limits and keys with a whole worker. It polls too seldom to help: what an end frees is to start at once."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self.query, "DELETE FROM queue_limit WHERE name IN ('root', 'exports')")

    def enqueue(self, name, count, **options):
        return [self.enqueue_act(f"{name} {number}", "sleep", 0.1, **options) for number in range(count)]

    def wait_for_all(self, job_ids):
        done = "SELECT count(*) FROM queue_job WHERE state = 'done' AND id = ANY(%s)"
        self.wait_until(lambda: self.query(done, job_ids)[0][0] == len(job_ids), "all are done", seconds=25)

    def overlaps(self, job_ids):
        return self.query(
            """SELECT count(*) FROM queue_job a JOIN queue_job b ON a.id < b.id
                WHERE a.id = ANY(%s) AND b.id = ANY(%s)
                  AND a.started_at < b.completed_at AND b.started_at < a.completed_at""",
            job_ids,
            job_ids,
        )[0][0]

    def test_jobs_of_a_full_channel_and_of_a_key_run_one_after_the_other_without_waiting_for_a_poll(self):
        with self.committed() as env:
            env["queue.limit"].create({"name": "exports", "limit": 1})
        limited = self.enqueue("limited", 6, channel="exports.heavy")
        keyed = self.enqueue("keyed", 6, concurrency_key="one")
        free = self.enqueue("free", 12)
        self.start_worker("--concurrency", "4", "--poll-timeout", "60")
        self.wait_for_all(limited + keyed + free)
        self.assertEqual((self.overlaps(limited), self.overlaps(keyed)), (0, 0))
        self.assertGreater(self.overlaps(free + limited + keyed), 0, "What is free runs at the same time")

    def test_a_resumed_queue_goes_on_at_once(self):
        with self.committed() as env:
            env["queue.limit"].pause()
        jobs = self.enqueue("paused", 3)
        self.start_worker("--poll-timeout", "60")
        self.assertEqual(self.query("SELECT count(*) FROM queue_job WHERE state = 'pending'"), [(3,)])
        with self.committed() as env:
            env["queue.limit"].resume()
        self.wait_for_all(jobs)
