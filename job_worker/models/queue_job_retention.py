"""Retention: ended jobs go after a number of days, by state."""

from odoo import api, models
from odoo.tools import SQL

RETENTION_DAYS = {"done": 30, "cancelled": 30, "failed": 90}
BATCH_SIZE = 5000


class QueueJob(models.Model):
    _inherit = "queue.job"

    @api.model
    def _get_retention_days(self, state):
        """Days that jobs in ``state`` are kept after their end; 0 for ever."""
        value = self.env["ir.config_parameter"].sudo().get_param(f"job_worker.retention_days_{state}")
        return int(value) if value and value.isdecimal() else RETENTION_DAYS[state]

    @api.model
    def _gc_jobs(self):
        """Delete ended jobs past their retention in batches; the cron goes on where it stopped."""
        cron = self.env["ir.cron"]
        left = sum(self._count_expired(state) for state in RETENTION_DAYS)
        cron._commit_progress(remaining=left)
        for state in RETENTION_DAYS:
            while deleted := self._delete_expired(state):
                left = max(left - deleted, 0)
                if not cron._commit_progress(processed=deleted, remaining=left):
                    return

    @api.model
    def _expired(self, state):
        """SQL condition of the expired jobs in ``state``; index: queue_job_retention_index."""
        days = self._get_retention_days(state)
        if not days:
            return SQL("FALSE")
        return SQL(
            "state = %s AND COALESCE(completed_at, cancelled_at, write_date)"
            " < now() AT TIME ZONE 'UTC' - %s * interval '1 day'"
            # A graph goes as a whole: its ended jobs say what the others wait for.
            " AND (graph_uuid IS NULL OR NOT EXISTS (SELECT 1 FROM queue_job other"
            " WHERE other.graph_uuid = queue_job.graph_uuid AND other.state IN ('waiting', 'pending', 'started')))",
            state,
            days,
        )

    @api.model
    def _count_expired(self, state):
        # Capped: the progress of a cron needs no exact count of millions.
        ((count,),) = self.env.execute_query(
            SQL(
                "SELECT count(*) FROM (SELECT 1 FROM queue_job WHERE %s LIMIT 100000) expired",
                self._expired(state),
            )
        )
        return count

    @api.model
    def _delete_expired(self, state):
        self.env.cr.execute(
            SQL(
                """DELETE FROM queue_job
                    WHERE id IN (SELECT id FROM queue_job WHERE %s
                                  ORDER BY COALESCE(completed_at, cancelled_at, write_date)
                                  LIMIT %s FOR UPDATE SKIP LOCKED)""",
                self._expired(state),
                BATCH_SIZE,
            )
        )
        deleted = self.env.cr.rowcount
        self.env["queue.job"].invalidate_model()
        return deleted
