from odoo.exceptions import AccessError
from odoo.tests.common import TransactionCase, new_test_user

from ..exception import JobDecodeError, JobOptionError
from ..runtime.call import job_environment, unpack
from .common import claimed_job


class TestEnqueue(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner = cls.env["res.partner"].create({"name": "Before"})

    def test_with_delay_stores_the_call_with_its_options(self):
        job = self.partner.with_delay(priority=5, channel="exports", max_retries=2).write({"name": "Queued"})
        self.assertEqual(job._name, "queue.job")
        self.assertRecordValues(
            job,
            [
                {
                    "state": "pending",
                    "model_name": "res.partner",
                    "method_name": "write",
                    "priority": 5,
                    "channel": "exports",
                    "max_retries": 2,
                    "attempts": 0,
                    "scheduled": False,
                    "user_id": self.env.uid,
                    "company_id": self.env.company.id,
                    "func_string": f"res.partner({self.partner.id}).write({{'name': 'Queued'}})",
                }
            ],
        )
        self.assertEqual(self.partner.name, "Before", "The call must not be made yet")

    def test_enqueue_stores_what_with_delay_would(self):
        job = self.env["queue.job"].enqueue(
            model_name="res.partner",
            method_name="write",
            record_ids=[self.partner.id],
            args=[{"name": "Updated by queue"}],
            kwargs={},
            channel="root",
            priority=10,
            max_retries=5,
        )
        same = self.partner.with_delay().write({"name": "Updated by queue"})
        for name in ("payload", "channel", "priority", "max_retries", "name"):
            self.assertEqual(job[name], same[name], name)

    def test_the_call_is_rebuilt_and_made_in_the_environment_of_the_enqueuer(self):
        user = new_test_user(self.env, "worker-of-jobs", groups="base.group_user,base.group_partner_manager")
        partner = self.partner.with_user(user).with_context(lang="en_US", tz="Asia/Tokyo", secret=1)
        job = claimed_job(partner.with_delay().write({"name": "After"}))
        env = job_environment(self.env.cr, job)
        self.assertEqual(env.user, user)
        self.assertFalse(env.su)
        companies = [user.company_id.id]
        context = {
            "lang": "en_US",
            "tz": "Asia/Tokyo",
            "allowed_company_ids": companies,
            "job_uuid": job.uuid,
        }
        self.assertEqual(env.context, context)
        unpack(env, job)()
        self.assertEqual(self.partner.name, "After")

    def test_an_archived_user_is_refused_and_never_replaced(self):
        user = new_test_user(self.env, "leaver-of-jobs", groups="base.group_user")
        job = claimed_job(self.partner.with_user(user).with_delay().read(["name"]))
        user.active = False
        user.flush_recordset()
        with self.assertRaisesRegex(JobDecodeError, str(user.id)):
            job_environment(self.env.cr, job)

    def test_a_job_of_a_website_visitor_runs_although_that_user_is_archived(self):
        visitor = self.env.ref("base.public_user")
        job = claimed_job(self.env["res.lang"].with_user(visitor).with_delay().get_installed())
        self.env.flush_all()
        env = job_environment(self.env.cr, job)
        self.assertEqual((env.user, env.su), (visitor, False))
        self.assertFalse(visitor.active)

    def test_a_model_method_or_option_that_can_not_be_is_refused_at_enqueue(self):
        Job = self.env["queue.job"]
        with self.assertRaisesRegex(JobOptionError, "no.model"):
            Job.enqueue("no.model", "write")
        with self.assertRaisesRegex(JobOptionError, "no_method"):
            self.partner.with_delay().no_method()
        with self.assertRaisesRegex(JobOptionError, "name"):
            self.partner.with_delay().name()
        with self.assertRaisesRegex(JobOptionError, "urgency"):
            self.partner.with_delay(urgency=1)
        with self.assertRaisesRegex(JobOptionError, "unsaved"):
            self.env["res.partner"].new({}).with_delay().write({})
        with self.assertRaisesRegex(JobOptionError, r"args\[0\]\['name'\]"):
            self.partner.with_delay().write({"name": object()})

    def test_a_job_of_a_user_without_rights_on_jobs_can_be_enqueued_by_code(self):
        user = new_test_user(self.env, "no-queue-user", groups="base.group_user")
        job = self.partner.with_user(user).with_delay().read(["name"])
        self.assertTrue(job)
        with self.assertRaises(AccessError):
            job.sudo(False).read(["state"])
        self.assertEqual(job.state, "pending", "Who enqueued a job may follow it from code")

    def test_a_scheduled_job_is_kept_out_of_the_ready_ones(self):
        later = self.partner.with_delay(scheduled_at=3600).read(["name"])
        past = self.partner.with_delay(scheduled_at=-1).read(["name"])
        self.assertEqual((later.scheduled, past.scheduled), (True, False))

    def test_enqueueing_takes_one_statement(self):
        self.partner.with_delay().write({})  # warm the caches
        with self.assertQueryCount(1):
            self.partner.with_delay().write({"name": "Queued"})
