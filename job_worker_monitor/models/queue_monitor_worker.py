from odoo import api, fields, models
from odoo.tools import SQL

from odoo.addons.job_worker.engine.workers import WORKER_LOCK_CLASS

TRIGGER = "queue_worker_monitor_end"


class QueueMonitorWorker(models.Model):
    """How workers ended. The row of a worker in the registry goes when it stops, and when another finds it dead.

    Who deletes that row tells the two apart: a worker that stops deletes its own, holding its session lock. A trigger
    looks at that in the same statement, as there may be no later moment to see it. A worker behind a pooler has no
    such lock: it has died when its heartbeat is older than a living worker's ever is.
    """

    _name = "queue.monitor.worker"
    _description = "Ended Worker"
    _log_access = False
    _order = "ended_at desc, id desc"

    name = fields.Char(readonly=True)
    concurrency = fields.Integer(readonly=True)
    started_at = fields.Datetime("Started", readonly=True)
    heartbeat = fields.Datetime("Last Heartbeat", readonly=True)
    ended_at = fields.Datetime("Ended", readonly=True, index=True)
    died = fields.Boolean(readonly=True, help="Found dead by another worker, rather than stopped.")

    def init(self):
        self.env.cr.execute(
            SQL(
                """
                CREATE OR REPLACE FUNCTION %(name)s() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    INSERT INTO queue_monitor_worker (name, concurrency, started_at, heartbeat, ended_at, died)
                    VALUES (OLD.name, OLD.concurrency, OLD.started_at, OLD.heartbeat,
                            clock_timestamp() AT TIME ZONE 'UTC',
                            CASE WHEN OLD.session_lock IS FALSE THEN
                                OLD.heartbeat < clock_timestamp() AT TIME ZONE 'UTC' - interval '30 seconds'
                            ELSE NOT EXISTS (
                                SELECT 1 FROM pg_locks
                                 WHERE locktype = 'advisory' AND objsubid = 2 AND granted AND pid = pg_backend_pid()
                                   AND classid = %(lock_class)s AND objid = OLD.id)
                            END);
                    RETURN NULL;
                EXCEPTION WHEN OTHERS THEN
                    RETURN NULL; -- whatever goes wrong here, the engine must not suffer from it
                END $$;
                DROP TRIGGER IF EXISTS %(name)s ON queue_worker;
                CREATE TRIGGER %(name)s AFTER DELETE ON queue_worker
                    FOR EACH ROW EXECUTE FUNCTION %(name)s()
                """,
                name=SQL.identifier(TRIGGER),
                lock_class=WORKER_LOCK_CLASS,
            )
        )

    @api.autovacuum
    def _gc_ended(self):
        self.env.cr.execute(
            "DELETE FROM queue_monitor_worker WHERE ended_at < now() AT TIME ZONE 'UTC' - interval '90 days'"
        )
