from odoo.tests import tagged

from .tour_case import TourCase


@tagged("post_install", "-at_install")
class TestRoles(TourCase):
    """What each role sees of the queue, in a real browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.enqueue("Tour of the user", cls.user)
        cls.env["queue.limit"].create({"name": "tour.channel", "limit": 3})

    def test_who_has_no_right_on_the_queue_finds_neither_its_menu_nor_its_pages(self):
        self.new_user("no-queue-user", "base.group_user")
        job = self.enqueue("Tour of the stranger", self.env.ref("base.user_admin"))
        self.tour("queue_stranger_finds_no_queue", login="no-queue-user", url=f"/odoo/queue-graph/{job.id}")

    def test_a_user_opens_their_own_jobs_only_and_changes_no_channel(self):
        url = f"/odoo/queue-jobs/{self.job('Tour failure').id}"
        self.tour("queue_user_sees_what_is_theirs", login="queue-user", url=url)

    def test_a_manager_sees_everything_but_the_settings(self):
        self.tour("queue_manager_sees_all_but_the_settings")
        self.assertTrue(self.env["queue.limit"].search([("name", "=", "tour.channel")]).paused)

    def test_an_administrator_sets_the_defaults_of_all_jobs(self):
        self.tour("queue_administrator_sets_the_defaults", login="admin")
        job = self.enqueue("Tour with defaults")
        self.assertEqual((job.timeout, job.max_retries), (90, 2))
