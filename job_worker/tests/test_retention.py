from datetime import timedelta

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.modules.neutralize import get_neutralization_queries

from .graph_case import GraphCase


class TestRetention(GraphCase):
    def ended(self, state, days_ago):
        job = self.step(f"{state} {days_ago}").delay()
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE queue_job SET state = %s, completed_at = %s WHERE id = %s",
            [state, fields.Datetime.now() - timedelta(days=days_ago), job.id],
        )
        job.invalidate_recordset()
        return job

    def setUp(self):
        super().setUp()
        # A cron commits its progress; this test's transaction must not.
        self.patch(self.env.registry["ir.cron"], "_commit_progress", lambda *args, **kwargs: float("inf"))

    def keep(self, **days):
        settings = {f"job_retention_days_{state}": number for state, number in days.items()}
        self.env["res.config.settings"].create(settings).set_values()

    def test_ended_jobs_go_after_their_days_and_others_stay(self):
        self.keep(done=10, cancelled=20, failed=30)
        kept = (
            self.ended("done", 9) | self.ended("cancelled", 19) | self.ended("failed", 29) | self.ended("pending", 99)
        )
        gone = self.ended("done", 11) | self.ended("cancelled", 21) | self.ended("failed", 31)
        self.env["queue.job"]._gc_jobs()
        self.assertEqual((kept | gone).exists(), kept)

    def test_zero_days_keep_jobs_for_ever(self):
        self.keep(done=0, cancelled=0, failed=0)
        self.assertEqual(self.env["res.config.settings"].create({}).job_retention_days_done, 0)
        jobs = self.ended("done", 9999) | self.ended("failed", 9999)
        self.env["queue.job"]._gc_jobs()
        self.assertEqual(jobs.exists(), jobs)

    def test_a_negative_retention_is_refused(self):
        with self.assertRaises(ValidationError):
            self.keep(done=-1, cancelled=0, failed=0)

    def test_the_jobs_of_an_unfinished_graph_stay(self):
        job = self.step("first").on_done(self.step("next")).delay()
        self.end(job, "done")
        self.env.cr.execute("UPDATE queue_job SET completed_at = '2000-01-01' WHERE id = %s", [job.id])
        self.env["queue.job"]._gc_jobs()
        self.assertTrue(job.exists())

    def test_a_neutralized_database_runs_no_old_jobs(self):
        job = self.step("first").on_done(self.step("next")).delay()
        jobs = self.graph_of(job) | self.ended("done", 1)
        queries = "".join(get_neutralization_queries(["job_worker"]))
        self.env.cr.execute(queries)
        self.assertEqual(sorted(self.states(jobs).values()), ["cancelled", "cancelled", "done"])
