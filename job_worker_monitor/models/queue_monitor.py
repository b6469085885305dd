import logging

import psycopg2

from odoo import api, fields, models

_logger = logging.getLogger(__name__)


class QueueMonitor(models.AbstractModel):
    """What keeps the monitor going: a cron of Odoo, which runs while all workers are dead."""

    _name = "queue.monitor"
    _description = "Queue Monitor"

    @api.model
    def _run_turn(self, now=None):
        """Collect, look at the rules, tell people. A step that fails keeps none of the others from being made."""
        now = now or fields.Datetime.now()
        for step in (
            lambda: self.env["queue.metric"]._collect(now),
            lambda: self.env["queue.alert"]._evaluate(now),
            lambda: self.env["queue.alert.delivery"]._follow_up(),
            lambda: self._prune_sometimes(now),
        ):
            self._make_step(step)

    @api.model
    def _make_step(self, step):
        try:
            with self.env.cr.savepoint():
                step()
        except psycopg2.errors.SerializationFailure:
            raise
        except Exception:
            _logger.exception("A step of the queue's monitor failed")

    @api.model
    def _prune_sometimes(self, now):
        if now.minute == 17:
            self.env["queue.metric"]._prune(now)
