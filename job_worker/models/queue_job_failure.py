"""Tell people of jobs that failed for good, whoever recorded that: an executor, a supervisor, a cascade.

The failed rows themselves are the outbox: a partial index holds those that nobody was told of yet,
and a cron takes them. So nothing has to be sent where a job fails, and nothing is lost there.
"""

from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import SQL

TAKEN_AT_ONCE = 5000
# Older failures, such as those of a restored database, are old news.
NEWS_HOURS = 24

UNTOLD = "state = 'failed' AND (failure_told_at IS NULL OR failure_told_at < completed_at)"


class QueueJobAlert(models.Model):
    """A manager wants to hear of the failures of a channel or a function, whoever's jobs they are."""

    _name = "queue.job.alert"
    _description = "Job Failure Alert"
    _order = "user_id, channel, id"
    _rec_name = "user_id"

    user_id = fields.Many2one(
        "res.users", "Who is Told", required=True, ondelete="cascade", default=lambda self: self.env.user
    )
    channel = fields.Char(help="Empty for all channels; those below it count too.")
    model_id = fields.Many2one("ir.model", "Model", ondelete="cascade", help="Empty for all models.")
    method = fields.Char(help="Empty for all methods.")

    def _matches(self, job):
        channels = (self.channel, f"{self.channel}.")
        return (
            (not self.channel or job.channel == channels[0] or job.channel.startswith(channels[1]))
            and (not self.model_id or job.model_name == self.sudo().model_id.model)
            and (not self.method or job.method_name == self.method)
        )


class QueueJob(models.Model):
    _inherit = "queue.job"

    failure_told_at = fields.Datetime("Failure Told", readonly=True, help="When people were told that it failed.")

    _untold_index = models.Index(f"(completed_at) WHERE {UNTOLD}")

    @api.model
    def _tell_failures(self):
        """Tell each user of their jobs that failed since the last time, in one message."""
        jobs = self._take_untold()
        told = defaultdict(self.browse)
        for job in jobs:
            if job.user_id:
                told[job.user_id] |= job
        for alert in self.env["queue.job.alert"].sudo().search([]):
            told[alert.user_id] |= jobs.filtered(alert._matches)
        for user, of_user in told.items():
            user._notify_job_failures(of_user._readable_by(user))

    @api.model
    def _take_untold(self):
        """Mark failed jobs as told; return those that are news, the last first."""
        self.env["queue.job"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """UPDATE queue_job SET failure_told_at = clock_timestamp() AT TIME ZONE 'UTC'
                    WHERE id IN (SELECT id FROM queue_job WHERE %(untold)s
                                  ORDER BY completed_at DESC LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
                RETURNING id, exc_name IS DISTINCT FROM 'SetByUser'
                              AND completed_at > now() AT TIME ZONE 'UTC' - %(hours)s * interval '1 hour'""",
                untold=SQL(UNTOLD),
                limit=TAKEN_AT_ONCE,
                hours=NEWS_HOURS,
            )
        )
        self.env["queue.job"].invalidate_model()
        return self.sudo().browse(sorted((id_ for id_, is_news in rows if is_news), reverse=True))

    def _readable_by(self, user):
        """Those of these jobs that ``user`` may see, in any of their companies."""
        jobs = self.with_user(user).with_context(allowed_company_ids=user.company_ids.ids)
        if not jobs.has_access("read") and not user.has_group("job_worker.group_queue_job_user"):
            # Without the group there is no menu to look them up in; but the failure is theirs to know.
            return self.filtered(lambda job: job.user_id == user)
        return jobs.search([("id", "in", self.ids)]).sudo()
