"""Whose jobs a rule looks at, and the course of its alerts."""

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .common import NOW, minutes
from .rule_case import RuleCase

EVALUATION = "odoo.addons.job_worker_monitor.models.queue_alert"


@tagged("post_install", "-at_install")
class TestRuleScopes(RuleCase):
    # -- domains --------------------------------------------------------------------

    def test_a_domain_counts_jobs_with_the_rights_of_its_author(self):
        manager = new_test_user(self.env, "author-of-rules", "job_worker.group_queue_job_manager")
        other = self.env["res.company"].create({"name": "Other"})
        domain = "[('channel', '=', 'exports'), ('state', '=', 'failed')]"
        rule = self.env["queue.alert.rule"].with_user(manager).create(
            {"name": "Exports", "kind": "domain", "domain": domain, "threshold": 2}
        )  # fmt: skip
        self.assertEqual(rule.author_id, manager)
        for company in (manager.company_id, manager.company_id, other):
            self.make_job("failed", channel="exports", company_id=company.id)
        self.turn()
        self.assertEqual(self.firing(rule.sudo()), {"": 2})

    def test_a_rule_looks_at_the_companies_of_its_author_alone(self):
        own, other = self.env["res.company"].create([{"name": "Own"}, {"name": "Other"}])
        manager = new_test_user(
            self.env, "bound", "job_worker.group_queue_job_manager", company_id=own.id, company_ids=own.ids
        )
        rules = self.env["queue.alert.rule"].with_user(manager)
        with self.assertRaises(AccessError):
            rules.create({"name": "Other", "kind": "depth", "company_id": other.id})
        rule = rules.create({"name": "All", "kind": "depth"}).sudo()
        for company in (own, other, other):
            self.make_job("pending", company_id=company.id)
        self.turn()
        self.assertEqual(self.firing(rule), {"": 1})

    def test_nobody_can_name_another_author(self):
        manager = new_test_user(self.env, "author-of-rules", "job_worker.group_queue_job_manager")
        rules = self.env["queue.alert.rule"].with_user(manager)
        root = self.env.ref("base.user_root").id
        rule = rules.with_context(default_author_id=root).create(
            {"name": "Forged", "kind": "domain", "author_id": root}
        )
        self.assertEqual(rule.author_id, manager)
        rule.write({"author_id": root})
        self.assertEqual(rule.author_id, manager)

    def test_an_author_who_is_no_manager_any_more_counts_nothing(self):
        manager = new_test_user(self.env, "author-of-rules", "job_worker.group_queue_job_manager")
        rule = self.env["queue.alert.rule"].with_user(manager).create({"name": "Mine", "kind": "domain"}).sudo()
        manager.group_ids -= self.env.ref("job_worker.group_queue_job_manager")
        manager.group_ids -= self.env.ref("job_worker.group_queue_job_user")
        self.make_job()
        with mute_logger(EVALUATION):
            self.turn()
        self.assertFalse(rule.alert_ids)
        self.assertTrue(rule.last_error)

    def test_what_is_no_domain_of_jobs_is_refused(self):
        broken = ("state", "[('nonsense', '=', 1)]", "__import__('os').getcwd()", "[(lambda: 1)()]", "[1]", "[('uuid'")
        for domain in broken:
            with self.subTest(domain), self.assertRaisesRegex(ValidationError, "no domain of jobs"):
                self.make_rule("domain", domain=domain)

    # -- scopes ---------------------------------------------------------------------

    def test_a_channel_includes_those_below_it_and_no_others(self):
        rule = self.make_rule("failed_count", channel="root.export", threshold=1)
        for channel in ("root.export", "root.export.heavy", "root.exports", "root"):
            self.make_job("failed", channel=channel)
        self.turn()
        self.assertEqual(self.firing(rule), {"": 2})

    def test_the_root_channel_includes_all(self):
        rule = self.make_rule("failed_count", channel="root", threshold=1)
        for channel in ("root", "root.export", "exports"):
            self.make_job("failed", channel=channel)
        self.turn()
        self.assertEqual(self.firing(rule), {"": 3})

    def test_by_channel_there_is_an_alert_for_each_that_is_bad(self):
        rule = self.make_rule("failed_count", measured_by="channel", threshold=2)
        for channel, count in (("first", 2), ("second", 1), ("third", 3)):
            for _number in range(count):
                self.make_job("failed", channel=channel)
        self.turn()
        self.assertEqual(self.firing(rule), {"first": 2, "third": 3})

    def test_function_and_company_limit_the_scope(self):
        other = self.env["res.company"].create({"name": "Other"})
        rule = self.make_rule("depth", function="res.partner.write", company_id=other.id, measured_by="function")
        self.make_job("pending", company_id=other.id)
        self.make_job("pending", company_id=other.id, method_name="unlink")
        self.make_job("pending")
        self.turn()
        self.assertEqual(self.firing(rule), {"res.partner.write": 1})

    # -- the course of an alert -------------------------------------------------------

    def test_mute_and_maintenance_hold_messages_back(self):
        rule = self.make_rule("depth", chat_user_ids=self.env.ref("base.user_admin").ids)
        self.make_job("pending")
        rule.muted_until = NOW + minutes(2)
        self.turn(0)
        self.turn(1)
        self.assertEqual(self.firing(rule), {"": 1})
        self.assertFalse(rule.alert_ids.delivery_ids)
        self.env["queue.alert.maintenance"].create(
            {"name": "Move", "start": NOW + minutes(2), "stop": NOW + minutes(4), "rule_ids": rule.ids}
        )
        self.turn(2)
        self.turn(3)
        self.assertFalse(rule.alert_ids.delivery_ids)
        self.turn(4)
        self.assertEqual(rule.alert_ids.delivery_ids.mapped("event"), ["fire"])

    def test_a_rule_that_can_not_be_measured_keeps_no_other_from_firing(self):
        broken = self.make_rule("domain", sequence=1)
        self.env.cr.execute("UPDATE queue_alert_rule SET domain = '[(''gone'', ''='', 1)]' WHERE id = %s", [broken.id])
        broken.invalidate_recordset()
        rule = self.make_rule("depth", sequence=2)
        self.make_job("pending")
        with mute_logger(EVALUATION):
            self.turn()
        self.assertEqual(self.firing(rule), {"": 1})
        self.assertIn("no domain of jobs", broken.last_error)
        self.assertFalse(rule.last_error)

    def test_an_archived_rule_ends_its_alert_quietly(self):
        rule = self.make_rule("depth", chat_user_ids=self.env.ref("base.user_admin").ids)
        self.make_job("pending")
        self.turn()
        rule.active = False
        self.turn(1)
        self.assertEqual(rule.alert_ids.state, "resolved")
        self.assertEqual(rule.alert_ids.delivery_ids.mapped("event"), ["fire"])

    def test_impossible_numbers_are_refused(self):
        for values in (
            {"threshold": 0}, {"window_minutes": 0}, {"window_minutes": 1441}, {"hold_minutes": -1},
            {"clear_percent": 100}, {"kind": "no_worker", "measured_by": "channel"},
        ):  # fmt: skip
            with self.subTest(values), self.assertRaises(ValidationError):
                self.make_rule(**{"kind": "depth", **values})
