from odoo.tests import HttpCase, new_test_user
from odoo.tools import file_path

# Debian's Odoo lacks a library that `mail` lists: the web client says so on its console, which fails a tour.
LACKING = "mail/static/lib/selfie_segmentation/selfie_segmentation.js"


def leave_out_lacking_asset(env):
    """Take a library that isn't there out of the bundle; return the ``ir.asset`` for it, none where it is there."""
    try:
        file_path(LACKING)
    except FileNotFoundError:
        values = {"name": LACKING, "bundle": "web.assets_backend", "directive": "remove", "path": LACKING}
        return env["ir.asset"].create(values)
    return env["ir.asset"]


class TourCase(HttpCase):
    """A manager and a user of the queue, with jobs to look at in a real browser."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        leave_out_lacking_asset(cls.env)
        cls.partner = cls.env["res.partner"].create({"name": "Tour"})
        cls.manager = cls.new_user("queue-manager", "job_worker.group_queue_job_manager")
        cls.user = cls.new_user("queue-user", "job_worker.group_queue_job_user")
        cls.enqueue("Tour failure")
        cls.set_failed("Tour failure", "out of paper")

    @classmethod
    def new_user(cls, login, groups):
        """A user whose password is their login."""
        return new_test_user(cls.env, login, password=login, groups=groups)

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

    def tour(self, name, login="queue-manager", url="/odoo"):
        self.start_tour(url, name, login=login)

    def job(self, name):
        return self.env["queue.job"].search([("name", "=", name)])

    def states(self, name):
        self.env.invalidate_all()
        return self.env["queue.job"].search([("name", "=like", name)]).mapped("state")
