import hashlib
import hmac
import json
from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.job_worker.tests.common import trap_jobs

from .common import NOW, MonitorCase, minutes
from .webhook_server import WebhookServer

SEND = "odoo.addons.job_worker_monitor.models.queue_alert_send"


@tagged("post_install", "-at_install")
class TestDeliveries(MonitorCase):
    """An alert that fires, repeats and resolves reaches people in every way."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reader = new_test_user(
            cls.env, "reader-of-alerts", "job_worker.group_queue_job_manager", email="reader@example.com"
        )

    def make_rule(self, **values):
        return self.env["queue.alert.rule"].create(
            {"name": "Long queue", "kind": "depth", "threshold": 1, "severity": "critical", **values}
        )

    def turn(self, minute=0):
        self.env["queue.alert"]._evaluate(NOW + minutes(minute))

    def fire_and_resolve(self, **values):
        """Let a rule fire, repeat and resolve; return its alert."""
        rule = self.make_rule(repeat_minutes=5, **values)
        job = self.env["queue.job"].browse(self.make_job("pending"))
        self.turn(0)
        self.turn(4)
        self.turn(5)
        job.button_cancel()
        self.turn(6)
        self.turn(7)
        return rule.alert_ids

    def course(self, alert):
        """``[(event, state)]`` of the deliveries, in their order."""
        return [(delivery.event, delivery.state) for delivery in alert.delivery_ids.sorted("id")]

    def test_a_chat_gets_each_event_once(self):
        alert = self.fire_and_resolve(chat_user_ids=self.reader.ids)
        self.assertEqual(self.course(alert), [("fire", "sent"), ("repeat", "sent"), ("resolve", "sent")])
        chat = self.env["discuss.channel"].with_user(self.env.ref("base.user_root"))
        chat = chat._get_or_create_chat([self.reader.partner_id.id])
        bodies = chat.sudo().message_ids.sorted("id").mapped("body")
        self.assertEqual(len(bodies), 3)
        self.assertIn("Critical: Long queue", bodies[0])
        self.assertIn("1 jobs are ready and not running (limit 1)", bodies[0])
        self.assertIn("Still: Long queue", bodies[1])
        self.assertIn("Resolved: Long queue", bodies[2])
        self.assertIn("nothing is wrong any more", bodies[2])

    def test_a_discuss_channel_is_posted_in(self):
        channel = self.env["discuss.channel"].create({"name": "Operations"})
        alert = self.fire_and_resolve(discuss_channel_id=channel.id)
        self.assertEqual(self.course(alert), [("fire", "sent"), ("repeat", "sent"), ("resolve", "sent")])
        self.assertEqual(len(channel.message_ids.filtered(lambda message: "Long queue" in message.body)), 3)

    def test_an_activity_is_open_while_the_alert_fires(self):
        rule = self.make_rule(activity_user_ids=self.reader.ids)
        job = self.env["queue.job"].browse(self.make_job("pending"))
        self.turn()
        alert = rule.alert_ids
        self.assertEqual(alert.activity_ids.mapped("user_id"), self.reader)
        self.assertIn("Long queue", alert.activity_ids.summary)
        job.button_cancel()
        self.turn(1)
        self.assertFalse(alert.activity_ids)

    def test_a_mail_is_handed_over_and_followed(self):
        rule = self.make_rule(email_user_ids=self.reader.ids)
        self.make_job("pending")
        self.turn()
        delivery = rule.alert_ids.delivery_ids
        self.assertEqual((delivery.state, delivery.target), ("waiting", "reader@example.com"))
        self.assertEqual(delivery.mail_id.subject, "Critical: Long queue")
        self.assertIn("reader@example.com", delivery.mail_id.email_to)
        delivery.mail_id.write({"state": "exception", "failure_reason": "Connection refused"})
        self.env["queue.alert.delivery"]._follow_up()
        self.assertEqual((delivery.state, delivery.error), ("failed", "Connection refused"))
        delivery.write({"state": "waiting"})
        delivery.mail_id.state = "sent"
        self.env["queue.alert.delivery"]._follow_up()
        self.assertEqual(delivery.state, "sent")

    @mute_logger(SEND)
    def test_a_receiver_that_can_not_be_reached_keeps_no_other_from_being_told(self):
        nobody = new_test_user(self.env, "no-mail", "job_worker.group_queue_job_manager")
        nobody.email = False
        rule = self.make_rule(email_user_ids=(nobody | self.reader).ids, chat_user_ids=self.reader.ids)
        self.make_job("pending")
        self.turn()
        failing = rule.alert_ids.delivery_ids.filtered(lambda delivery: delivery.user_id == nobody)
        self.assertEqual((failing.state, failing.tries), ("waiting", 1))
        self.assertIn("no e-mail address", failing.error)
        self.assertEqual(len(rule.alert_ids.delivery_ids - failing), 2)
        for _turn in range(4):
            self.env["queue.alert.delivery"]._follow_up()
        self.assertEqual((failing.state, failing.tries), ("failed", 5))

    def test_people_are_told_in_their_own_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        rule = self.make_rule(chat_user_ids=self.reader.ids)
        self.reader.lang = "fr_FR"
        rule.with_context(lang="fr_FR").name = "File d'attente longue"
        self.make_job("pending")
        self.turn()
        self.assertIn("File d'attente longue", rule.alert_ids.delivery_ids.subject)


@tagged("post_install", "-at_install")
class TestWebhooks(MonitorCase):
    def setUp(self):
        super().setUp()
        self.server = WebhookServer()
        self.addCleanup(self.server.close)
        self.webhook = self.env["queue.alert.webhook"].create(
            {"name": "Pager", "url": self.server.url, "secret": "s3cret"}
        )

    def fire(self):
        """Let a rule fire; return its delivery and the jobs that were enqueued for it."""
        rule = self.env["queue.alert.rule"].create(
            {"name": "Long queue", "kind": "depth", "threshold": 1, "webhook_ids": self.webhook.ids}
        )
        self.make_job("pending", channel="root.busy")
        self.env["queue.alert"]._evaluate(NOW)
        return rule.alert_ids.delivery_ids

    def test_an_alert_is_posted_by_a_job_and_signed(self):
        with trap_jobs() as trap:
            delivery = self.fire()
            trap.assert_jobs_count(1)
            self.assertEqual(self.server.received, [], "Nothing is sent before the job runs")
            trap.perform_enqueued_jobs()
        ((headers, body),) = self.server.received
        content = json.loads(body)
        self.assertEqual((content["event"], content["alert"]["rule"]), ("fire", "Long queue"))
        self.assertEqual((content["alert"]["value"], content["alert"]["threshold"]), (1, 1))
        self.assertEqual(content["alert"]["fired_at"], "2026-03-29T12:30:00Z")
        self.assertEqual(headers["X-Job-Worker-Delivery"], delivery.uuid)
        signed = headers["X-Job-Worker-Timestamp"].encode() + b"." + body
        expected = hmac.new(b"s3cret", signed, hashlib.sha256).hexdigest()
        self.assertEqual(headers["X-Job-Worker-Signature"], f"sha256={expected}")
        self.assertEqual((delivery.state, delivery.tries), ("sent", 1))

    def test_an_answer_that_is_no_success_is_tried_again_and_shown(self):
        delivery = self.fire()
        self.server.statuses = [500, 302]
        for reason in ("500", "302"):
            with self.assertRaisesRegex(Exception, reason):
                delivery._send_webhook()
        self.assertEqual(delivery.state, "waiting")
        # As the engine leaves the job after failed attempts.
        self.env.cr.execute(
            "UPDATE queue_job SET attempts = 2, exc_message = 'answered 302' WHERE id = %s", [delivery.job_id.id]
        )
        self.env["queue.job"].invalidate_model()
        with self.living_worker():
            self.env["queue.alert.delivery"]._follow_up()
        self.assertEqual((delivery.state, delivery.tries, delivery.error), ("waiting", 2, "answered 302"))
        self.env.cr.execute("UPDATE queue_job SET state = 'failed', attempts = 6 WHERE id = %s", [delivery.job_id.id])
        self.env["queue.job"].invalidate_model()
        with self.living_worker():
            self.env["queue.alert.delivery"]._follow_up()
        self.assertEqual((delivery.state, delivery.tries), ("failed", 6))

    def living_worker(self):
        return patch.object(type(self.metrics), "_live_workers", lambda metrics, now: [{"alive": True}])

    def test_while_no_worker_lives_the_cron_posts_itself_and_the_job_does_not_again(self):
        delivery = self.fire()
        self.env["queue.alert.delivery"]._follow_up()
        self.assertEqual(delivery.state, "sent")
        delivery._send_webhook()
        self.assertEqual(len(self.server.received), 1)

    def test_a_server_that_is_down_is_no_trouble_for_the_cron(self):
        self.server.close()
        delivery = self.fire()
        self.env["queue.alert.delivery"]._follow_up()
        self.assertEqual(delivery.state, "waiting")
        self.assertIn("refused", delivery.error)

    def test_only_urls_of_the_web_can_be_configured(self):
        for url in ("file:///etc/passwd", "ftp://host/x", "nonsense", "http://"):
            with self.subTest(url), self.assertRaisesRegex(ValidationError, "no URL of the web"):
                self.webhook.url = url
