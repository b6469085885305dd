from odoo.exceptions import AccessError
from odoo.tests.common import new_test_user

from .graph_case import GraphCase


class TestTransitions(GraphCase):
    def message(self, action):
        self.assertEqual(action["tag"], "display_notification")
        return action["params"]["message"]

    def jobs_in(self, *states):
        jobs = self.env["queue.job"].union(*[self.step(state).delay() for state in states])
        self.env.flush_all()
        for job in jobs:
            self.env.cr.execute("UPDATE queue_job SET state = name WHERE id = %s", [job.id])
        jobs.invalidate_recordset()
        return jobs

    def test_each_button_changes_what_makes_sense_and_says_what_it_skipped(self):
        everything = ("pending", "started", "done", "failed", "cancelled")
        for button, changed, target in (
            ("button_requeue", {"failed", "cancelled"}, "pending"),
            ("button_cancel", {"pending"}, "cancelled"),
            ("button_done", {"pending", "failed", "cancelled"}, "done"),
            ("button_failed", {"pending", "cancelled"}, "failed"),
        ):
            with self.subTest(button):
                jobs = self.jobs_in(*everything)
                message = self.message(getattr(jobs, button)())
                expected = {name: target if name in changed else name for name in everything}
                self.assertEqual(self.states(jobs), expected)
                self.assertIn(f"{len(changed)} jobs", message)
                stopping = {"started"} if button == "button_cancel" else set()
                for name in set(everything) - changed - stopping:
                    self.assertIn(f"already {name}", message)

    def test_a_requeued_job_starts_afresh(self):
        job = self.step("failed", identity_key="fresh").delay()
        self.env.flush_all()
        self.env.cr.execute(
            """UPDATE queue_job SET state = 'failed', attempts = 6, exc_name = 'E', exc_info = 'T', result = '1'
                WHERE id = %s""",
            [job.id],
        )
        job.invalidate_recordset()
        job.button_requeue()
        self.assertRecordValues(
            job, [{"state": "pending", "attempts": 0, "exc_name": False, "exc_info": False, "result": False}]
        )

    def test_a_requeue_that_would_collide_says_so(self):
        failed = self.step("one", identity_key="same").delay()
        self.end(failed, "failed")
        self.step("two", identity_key="same").delay()
        message = self.message(failed.button_requeue())
        self.assertEqual(failed.state, "failed")
        self.assertIn("1: an unfinished job has the same identity key", message)

    def test_a_requeue_of_a_cascaded_job_points_to_the_one_that_failed(self):
        job = self.step("work").on_done(self.step("next")).delay()
        following = self.graph_of(job) - job
        self.end(job, "failed")
        message = self.message(following.button_requeue())
        self.assertIn("0 jobs requeued", message)
        self.assertIn("requeue that one", message)
        self.assertEqual(following.state, "failed")

    def test_a_user_operates_their_own_jobs_only(self):
        user = new_test_user(self.env, "queue-user", groups="job_worker.group_queue_job_user")
        stranger = new_test_user(self.env, "no-queue-user", groups="base.group_user")
        own = self.partner.with_user(user).with_delay().read(["name"]).sudo(False)
        other = self.step("other").delay().with_user(user).sudo(False)
        own.button_cancel()
        self.assertEqual(own.state, "cancelled")
        for button in ("button_cancel", "button_requeue", "button_done", "button_failed"):
            with self.subTest(button):
                with self.assertRaises(AccessError):
                    getattr(other, button)()
                with self.assertRaises(AccessError):
                    getattr(own.with_user(stranger), button)()
        self.assertEqual(other.sudo().state, "pending")
