from datetime import timedelta

from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import file_path

from ..delay import chain, group

# Debian's Odoo lacks a library that `mail` lists: the web client says so on its console, which fails a tour.
LACKING = "mail/static/lib/selfie_segmentation/selfie_segmentation.js"


@tagged("post_install", "-at_install")
class TestTours(HttpCase):
    """The main paths of people, in a real browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.leave_out_lacking_asset()
        cls.partner = cls.env["res.partner"].create({"name": "Tour"})
        cls.manager = new_test_user(
            cls.env, "queue-manager", password="queue-manager", groups="job_worker.group_queue_job_manager"
        )
        cls.user = new_test_user(cls.env, "queue-user", password="queue-user", groups="job_worker.group_queue_job_user")
        cls.enqueue("Tour failure")
        cls.set_failed("Tour failure", "out of paper")
        for number in range(3):
            cls.enqueue(f"Tour pending {number}")
        cls.enqueue("Tour scheduled", scheduled_at=timedelta(minutes=1))

    @classmethod
    def leave_out_lacking_asset(cls):
        try:
            file_path(LACKING)
        except FileNotFoundError:
            values = {"name": LACKING, "bundle": "web.assets_backend", "directive": "remove", "path": LACKING}
            cls.env["ir.asset"].create(values)

    @classmethod
    def enqueue(cls, name, user=None, **options):
        return cls.partner.with_user(user or cls.manager).with_delay(description=name, **options).read(["name"])

    @classmethod
    def set_failed(cls, name, message):
        cls.env.flush_all()
        cls.env.cr.execute(
            """UPDATE queue_job SET state = 'failed', exc_name = 'ValueError', exc_message = %s, exc_info = 'Traceback',
                      completed_at = now() AT TIME ZONE 'UTC' WHERE name = %s""",
            [message, name],
        )
        cls.env.invalidate_all()

    def tour(self, name, login="queue-manager"):
        self.start_tour("/odoo", name, login=login)

    def states(self, name):
        self.env.invalidate_all()
        return self.env["queue.job"].search([("name", "=like", name)]).mapped("state")

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

    def test_a_page_that_hears_of_a_change_reads_its_rows_again(self):
        self.tour("queue_page_follows_changes")

    def test_every_view_opens(self):
        self.tour("queue_operator_opens_every_view")

    def test_a_user_sees_and_cancels_their_own_jobs_only(self):
        self.enqueue("Tour of the user", self.user)
        self.tour("queue_user_sees_their_own_jobs", login="queue-user")
        self.assertEqual(self.states("Tour of the user"), ["cancelled"])
