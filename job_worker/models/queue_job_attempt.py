from odoo import fields, models


class QueueJobAttempt(models.Model):
    """One failed attempt of a job. Written by the engine, with the job's own change of state."""

    _name = "queue.job.attempt"
    _description = "Queue Job Attempt"
    _log_access = False
    _order = "id desc"
    _rec_name = "exc_name"

    job_id = fields.Many2one("queue.job", readonly=True, required=True, ondelete="cascade", index=True)
    number = fields.Integer("Attempt", readonly=True, aggregator=False)
    worker_name = fields.Char("Worker", readonly=True)
    started_at = fields.Datetime("Started", readonly=True)
    duration = fields.Float(readonly=True, aggregator="avg", help="Seconds that the attempt took.")
    exc_name = fields.Char("Exception", readonly=True)
    exc_message = fields.Char("Error Message", readonly=True)
    exc_info = fields.Text("Traceback", readonly=True)


class QueueJob(models.Model):
    _inherit = "queue.job"

    attempt_ids = fields.One2many("queue.job.attempt", "job_id", "Failed Attempts", readonly=True)
