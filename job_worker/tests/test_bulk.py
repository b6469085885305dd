from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests.common import new_test_user

from ..exception import FailedJobError
from ..models import queue_job_bulk
from .graph_case import GraphCase


class TestChange(GraphCase):
    def test_a_scheduled_job_runs_now_when_asked(self):
        job = self.step("later", scheduled_at=timedelta(hours=1)).delay()
        self.assertTrue(job.scheduled)
        job.button_run_now()
        self.assertRecordValues(job, [{"scheduled": False, "scheduled_at": False, "state": "pending"}])

    def test_a_job_is_scheduled_for_another_time(self):
        job = self.step("now").delay()
        moment = fields.Datetime.now() + timedelta(days=1)
        job._button_schedule(fields.Datetime.to_string(moment))
        self.assertRecordValues(job, [{"scheduled": True, "scheduled_at": moment.replace(microsecond=0)}])

    def test_a_started_job_is_never_changed(self):
        job = self.step("running").delay()
        self.env.flush_all()
        self.env.cr.execute("UPDATE queue_job SET state = 'started' WHERE id = %s", [job.id])
        job.invalidate_recordset()
        message = job._button_priority(1)["params"]["message"]
        self.assertEqual(job.priority, 10)
        self.assertIn("already started", message)

    def test_only_a_manager_changes_priority_and_channel(self):
        user = new_test_user(self.env, "queue-user", groups="job_worker.group_queue_job_user")
        job = self.partner.with_user(user).with_delay().read(["name"]).sudo(False)
        with self.assertRaises(AccessError):
            job._button_priority(1)
        with self.assertRaises(AccessError):
            job._button_channel("fast")
        job.button_run_now()
        manager = new_test_user(self.env, "queue-manager", groups="job_worker.group_queue_job_manager")
        job.with_user(manager)._button_priority(1)
        job.with_user(manager)._button_channel("fast")
        self.assertEqual((job.priority, job.channel), (1, "fast"))

    def test_a_channel_that_can_not_be_is_refused_in_words(self):
        with self.assertRaisesRegex(UserError, "channel"):
            self.step("job").delay()._button_channel("")


class TestBulk(GraphCase):
    def setUp(self):
        super().setUp()
        # A test's transaction must neither be committed nor rolled back as a whole.
        for name in ("commit", "rollback"):
            self.startPatcher(patch.object(self.env.cr, name, lambda: None))

    def failed_jobs(self, count, **options):
        jobs = self.env["queue.job"].union(*[self.step(f"job {i}", **options).delay() for i in range(count)])
        self.end(jobs, "failed")
        return jobs.sudo(False)

    def wizard(self, jobs, by_filter=True, **values):
        context = {
            "active_model": "queue.job",
            "active_ids": [] if by_filter else jobs.ids,
            "active_domain": [["id", "in", jobs.ids]],
        }
        return self.env["queue.job.bulk"].with_context(**context).create(values)

    def test_all_jobs_that_match_are_requeued_in_batches(self):
        jobs = self.failed_jobs(25)
        with patch.object(queue_job_bulk, "BATCH_SIZE", 10):
            result = self.env["queue.job"]._bulk_operate("requeue", [("id", "in", jobs.ids)])
        self.assertEqual(result["changed"], 25)
        jobs.invalidate_recordset()
        self.assertEqual(set(jobs.mapped("state")), {"pending"})

    def test_a_job_that_is_refused_costs_no_other(self):
        jobs = self.failed_jobs(20)
        bad = jobs[7]
        requeue = type(jobs).button_requeue

        def refuse_one(records):
            if bad in records:
                raise UserError("not this one")
            return requeue(records)

        with (
            patch.object(type(jobs), "button_requeue", refuse_one),
            self.assertRaisesRegex(FailedJobError, f"19 jobs changed, 1 refused:\n{bad.id}: not this one"),
        ):
            self.env["queue.job"]._bulk_operate("requeue", [("id", "in", jobs.ids)])
        jobs.invalidate_recordset()
        self.assertEqual(bad.state, "failed")
        self.assertEqual(set((jobs - bad).mapped("state")), {"pending"})

    def test_few_jobs_are_changed_at_once(self):
        jobs = self.failed_jobs(3)
        wizard = self.wizard(jobs)
        self.assertEqual((wizard.scope, wizard.count_text), ("filter", "3"))
        action = wizard.action_apply()
        self.assertIn("3 jobs requeued", action["params"]["message"])
        jobs.invalidate_recordset()
        self.assertEqual(set(jobs.mapped("state")), {"pending"})

    def test_the_selection_is_preferred_to_the_filter(self):
        jobs = self.failed_jobs(3)
        wizard = self.wizard(jobs[:2], by_filter=False, operation="cancel")
        self.assertEqual((wizard.scope, wizard.count), ("selection", 0))
        wizard.operation = "requeue"
        self.assertEqual(wizard.count, 2)

    def test_many_jobs_are_changed_by_a_job_of_the_queue(self):
        jobs = self.failed_jobs(5)
        with patch("odoo.addons.job_worker.wizards.queue_job_bulk.BATCH_SIZE", 4):
            action = self.wizard(jobs).action_apply()
        bulk = self.env["queue.job"].browse(action["res_id"])
        self.assertEqual((bulk.method_name, bulk.state, bulk.user_id), ("_bulk_operate", "pending", self.env.user))
        self.assertNotIn(bulk, self.env["queue.job"].search(bulk._bulk_domain("cancel", [])))

    def test_a_user_changes_no_more_than_their_own_jobs(self):
        user = new_test_user(self.env, "queue-user", groups="job_worker.group_queue_job_user")
        others = self.failed_jobs(3)
        wizard = self.wizard(others).with_user(user)
        self.assertEqual(self.env["queue.job"].with_user(user)._bulk_operate("requeue", [])["changed"], 0)
        with self.assertRaises(AccessError):
            wizard.action_apply()
        others.invalidate_recordset()
        self.assertEqual(set(others.mapped("state")), {"failed"})

    def test_a_filter_is_data_and_never_code(self):
        wizard = self.wizard(self.failed_jobs(1))
        wizard.domain = "__import__('os').system('true')"
        with self.assertRaisesRegex(UserError, "can't be read"):
            wizard.action_apply()
