from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..engine.config import WorkerSettings
from ..engine.workers import WORKER_LOCK_CLASS


class QueueWorker(models.Model):
    """A running worker. Rows are written by the workers themselves and go when they stop."""

    _name = "queue.worker"
    _description = "Queue Worker"
    _order = "started_at desc, id desc"

    name = fields.Char(readonly=True, required=True, help="Host and process id of the worker.")
    hostname = fields.Char(readonly=True)
    pid = fields.Integer("Process ID", readonly=True)
    version = fields.Char(readonly=True, help="Version of job_worker that the worker runs.")
    database = fields.Char(compute="_compute_database")
    concurrency = fields.Integer(readonly=True, help="Jobs it runs at the same time.")
    channels = fields.Char(readonly=True, help="The channels that it serves; empty for all.")
    status = fields.Char(readonly=True, help="Running, draining, or why it does not claim jobs.")
    session_lock = fields.Boolean(
        readonly=True, help="Whether its death is seen at once; behind a pooler only its heartbeat tells."
    )
    started_at = fields.Datetime("Started", readonly=True)
    heartbeat = fields.Datetime("Last Heartbeat", readonly=True)
    is_alive = fields.Boolean("Alive", compute="_compute_is_alive")
    job_count = fields.Integer("Running Jobs", compute="_compute_job_count")

    def _compute_database(self):
        self.database = self.env.cr.dbname

    @api.depends("heartbeat", "session_lock")
    def _compute_is_alive(self):
        # A living worker holds a session lock that PostgreSQL drops with its connection.
        rows = self.env.execute_query(
            SQL(
                """SELECT objid::int FROM pg_locks
                    WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND classid = %s
                      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())""",
                WORKER_LOCK_CLASS,
            )
        )
        held = {worker_id for (worker_id,) in rows}
        oldest = fields.Datetime.now() - timedelta(seconds=WorkerSettings.stale_after_seconds)
        for worker in self:
            beats = bool(worker.heartbeat) and worker.heartbeat > oldest
            worker.is_alive = worker.id in held if worker.session_lock else beats

    def _compute_job_count(self):
        groups = self.env["queue.job"]._read_group(
            [("state", "=", "started"), ("worker_id", "in", self.ids)], ["worker_id"], ["__count"]
        )
        counts = {worker.id: count for worker, count in groups}
        for worker in self:
            worker.job_count = counts.get(worker.id, 0)
