from odoo import fields, models


class QueueJobCancellation(models.Model):
    """A request to cancel a running job: its own row belongs to the worker that runs it, which obeys."""

    _name = "queue.job.cancellation"
    _description = "Request to Cancel a Job"
    _log_access = False

    job_id = fields.Many2one("queue.job", readonly=True, required=True, ondelete="cascade")
    message = fields.Char(readonly=True)
    requested_at = fields.Datetime(readonly=True)

    _job_unique = models.Constraint("UNIQUE(job_id)", "The job is being cancelled already.")
