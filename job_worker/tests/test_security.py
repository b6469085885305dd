from odoo.exceptions import AccessError
from odoo.service.model import get_public_method
from odoo.tests.common import TransactionCase, new_test_user


class TestSecurity(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = new_test_user(cls.env, "queue-user", groups="job_worker.group_queue_job_user")
        cls.manager = new_test_user(cls.env, "queue-manager", groups="job_worker.group_queue_job_manager")
        cls.partner = cls.env["res.partner"].create({"name": "Target"})
        cls.own = cls.partner.with_user(cls.user).with_delay().read(["name"])
        cls.other = cls.partner.with_user(cls.manager).with_delay().read(["name"])

    def test_a_user_sees_only_their_own_jobs_and_a_manager_all(self):
        both = self.own | self.other
        Job = self.env["queue.job"]
        self.assertEqual(Job.with_user(self.user).search([("id", "in", both.ids)]), self.own)
        self.assertEqual(Job.with_user(self.manager).search([("id", "in", both.ids)]), both)

    def test_only_a_manager_reads_the_arguments(self):
        with self.assertRaises(AccessError):
            self.own.with_user(self.user).read(["payload"])
        self.assertTrue(self.other.with_user(self.manager).read(["payload"]))

    def test_nobody_writes_jobs_through_the_orm(self):
        for user in (self.user, self.manager):
            job = self.own.with_user(user).sudo(False)
            with self.subTest(user.login):
                with self.assertRaises(AccessError):
                    job.write({"priority": 1})
                with self.assertRaises(AccessError):
                    job.copy()
                with self.assertRaises(AccessError):
                    job.unlink()

    def test_no_enqueueing_method_can_be_called_over_rpc(self):
        for model, method in (
            ("queue.job", "enqueue"),
            ("queue.job", "_store"),
            ("res.partner", "with_delay"),
        ):
            with self.subTest(method), self.assertRaises(AccessError):
                get_public_method(self.env[model], method)
