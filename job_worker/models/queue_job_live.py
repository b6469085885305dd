"""Who looks at jobs, so that workers tell of changes only then."""

from odoo import api, fields, models
from odoo.tools import SQL

from ..runtime import live

# A page that is still open says so again before this has passed.
WATCH_MINUTES = 15


class QueueJobLive(models.Model):
    """One row: until when somebody wants to hear of changes."""

    _name = "queue.job.live"
    _description = "Queue Job Watch"
    _log_access = False

    watched_until = fields.Datetime(readonly=True)


class QueueJob(models.Model):
    _inherit = "queue.job"

    @api.model
    def live_watch(self):
        """Ask workers to tell of changes, for :data:`WATCH_MINUTES`.

        :return: dict of ``channel`` and ``message``: of the bus, where they tell it
        """
        self.browse().check_access("read")
        self.env.cr.execute(
            SQL(
                """INSERT INTO queue_job_live (id, watched_until)
                   VALUES (1, now() AT TIME ZONE 'UTC' + %(minutes)s * interval '1 minute')
                   ON CONFLICT (id) DO UPDATE SET watched_until = excluded.watched_until
                    WHERE queue_job_live.watched_until < excluded.watched_until - interval '1 minute'""",
                minutes=WATCH_MINUTES,
            )
        )
        return {"channel": live.CHANNEL, "message": live.MESSAGE}
