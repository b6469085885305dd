from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests.common import TransactionCase


class TestFunction(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner = cls.env["res.partner"].create({"name": "Function"})
        cls.values = {"model_id": cls.env["ir.model"]._get_id("res.partner"), "method": "write"}

    def function(self, **values):
        return self.env["queue.job.function"].create({**self.values, **values})

    def test_jobs_of_the_method_take_its_defaults_and_own_options_weigh_more(self):
        self.function(channel="root.partner", priority=3, max_retries=0, timeout=60, retry_pattern={1: 5, 3: [10, 20]})
        job = self.partner.with_delay(priority=7).write({})
        self.assertRecordValues(
            job,
            [{"channel": "root.partner", "priority": 7, "max_retries": 0, "timeout": 60}],
        )
        self.assertEqual(job.retry_pattern, '{"1": 5, "3": [10, 20]}')
        self.assertEqual(self.partner.with_delay().read([]).channel, "root")

    def test_a_change_of_the_defaults_holds_for_the_next_job(self):
        function = self.function(channel="one")
        self.assertEqual(self.partner.with_delay().write({}).channel, "one")
        function.channel = "two"
        self.assertEqual(self.partner.with_delay().write({}).channel, "two")
        function.unlink()
        self.assertEqual(self.partner.with_delay().write({}).channel, "root")

    def test_defaults_that_can_not_be_are_refused(self):
        for values in (
            {"priority": -2},
            {"retry_pattern": {"0": 1}},
            {"retry_pattern": "{"},
            {"related_action": {"x": 1}},
            {"related_action": {"func_name": "action_open_related"}},
        ):
            with self.subTest(values), self.assertRaises(ValidationError):
                self.function(**values)

    def test_by_default_the_record_or_the_records_open(self):
        other = self.partner.copy()
        action = self.partner.with_delay().read([]).action_open_related()
        self.assertEqual((action["res_model"], action["res_id"]), ("res.partner", self.partner.id))
        action = (self.partner | other).with_delay().read([]).action_open_related()
        self.assertEqual(action["domain"], [("id", "in", (self.partner | other).ids)])

    def test_a_vanished_record_says_so(self):
        gone = self.partner.copy()
        job = gone.with_delay().read([])
        gone.unlink()
        with self.assertRaisesRegex(UserError, "do not exist any more"):
            job.action_open_related()

    def test_a_function_chooses_its_related_action_or_none(self):
        function = self.function(related_action={"func_name": "button_cancel"})
        job = self.partner.with_delay().write({})
        job.action_open_related()
        self.assertEqual(job.state, "cancelled")
        function.related_action = {"enable": False}
        with self.assertRaisesRegex(UserError, "no related action"):
            job.action_open_related()
        function.related_action = {"func_name": "set_progress", "kwargs": {"done": 1}}
        with self.assertRaisesRegex(AccessError, "set_progress"):
            job.action_open_related()
