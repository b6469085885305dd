import json
from unittest import SkipTest

from odoo.tests import tagged
from odoo.tests.common import new_test_user

from .graph_case import GraphCase


class FailureCase(GraphCase):
    """Jobs of a user and a manager that failed, as SQL of the engine records it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = new_test_user(cls.env, "queue-user", groups="job_worker.group_queue_job_user")
        cls.manager = new_test_user(cls.env, "queue-manager", groups="job_worker.group_queue_job_manager")

    def setUp(self):
        super().setUp()
        self.env["queue.job"]._tell_failures()
        self.messages()

    def failed(self, *names, user=None, **options):
        """Jobs of ``user`` that failed."""
        records = self.partner.with_user(user or self.user)
        jobs = [records.with_delay(description=name, **options).read(["name"]) for name in names]
        jobs = self.env["queue.job"].union(*jobs)
        self.fail_again(jobs)
        return jobs

    def fail_again(self, jobs):
        self.env.flush_all()
        self.env.cr.execute(
            """UPDATE queue_job SET state = 'failed', exc_name = 'E', exc_message = 'boom',
                      completed_at = clock_timestamp() AT TIME ZONE 'UTC' WHERE id = ANY(%s)""",
            [jobs.ids],
        )
        self.env.invalidate_all()

    def messages(self):
        """What the bus holds to be sent, by partner id; then it is empty."""
        self.env.cr.precommit.run()
        found = {}
        for row in self.env["bus.bus"].search([]):
            message, channel = json.loads(row.message), json.loads(row.channel)
            if message["type"] == "job_worker/failed":
                found.setdefault(channel[-1], []).append(message["payload"])
        self.env["bus.bus"].search([]).unlink()
        return found

    def told(self, user):
        return self.messages().get(user.partner_id.id, [])


class TestFailure(FailureCase):
    def test_a_user_hears_of_many_failures_in_one_message(self):
        jobs = self.failed("one", "two", "three")
        self.env["queue.job"]._tell_failures()
        (message,) = self.told(self.user)
        self.assertEqual(message["title"], "3 background jobs failed")
        self.assertEqual(sorted(message["ids"]), sorted(jobs.ids))

    def test_nobody_hears_twice_of_a_failure_but_of_the_next_one(self):
        jobs = self.failed("one")
        self.env["queue.job"]._tell_failures()
        self.env["queue.job"]._tell_failures()
        self.assertEqual(len(self.told(self.user)), 1)
        self.fail_again(jobs)
        self.env["queue.job"]._tell_failures()
        self.assertEqual(len(self.told(self.user)), 1)

    def test_a_cascade_is_told_too(self):
        records = self.partner.with_user(self.user)
        job = (
            records.delayable(description="a")
            .read(["name"])
            .on_done(records.delayable(description="b").read(["name"]))
            .delay()
        )
        self.fail_again(job)
        self.end(job, "failed")
        self.env["queue.job"]._tell_failures()
        self.assertEqual([len(message["ids"]) for message in self.told(self.user)], [2])

    def test_who_does_not_want_to_hear_is_not_told(self):
        self.user.job_failure_notification = "none"
        self.failed("one")
        self.env["queue.job"]._tell_failures()
        self.assertEqual(self.told(self.user), [])

    def test_a_manager_hears_of_the_channels_that_they_watch(self):
        self.env["queue.job.alert"].create({"user_id": self.manager.id, "channel": "root.export"})
        watched = self.failed("one", channel="root.export") | self.failed("two", channel="root.export.heavy")
        self.failed("three", channel="root.exports")
        self.env["queue.job"]._tell_failures()
        (message,) = self.told(self.manager)
        self.assertEqual(sorted(message["ids"]), sorted(watched.ids))

    def test_an_alert_shows_nobody_a_job_that_they_may_not_see(self):
        self.env["queue.job.alert"].create({"user_id": self.user.id})
        self.failed("secret", user=self.manager)
        self.env["queue.job"]._tell_failures()
        self.assertEqual(self.told(self.user), [])

    def test_what_a_person_set_failed_is_no_news(self):
        job = self.partner.with_user(self.user).with_delay().read(["name"])
        job.button_failed()
        self.env["queue.job"]._tell_failures()
        self.assertEqual(self.told(self.user), [])

    def test_a_user_chooses_how_they_are_told(self):
        self.user.with_user(self.user).write({"job_failure_notification": "inbox"})
        self.assertEqual(self.user.job_failure_notification, "inbox")


@tagged("post_install", "-at_install")
class TestFailureMessage(FailureCase):
    """Failures as messages of Odoo, where ``mail`` is installed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if "mail.thread" not in cls.env:
            raise SkipTest("The module mail is not installed: failures are told on screen only")
        (cls.user | cls.manager).write({"job_failure_notification": "inbox", "email": "someone@example.com"})

    def tell(self):
        """Tell of the failures; return the new notifications of Odoo."""
        before = self.env["mail.notification"].search([])
        self.env["queue.job"]._tell_failures()
        return self.env["mail.notification"].search([]) - before

    def test_a_user_with_an_inbox_finds_all_failures_there_in_one_message(self):
        self.user.notification_type = "inbox"
        jobs = self.failed("one", "two <b>", "three")
        (notification,) = self.tell()
        self.assertEqual(notification.res_partner_id, self.user.partner_id)
        self.assertEqual((notification.notification_type, notification.is_read), ("inbox", False))
        message = notification.mail_message_id
        self.assertEqual(message.subject, "3 background jobs failed")
        for job in jobs:
            self.assertIn(f'<a href="/odoo/queue-jobs/{job.id}">', message.body)
        self.assertIn("two &lt;b&gt;: boom", message.body)
        self.assertEqual(self.told(self.user), [], "It isn't told on screen as well")

    def test_a_user_whose_messages_come_by_email_gets_one(self):
        self.user.notification_type = "email"
        (job,) = self.failed("one")
        (notification,) = self.tell()
        self.assertEqual(notification.notification_type, "email")
        mail = self.env["mail.mail"].search([("mail_message_id", "=", notification.mail_message_id.id)])
        self.assertEqual((mail.recipient_ids, mail.subject), (self.user.partner_id, "A background job failed"))
        sent = mail._prepare_outgoing_body()
        self.assertIn("one: boom", sent)
        self.assertIn(f"{job.get_base_url()}/odoo/queue-jobs/{job.id}", sent, "The link leads to this Odoo")

    def test_a_manager_is_sent_the_failures_of_a_channel_and_of_a_function(self):
        self.user.job_failure_notification = "none"
        self.manager.notification_type = "inbox"
        model = self.env["ir.model"]._get_id("res.partner")
        self.env["queue.job.alert"].create([{"user_id": self.manager.id, "channel": "root.export"}])
        self.env["queue.job.alert"].create([{"user_id": self.manager.id, "model_id": model, "method": "read"}])
        self.failed("both", channel="root.export")
        self.failed("function")
        other = self.partner.with_user(self.user).with_delay(description="neither").write({})
        self.fail_again(other)
        (notification,) = self.tell()
        self.assertEqual(notification.res_partner_id, self.manager.partner_id)
        body = notification.mail_message_id.body
        self.assertEqual([text in body for text in ("both: boom", "function: boom", "neither")], [True, True, False])
        self.assertEqual(body.count("both: boom"), 1, "Two alerts that fit tell of it once")

    def test_who_can_not_open_jobs_is_sent_no_link(self):
        stranger = new_test_user(self.env, "no-queue-user", groups="base.group_user")
        stranger.write({"job_failure_notification": "inbox", "notification_type": "inbox"})
        self.failed("one", user=stranger)
        (notification,) = self.tell()
        self.assertIn("one: boom", notification.mail_message_id.body)
        self.assertNotIn("href", notification.mail_message_id.body)

    def test_many_failures_are_one_message_that_lists_the_last_of_them(self):
        self.user.notification_type = "inbox"
        self.failed(*[f"job {number}" for number in range(25)])
        (notification,) = self.tell()
        self.assertEqual(notification.mail_message_id.subject, "25 background jobs failed")
        self.assertEqual(notification.mail_message_id.body.count("<li>"), 21)
        self.assertIn("and 5 more", notification.mail_message_id.body)

    def test_a_message_speaks_the_language_of_its_reader(self):
        self.env["res.lang"]._activate_lang("de_DE")
        self.env["ir.module.module"]._load_module_terms(["job_worker"], ["de_DE"])
        self.user.write({"lang": "de_DE", "notification_type": "inbox"})
        self.failed(*[f"job {number}" for number in range(25)])
        (notification,) = self.tell()
        self.assertEqual(notification.mail_message_id.subject, "25 Hintergrundjobs sind fehlgeschlagen")
        self.assertIn("und 5 weitere", notification.mail_message_id.body)
