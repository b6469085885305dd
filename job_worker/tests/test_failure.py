import json

from odoo.tests.common import new_test_user

from .graph_case import GraphCase


class TestFailure(GraphCase):
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
        """Jobs of ``user`` that failed, as SQL of the engine records it."""
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
