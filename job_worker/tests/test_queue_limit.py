from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged
from odoo.tests.common import TransactionCase, new_test_user

from ..exception import JobOptionError


@tagged("post_install", "-at_install")
class TestQueueLimit(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = new_test_user(cls.env, "limit-user", groups="job_worker.group_queue_job_user")
        cls.manager = new_test_user(cls.env, "limit-manager", groups="job_worker.group_queue_job_manager")
        cls.Limit = cls.env["queue.limit"].with_user(cls.manager)
        cls.partner = cls.env["res.partner"].create({"name": "Limit"})

    def test_what_can_not_be_is_refused_with_its_name_and_value(self):
        cases = (
            ({"limit": -2}, "Limit must be .* not -2"),
            ({"rate_limit": -1.0}, "Rate must be .* not -1.0"),
            ({"rate_limit": 1e-9}, "Rate must be .* not 1e-09"),
            ({"burst": 0}, "Burst must be .* not 0"),
            ({"name": "a..b"}, "'a..b' is no channel"),
            ({"name": "-a"}, "'-a' is no channel"),
            ({"name": "a,b"}, "'a,b' is no channel"),
        )
        for number, (values, message) in enumerate(cases):
            with self.subTest(values), self.assertRaisesRegex(ValidationError, message):
                self.Limit.create({"name": f"exports{number}", **values})

    def test_a_pause_makes_its_limit_and_a_resume_leaves_the_numbers(self):
        limit = self.Limit.create({"name": "mail", "limit": 3, "rate_limit": 0.25})
        self.assertEqual(self.Limit.pause("mail"), limit)
        self.assertTrue(limit.paused)
        self.Limit.resume("mail")
        self.assertRecordValues(limit, [{"paused": False, "limit": 3, "rate_limit": 0.25, "burst": 1}])
        whole = self.Limit.pause()
        self.assertRecordValues(whole, [{"name": "root", "paused": True, "limit": -1}])
        whole.button_resume()
        self.assertFalse(whole.paused)
        self.assertFalse(self.Limit.resume("unknown"))

    def test_an_edit_wakes_the_workers_after_the_commit(self):
        self.env.cr.postcommit.clear()
        limit = self.Limit.create({"name": "mail"})
        for change in (lambda: limit.button_pause(), lambda: limit.unlink()):
            self.assertTrue(self.env.cr.postcommit.data.get("job_worker.wake"))
            self.env.cr.postcommit.clear()
            change()
        self.assertTrue(self.env.cr.postcommit.data.get("job_worker.wake"))
        self.env.cr.postcommit.clear()

    def test_users_see_limits_and_only_managers_change_them(self):
        limit = self.Limit.create({"name": "mail"}).with_user(self.user)
        self.assertEqual(limit.read(["limit"])[0]["limit"], -1)
        Limit = self.env["queue.limit"].with_user(self.user)
        for change in (
            limit.button_pause,
            limit.unlink,
            lambda: Limit.pause("mail"),
            lambda: Limit.pause(),
            lambda: Limit.create({"name": "exports"}),
        ):
            with self.assertRaises(AccessError):
                change()
        with self.assertRaises(AccessError):
            limit.with_user(self.env.ref("base.public_user")).read(["limit"])

    def test_what_runs_below_a_channel_is_counted_and_what_nobody_serves_is_marked(self):
        limits = self.Limit.create([{"name": "exports"}, {"name": "exports.heavy"}, {"name": "mail"}])
        jobs = self.partner.delayable(channel="exports.heavy").read(["name"]).split(1).delay()
        self.env.cr.execute("UPDATE queue_job SET state = 'started' WHERE id = %s", [jobs.id])
        self.assertEqual(limits.mapped("running_count"), [1, 1, 0])
        self.partner.with_delay(channel="exports.big").read(["name"])
        self.env["queue.worker"].search([]).unlink()
        worker = self.env["queue.worker"].create({"name": "w", "channels": "mail"})
        worker.heartbeat = self.env.cr.now()
        self.env.flush_all()
        limits.invalidate_recordset()
        self.assertEqual(limits.mapped("ready_without_worker"), [True, False, False])
        worker.channels = "exports,mail"
        self.env.flush_all()
        limits.invalidate_recordset()
        self.assertEqual(limits.mapped("ready_without_worker"), [False, False, False])


@tagged("post_install", "-at_install")
class TestConcurrencyKeyOption(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner = cls.env["res.partner"].create({"name": "Key"})

    def test_a_key_is_a_text_or_a_callable_of_the_call(self):
        job = self.partner.with_delay(concurrency_key="remote").read(["name"])
        self.assertRecordValues(job, [{"concurrency_key": "remote", "key_place": "new"}])
        job = self.partner.with_delay(concurrency_key=lambda job: f"{job.model_name},{job.recordset.id}").read([])
        self.assertEqual(job.concurrency_key, f"res.partner,{self.partner.id}")
        self.assertFalse(self.partner.with_delay().read([]).key_place)
        for bad in ("", 5, lambda job: None):
            with self.assertRaisesRegex(JobOptionError, "concurrency_key"):
                self.partner.with_delay(concurrency_key=bad).read([])

    def test_a_function_gives_its_jobs_a_key(self):
        model_id = self.env["ir.model"]._get_id("res.partner")
        self.env["queue.job.function"].create({"model_id": model_id, "method": "read", "concurrency_key": "reads"})
        self.assertEqual(self.partner.with_delay().read([]).concurrency_key, "reads")
        self.assertEqual(self.partner.with_delay(concurrency_key="own").read([]).concurrency_key, "own")

    def test_of_many_jobs_stored_at_once_one_per_key_asks_for_its_place(self):
        calls = [
            {"model_name": "res.partner", "method_name": "read", "concurrency_key": key, "scheduled_at": moment}
            for key, moment in (("a", None), ("a", None), ("b", 3600), ("b", None), ("a", None), (None, None))
        ]
        jobs = self.env["queue.job"].enqueue_many(calls)
        self.assertEqual(jobs.mapped("key_place"), ["new", "behind", "new", "new", "behind", False])

    def test_a_channel_that_no_limit_or_worker_could_name_is_refused(self):
        for channel in ("a,b", "-a", "a..b", " a"):
            with self.assertRaisesRegex(JobOptionError, "channel"):
                self.partner.with_delay(channel=channel)
