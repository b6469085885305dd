from odoo.exceptions import AccessError, ValidationError
from odoo.tests.common import TransactionCase, new_test_user


class TestDefaults(TransactionCase):
    """A job takes its own option, else its function's default, else that of all jobs, else the built-in one."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner = cls.env["res.partner"].create({"name": "Defaults"})

    def save(self, **values):
        settings = {f"job_default_{name}": value for name, value in values.items()}
        self.env["res.config.settings"].create(settings).execute()

    def options_of(self, **options):
        job = self.partner.with_delay(**options).write({})
        return {name: job[name] for name in ("priority", "max_retries", "timeout")}

    def test_without_any_setting_the_built_in_defaults_hold(self):
        self.assertEqual(self.options_of(), {"priority": 10, "max_retries": 5, "timeout": 0})

    def test_the_default_of_all_jobs_holds_where_nothing_else_is_said(self):
        self.options_of()  # what is cached must not stay
        self.save(priority=0, max_retries=0, timeout=60)
        self.assertEqual(self.options_of(), {"priority": 0, "max_retries": 0, "timeout": 60})
        shown = self.env["res.config.settings"].create({})
        self.assertEqual(
            (shown.job_default_priority, shown.job_default_max_retries, shown.job_default_timeout), (0, 0, 60)
        )
        self.save(priority=3, max_retries=7, timeout=0)
        self.assertEqual(self.options_of(), {"priority": 3, "max_retries": 7, "timeout": 0})

    def test_a_function_weighs_more_and_an_explicit_option_most(self):
        self.save(priority=3, max_retries=7, timeout=60)
        function = self.env["queue.job.function"].create(
            {"model_id": self.env["ir.model"]._get_id("res.partner"), "method": "write", "priority": 20}
        )
        self.assertEqual(self.options_of(), {"priority": 20, "max_retries": 7, "timeout": 60})
        function.timeout = -1
        self.assertEqual(self.options_of(), {"priority": 20, "max_retries": 7, "timeout": 0})
        function.timeout = 30
        self.assertEqual(self.options_of(priority=1), {"priority": 1, "max_retries": 7, "timeout": 30})
        self.assertEqual(self.options_of(timeout=0)["timeout"], 0)

    def test_graphs_and_bulk_enqueueing_take_them_too(self):
        self.save(priority=3, max_retries=7, timeout=60)
        graph = self.partner.delayable().write({}).delay()
        call = {"model_name": "res.partner", "method_name": "write", "record_ids": self.partner.ids, "args": [{}]}
        jobs = graph | self.env["queue.job"].enqueue_many([call, call])
        self.assertRecordValues(jobs, [{"priority": 3, "max_retries": 7, "timeout": 60}] * 3)

    def test_a_change_costs_one_enqueueing_a_look_and_the_next_none(self):
        self.save(priority=3)
        self.options_of()
        with self.assertQueryCount(1):
            self.partner.with_delay().write({})

    def test_a_setting_that_can_not_be_is_refused_by_its_name_and_value(self):
        for name, label in (("priority", "Priority"), ("max_retries", "Retries"), ("timeout", "Timeout")):
            with self.subTest(name), self.assertRaisesRegex(ValidationError, f"Default {label}.* can't be -2"):
                self.save(**{name: -2})

    def test_a_parameter_that_can_not_be_read_is_ignored_and_logged(self):
        for text in ("high", "-1", "1.5", str(2**31)):
            self.env["ir.config_parameter"].set_param("job_worker.default_priority", text)
            with self.subTest(text), self.assertLogs("odoo.addons.job_worker.models.queue_job_function") as logs:
                self.assertEqual(self.options_of()["priority"], 10)
            self.assertIn(f"job_worker.default_priority is no whole number from 0 but '{text}'", logs.output[0])

    def test_who_may_not_change_settings_can_not_set_defaults(self):
        manager = new_test_user(self.env, "queue-manager", groups="job_worker.group_queue_job_manager")
        with self.assertRaises(AccessError):
            self.env["res.config.settings"].with_user(manager).create({"job_default_priority": 1}).execute()
