from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tests.common import TransactionCase

from ..models.res_config_settings import NETWORKS, TOKEN


@tagged("post_install", "-at_install")
class TestSettings(TransactionCase):
    def save(self, **values):
        self.env["res.config.settings"].create(values).execute()

    def test_settings_are_kept_and_shown(self):
        self.save(job_keep_hour_days=90, job_metrics_token="t0ken", job_metrics_networks="10.0.0.0/8, ::1")
        self.assertEqual(self.env["queue.metric"]._get_keep_days("hour"), 90)
        self.assertEqual(self.env["queue.metric"]._get_keep_days("minute"), 2)
        shown = self.env["res.config.settings"].create({})
        self.assertEqual((shown.job_keep_hour_days, shown.job_metrics_token), (90, "t0ken"))
        self.assertEqual(self.env["ir.config_parameter"].get_param(NETWORKS), "10.0.0.0/8, ::1")
        self.save(job_metrics_token="")
        self.assertFalse(self.env["ir.config_parameter"].get_param(TOKEN))

    def test_too_few_days_are_refused(self):
        for values in ({"job_keep_minute_days": 0}, {"job_keep_hour_days": 1}, {"job_keep_day_days": -1}):
            with self.subTest(values), self.assertRaisesRegex(ValidationError, "at least"):
                self.save(**values)

    def test_what_is_no_network_is_refused_by_its_name(self):
        with self.assertRaisesRegex(ValidationError, "10.0.0.0/99 is no network"):
            self.save(job_metrics_networks="192.168.0.0/16 10.0.0.0/99")

    def test_managers_of_the_queue_are_no_administrators(self):
        manager = new_test_user(self.env, "manager", "job_worker.group_queue_job_manager")
        with self.assertRaises(AccessError):
            self.env["res.config.settings"].with_user(manager).set_values()
        with self.assertRaises(AccessError):
            self.env["res.config.settings"].with_user(manager).create({"job_metrics_token": "mine"}).execute()
