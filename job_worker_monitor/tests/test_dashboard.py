from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.job_worker.tests.tour_case import leave_out_lacking_asset

from .common import MonitorCase


class DashboardCase(MonitorCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.now = fields.Datetime.now()

    def make_jobs(self):
        """Three done, one failed, two ready (one of them for long), one scheduled, one started."""
        moment = self.now - timedelta(minutes=1)
        for duration in (1, 2, 3):
            self.make_job(ended=moment, channel="root.export", duration=duration, wait=5)
        self.make_job(
            "failed",
            ended=moment,
            exc_name="KeyError",
            exc_message="'x'",
            max_retries=1,
            attempts=2,
            name="This one failed",
        )
        self.make_job("pending", ended=self.now, wait=3600, name="This one waits", channel="root.slow")
        self.make_job("pending", ended=self.now, wait=1)
        self.make_job("pending", ended=self.now, scheduled=True, scheduled_at=self.now + timedelta(hours=1))
        self.make_job("started", ended=self.now, duration=4000)


@tagged("post_install", "-at_install")
class TestDashboard(DashboardCase):
    def dashboard(self, span="1h", **options):
        return self.env["queue.monitor"].get_dashboard(span, **options)

    def test_tiles_tell_what_is_there(self):
        self.make_jobs()
        tiles = self.dashboard()["tiles"]
        self.assertEqual((tiles["ended"], tiles["failed"], tiles["failure_rate"]), (4, 1, 25))
        self.assertEqual((tiles["ready"], tiles["scheduled"], tiles["started"]), (2, 1, 1))
        self.assertAlmostEqual(tiles["oldest"], 3600, delta=10)
        self.assertEqual((tiles["workers_alive"], tiles["capacity"]), (0, 0))
        self.assertAlmostEqual(tiles["duration"]["p50"], 2, delta=0.1)
        self.assertAlmostEqual(tiles["wait"]["p50"], 5, delta=0.25)
        self.assertAlmostEqual(tiles["throughput"], 4 / 5)

    def test_each_span_has_its_bins_and_all_the_jobs(self):
        self.make_jobs()
        for span, bins in (("1h", 60), ("24h", 24), ("7d", 42), ("30d", 30)):
            with self.subTest(span):
                data = self.dashboard(span)
                charts = data["charts"]
                self.assertEqual({len(charts[name]) for name in ("labels", "done", "failed", "ready", "busy")}, {bins})
                self.assertEqual((sum(charts["done"]), sum(charts["failed"])), (3, 1))
                self.assertEqual(data["tiles"]["ended"], 4)

    def test_tables_have_the_jobs_of_the_charts_whatever_the_span(self):
        self.env["ir.config_parameter"].set_param("job_worker_monitor.keep_minute_days", "40")
        for number in range(160):
            self.make_job(ended=self.now - timedelta(hours=5 * number, minutes=1), duration=1)
        for span in ("1h", "24h", "7d", "30d"):
            with self.subTest(span):
                data = self.dashboard(span)
                (channel,), (function,) = data["channels"], data["slowest"]
                self.assertEqual(channel["done"], sum(data["charts"]["done"]))
                self.assertEqual(function["count"], channel["done"])
                self.assertAlmostEqual(function["p95"], 1, delta=0.04)

    def test_the_change_is_against_the_same_time_before(self):
        for minutes, count in ((10, 3), (70, 2), (130, 1)):
            for _number in range(count):
                self.make_job(ended=self.now - timedelta(minutes=minutes))
        self.assertAlmostEqual(self.dashboard()["tiles"]["ended_change"], 50, delta=4)

    def test_there_is_no_change_against_a_time_that_nobody_counted(self):
        for minutes in (10, 70):
            self.make_job(ended=self.now - timedelta(minutes=minutes))
        self.assertIsNone(self.dashboard()["tiles"]["ended_change"])

    def test_tables_group_what_happened(self):
        self.make_jobs()
        data = self.dashboard()
        channels = {row["channel"]: row for row in data["channels"]}
        self.assertEqual((channels["root.export"]["done"], channels["root"]["failed"]), (3, 1))
        self.assertEqual(channels["root.slow"]["ready"], 1)
        (slowest,) = data["slowest"]
        self.assertEqual((slowest["function"], slowest["count"], slowest["average"]), ("res.partner.write", 4, 2))
        self.assertEqual([(row["exc_name"], row["count"]) for row in data["errors"]], [("KeyError", 1)])

    def test_what_needs_attention_leads_to_its_jobs(self):
        self.make_jobs()
        data = self.dashboard()
        self.assertEqual([item["level"] for item in data["attention"]], ["danger", "warning", "warning", "warning"])
        self.assertEqual(data["health"]["level"], "danger")
        self.assertIn("No worker", data["health"]["text"])
        counts = {}
        for item in data["attention"]:
            if item["model"] == "queue.job":
                counts[item["text"]] = self.env["queue.job"].search_count(item["domain"])
        self.assertEqual(
            counts,
            {
                "1 jobs have been running for more than an hour.": 1,
                "1 jobs have been ready for more than 15 minutes.": 1,
                "1 jobs used up all their retries within a day.": 1,
            },
        )

    def test_channels_that_are_paused_or_that_no_worker_serves_are_told_of(self):
        for channel in ("root.held", "root.alone", "root.mail"):
            self.make_job("pending", ended=self.now, channel=channel)
        self.env["queue.limit"].create([{"name": "root.held", "paused": True}, {"name": "root.mail", "limit": 3}])
        self.env.cr.execute(
            "INSERT INTO queue_worker (name, concurrency, heartbeat, session_lock, channels)"
            " VALUES ('host:1', 2, %s, FALSE, 'root.mail, root.held')",
            [self.now],
        )
        data = self.dashboard()
        self.assertEqual(
            [item["text"] for item in data["attention"]],
            ["No worker serves the channel root.alone: 1 jobs wait.", "Channel root.held is paused: 1 jobs wait."],
        )

    def test_the_capacity_of_a_channel_is_the_least_of_its_limits_of_those_above_and_of_its_executors(self):
        for channel in ("exports", "exports.big", "exports.small", "mail.bulk", "root.imports", "other"):
            self.make_job("pending", ended=self.now, channel=channel)
        limits = {"exports": 3, "exports.big": 5, "exports.small": 2, "root": 30, "mail": -1}
        self.env["queue.limit"].create([{"name": name, "limit": limit} for name, limit in limits.items()])

        def capacities():
            return {row["channel"]: row["capacity"] for row in self.dashboard()["channels"]}

        exports = {"exports": 3, "exports.big": 3, "exports.small": 2}
        others = ("mail.bulk", "root.imports", "other")
        self.assertEqual(capacities(), exports | dict.fromkeys(others, 30), "Without a worker limits alone tell")
        for number, (executors, channels) in enumerate(((4, ""), (8, "mail, root.imports"))):
            self.env.cr.execute(
                "INSERT INTO queue_worker (name, concurrency, heartbeat, session_lock, channels)"
                " VALUES (%s, %s, %s, FALSE, %s)",
                [f"host:{number}", executors, self.now, channels],
            )
        self.assertEqual(capacities(), exports | {"mail.bulk": 12, "root.imports": 12, "other": 4})
        self.env["queue.limit"].search([("name", "=", "root")]).limit = 1
        self.assertEqual(set(capacities().values()), {1})

    def test_it_says_when_nobody_looks_at_the_alerts(self):
        cron = self.env.ref("job_worker_monitor.ir_cron_monitor")

        def items():
            return [item for item in self.dashboard()["attention"] if "scheduled action" in item["text"]]

        cron.nextcall = self.now - timedelta(minutes=4)
        self.assertEqual(items(), [])
        cron.nextcall = self.now - timedelta(minutes=7)
        (overdue,) = items()
        self.assertIn("7 minutes overdue", overdue["text"])
        cron.active = False
        (off,) = items()
        self.assertIn("switched off", off["text"])
        self.assertEqual(self.env[off["model"]].search(off["domain"]), cron)
        manager = new_test_user(self.env, "no admin", "job_worker.group_queue_job_manager")
        attention = self.env["queue.monitor"].with_user(manager).get_dashboard("1h")["attention"]
        self.assertIs(attention[0]["model"], False, "They can't open it")

    def test_an_empty_queue_says_so(self):
        self.assertTrue(self.dashboard()["is_empty"])
        self.make_job("pending")
        self.assertFalse(self.dashboard()["is_empty"])

    def test_a_manager_sees_the_numbers_of_their_companies_alone(self):
        other = self.env["res.company"].create({"name": "Other"})
        own = self.env["res.company"].create({"name": "Own"})
        manager = new_test_user(
            self.env, "bound", "job_worker.group_queue_job_manager", company_id=own.id, company_ids=own.ids
        )
        moment = self.now - timedelta(minutes=1)
        for company in (other, own, other):
            self.make_job(ended=moment, company_id=company.id, channel=f"channel-{company.name}")
            self.make_job("failed", ended=moment, company_id=company.id, exc_name=f"Error-{company.name}")
            self.make_job("pending", ended=moment, company_id=company.id)
        monitor = self.env["queue.monitor"].with_user(manager).with_context(allowed_company_ids=own.ids)
        for options in ({}, {"company_id": own.id}):
            data = monitor.get_dashboard("1h", **options)
            self.assertEqual((data["tiles"]["ended"], data["tiles"]["ready"]), (2, 1))
            self.assertNotIn("Other", str(data))
        self.assertEqual(
            sum(
                monitor.env["queue.metric"].search([("resolution", "=", "day"), ("function", "!=", "")]).mapped("count")
            ),
            2,
        )
        with self.assertRaises(AccessError):
            monitor.get_dashboard("1h", company_id=other.id)

    def test_others_than_managers_see_nothing_and_change_nothing(self):
        user = new_test_user(self.env, "plain", "job_worker.group_queue_job_user")
        with self.assertRaises(AccessError):
            self.env["queue.monitor"].with_user(user).get_dashboard("1h")
        for model in (
            "queue.metric", "queue.metric.level", "queue.monitor.worker", "queue.alert", "queue.alert.rule",
            "queue.alert.webhook", "queue.alert.delivery", "queue.alert.maintenance",
        ):  # fmt: skip
            for operation in ("read", "write", "create", "unlink"):
                with self.subTest(model, operation=operation):
                    self.assertFalse(self.env[model].with_user(user).has_access(operation))

    def test_managers_configure_but_forge_no_history(self):
        manager = new_test_user(self.env, "manager", "job_worker.group_queue_job_manager")
        for model in (
            "queue.metric",
            "queue.metric.level",
            "queue.alert",
            "queue.alert.delivery",
            "queue.monitor.worker",
        ):
            for operation in ("write", "create", "unlink"):
                with self.subTest(model, operation=operation):
                    self.assertFalse(self.env[model].with_user(manager).has_access(operation))
        self.assertTrue(self.env["queue.alert.rule"].with_user(manager).has_access("create"))

    def test_an_unknown_span_is_refused_by_its_name(self):
        with self.assertRaisesRegex(UserError, "2h"):
            self.dashboard("2h")


@tagged("post_install", "-at_install")
class TestDashboardTour(DashboardCase, HttpCase):
    """In a real browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        leave_out_lacking_asset(cls.env)

    def test_the_dashboard_shows_the_queue_and_leads_to_its_jobs(self):
        self.make_jobs()
        self.env["queue.metric"]._collect()
        self.start_tour("/odoo/queue-dashboard", "job_worker_monitor_dashboard", login="admin")

    def test_an_empty_queue_says_what_to_do(self):
        self.start_tour("/odoo/queue-dashboard", "job_worker_monitor_empty", login="admin")

    def test_it_refreshes_by_itself_but_not_in_a_hidden_tab(self):
        self.make_jobs()
        self.start_tour("/odoo/queue-alerts", "job_worker_monitor_hidden_tab", login="admin")

    def test_a_rule_is_muted_and_leads_to_its_alerts(self):
        self.env.ref("job_worker_monitor.rule_no_worker").active = True
        self.start_tour(
            "/odoo/action-job_worker_monitor.action_queue_alert_rule", "job_worker_monitor_rule", login="admin"
        )
