import time

from odoo import api, fields, models
from odoo.tools import SQL

from ..exception import JobOptionError
from ..runtime import live

MIN_INTERVAL_SECONDS = 0.5


class QueueJobProgress(models.Model):
    """How far a running job is. A table of its own: nobody may touch a running job's row."""

    _name = "queue.job.progress"
    _description = "Queue Job Progress"
    _log_access = False

    job_id = fields.Many2one("queue.job", readonly=True, required=True, ondelete="cascade")
    done = fields.Float(readonly=True)
    total = fields.Float(readonly=True)
    message = fields.Char(readonly=True)
    updated_at = fields.Datetime(readonly=True)

    _job_unique = models.Constraint("UNIQUE(job_id)", "A job has one progress.")


class QueueJob(models.Model):
    _inherit = "queue.job"

    progress_ids = fields.One2many("queue.job.progress", "job_id", readonly=True)
    progress = fields.Float("Progress (%)", compute="_compute_progress")
    progress_message = fields.Char(compute="_compute_progress")

    @api.depends("progress_ids.done", "progress_ids.total", "progress_ids.message", "state")
    def _compute_progress(self):
        for job in self:
            progress = job.sudo().progress_ids[:1]
            job.progress_message = progress.message
            if job.state == "done":
                job.progress = 100.0
            else:
                job.progress = 100.0 * progress.done / progress.total if progress.total else 0.0

    @api.private
    def set_progress(self, done, total=None, message=None):
        """Show how far this job is, from inside it: ``self.env["queue.job"].current().set_progress(3, 10)``.

        Visible at once, whatever becomes of the job's transaction. Written at most twice
        a second, and always for the last step; the calls between cost nothing.

        :param done: steps done (int or float)
        :param total: steps in all; None when that isn't known
        :param str message: what the job is doing
        :raise JobOptionError: a number is negative, or ``done`` is more than ``total``
        """
        if done < 0 or (total is not None and not done <= total):
            raise JobOptionError(f"set_progress: {done!r} of {total!r} is no progress")
        now = time.monotonic()
        for job in self:
            if done != total and now - _last_written.get(job.id, 0.0) < MIN_INTERVAL_SECONDS:
                continue
            _last_written.clear()  # one job runs at a time
            _last_written[job.id] = now
            job._write_progress(done, total, message)

    def _write_progress(self, done, total, message):
        with self._progress_cursor() as cr:
            cr.execute(
                SQL(
                    """INSERT INTO queue_job_progress (job_id, done, total, message, updated_at)
                       VALUES (%s, %s, %s, %s, now() AT TIME ZONE 'UTC')
                       ON CONFLICT (job_id) DO UPDATE
                       SET done = excluded.done, total = excluded.total, message = excluded.message,
                           updated_at = excluded.updated_at""",
                    self.id,
                    done,
                    total,
                    message,
                )
            )
        live.tell(self.env.registry, self, "running")

    def _progress_cursor(self):
        """A cursor of its own, so that progress is seen before the job's transaction ends."""
        return self.env.registry.cursor()


_last_written = {}
