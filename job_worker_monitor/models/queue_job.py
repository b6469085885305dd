from odoo import models


class QueueJob(models.Model):
    _inherit = "queue.job"

    # All that counting live jobs and finding the oldest needs, so that the rows themselves are not read.
    _monitor_live_index = models.Index(
        "(channel, company_id, state, scheduled) INCLUDE (scheduled_at, create_date)"
        " WHERE state IN ('waiting', 'pending', 'started')"
    )


class QueueJobAttempt(models.Model):
    _inherit = "queue.job.attempt"

    _monitor_ended_index = models.Index("((started_at + duration * interval '1 second'))")
