from datetime import timedelta

from odoo.tests import tagged

from ..delay import chain, group
from .tour_case import TourCase


@tagged("post_install", "-at_install")
class TestTours(TourCase):
    """The main paths of people, in a real browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for number in range(3):
            cls.enqueue(f"Tour pending {number}")
        cls.enqueue("Tour scheduled", scheduled_at=timedelta(minutes=1))

    def test_an_operator_finds_a_failed_job_and_requeues_it(self):
        self.tour("queue_operator_requeues_a_failed_job")
        self.assertEqual(self.states("Tour failure"), ["pending"])

    def test_an_operator_cancels_all_that_match_a_filter(self):
        self.tour("queue_operator_cancels_what_matches_a_filter")
        self.assertEqual(self.states("Tour pending%"), ["cancelled"] * 3)

    def test_an_operator_unfolds_a_graph_and_opens_a_job_of_it(self):
        step = self.partner.with_user(self.manager).delayable
        parts = group(*[step(description=f"Tour part {number}").read(["name"]) for number in range(12)])
        last = step(description="Tour last").read(["name"])
        chain(step(description="Tour first").read(["name"]), parts, last).delay()
        self.tour("queue_operator_looks_at_a_graph")

    def test_an_operator_finds_their_way_in_a_graph_of_a_thousand_jobs(self):
        step = self.partner.with_user(self.manager).delayable
        parts = group(*[step(description=f"Thousand part {number}").read(["name"]) for number in range(1000)])
        last = step(description="Thousand last").read(["name"])
        first = step(description="Thousand first").read(["name"])
        chain(first, parts, last).delay()
        url = f"/odoo/queue-jobs/{self.job('Thousand first').id}"
        self.tour("queue_operator_looks_at_a_graph_of_a_thousand_jobs", url=url)

    def test_a_page_that_hears_of_a_change_reads_its_rows_again(self):
        self.tour("queue_page_follows_changes")

    def test_a_user_opens_the_failed_job_from_the_message_about_it(self):
        if "mail.thread" not in self.env:
            self.skipTest("The module mail is not installed: there are no messages")
        self.manager.write({"job_failure_notification": "inbox", "notification_type": "inbox"})
        self.env["queue.job"]._tell_failures()
        self.tour("queue_user_reads_of_a_failure", url="/odoo/action-mail.action_discuss")

    def test_every_view_opens(self):
        self.tour("queue_operator_opens_every_view")

    def test_a_user_sees_and_cancels_their_own_jobs_only(self):
        self.enqueue("Tour of the user", self.user)
        self.tour("queue_user_sees_their_own_jobs", login="queue-user")
        self.assertEqual(self.states("Tour of the user"), ["cancelled"])
