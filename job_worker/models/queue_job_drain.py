"""Jobs run by a cron, for hosts where no worker can be started."""

from odoo import api, models
from odoo.tools import SQL

from ..runtime.drain import drain


class QueueJob(models.Model):
    _inherit = "queue.job"

    @api.model
    def _run_jobs_in_cron(self):
        """Run ready jobs within the time that a cron has; the cron goes on where it stopped."""

        def report(processed):
            return self.env["ir.cron"]._commit_progress(processed, remaining=self._count_ready())

        drain(self.env.cr.dbname, report)

    @api.model
    def _count_ready(self):
        # Capped: a cron's progress needs no exact count of millions. Index: queue_job_ready_index.
        ((count,),) = self.env.execute_query(
            SQL(
                "SELECT count(*) FROM (SELECT 1 FROM queue_job"
                " WHERE state = 'pending' AND scheduled IS NOT TRUE LIMIT 1000) ready"
            )
        )
        return count
