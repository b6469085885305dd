from odoo import api, fields, models
from odoo.tools import SQL

from ..engine import states
from ..job import DEFAULT_CHANNEL, DEFAULT_MAX_RETRIES, DEFAULT_PRIORITY
from ..runtime import call
from .fields import BigInteger, alias

CLAIM_TOKEN_SEQUENCE = "queue_job_claim_token_seq"
# Each job is updated twice and more: pages keep room for its versions, and the dead ones, with their
# entries in the small indexes of live jobs, are cleaned up after some thousand jobs, not after a fifth of the table.
STORAGE = (
    "fillfactor = 70",
    "autovacuum_vacuum_scale_factor = 0.005",
    "autovacuum_vacuum_threshold = 5000",
    "autovacuum_analyze_scale_factor = 0.02",
    "autovacuum_vacuum_cost_delay = 1",
)


class QueueJob(models.Model):
    """A method call that a worker makes later, in a transaction of its own.

    Rows are written by the enqueuing code and by workers, never over RPC.
    """

    _name = "queue.job"
    _description = "Queue Job"
    _order = "id desc"

    uuid = fields.Char("UUID", readonly=True, required=True)
    name = fields.Char("Description", readonly=True)
    state = fields.Selection(states.STATES, readonly=True, required=True, default=states.PENDING)
    model_name = fields.Char("Model", readonly=True, required=True)
    method_name = fields.Char("Method", readonly=True, required=True)
    payload = fields.Text(readonly=True, required=True, groups="job_worker.group_queue_job_manager")
    func_string = fields.Char("Call", compute="_compute_func_string")
    record_ids = fields.Json("Record IDs", compute="_compute_record_ids")
    user_id = fields.Many2one("res.users", "User", readonly=True, ondelete="set null", index=True)
    company_id = fields.Many2one("res.company", "Company", readonly=True, ondelete="restrict")

    channel = fields.Char(readonly=True, required=True, default=DEFAULT_CHANNEL)
    priority = fields.Integer(readonly=True, required=True, default=DEFAULT_PRIORITY, aggregator=False)
    scheduled_at = fields.Datetime("Scheduled", readonly=True)
    scheduled = fields.Boolean(
        "Not Due Yet",
        readonly=True,
        help="Set until the scheduled time has come; workers look past such jobs.",
    )
    max_retries = fields.Integer(readonly=True, required=True, default=DEFAULT_MAX_RETRIES, aggregator=False)
    attempts = fields.Integer(readonly=True, default=0)

    timeout = fields.Integer(readonly=True, aggregator=False, help="Seconds that an attempt may take; 0 for no limit.")
    batch_size = fields.Integer(
        readonly=True, aggregator=False, help="Jobs of this function that may run in one transaction; 0 or 1 for none."
    )
    retry_pattern = fields.Char(readonly=True, help="Seconds to wait by number of the failed attempt, as JSON.")
    identity_key = fields.Char(readonly=True, help="At most one unfinished job has the same key.")
    concurrency_key = fields.Char(readonly=True, help="Jobs with the same key never run at the same time.")
    key_place = fields.Selection(
        states.KEY_PLACES,
        "Place in its Key",
        readonly=True,
        help="Of the ready jobs with one concurrency key, workers look only at the first.",
    )

    graph_uuid = fields.Char("Graph UUID", readonly=True, index="btree_not_null")
    parent_id = fields.Many2one("queue.job", "Parent Job", readonly=True, ondelete="set null", index="btree_not_null")
    child_ids = fields.One2many("queue.job", "parent_id", "Child Jobs", readonly=True)
    dependency_ids = fields.One2many("queue.job.dependency", "job_id", "Depends On", readonly=True)
    dependent_ids = fields.One2many("queue.job.dependency", "depends_on_id", "Dependents", readonly=True)
    # Counters of a waiting job, kept by release_dependents (engine/sql/dependencies.sql).
    blockers = fields.Integer(readonly=True, aggregator=False, help="Conditions that this job still waits for.")
    error_sources = fields.Integer(readonly=True, aggregator=False)

    crashes = fields.Integer(readonly=True, aggregator=False, help="Attempts that took their process or worker down.")

    missing_since = fields.Datetime(readonly=True, help="Since when this job waits for its model or method to come.")

    claim_token = BigInteger(readonly=True, groups="base.group_no_one", aggregator=False)
    line_token = BigInteger(readonly=True, groups="base.group_no_one", aggregator=False)
    worker_id = fields.Many2one("queue.worker", "Running On", readonly=True, ondelete="set null")
    worker_name = fields.Char("Worker", readonly=True, help="The worker of the last attempt.")
    heartbeat = fields.Datetime(related="worker_id.heartbeat", string="Last Heartbeat", related_sudo=True)
    started_at = fields.Datetime("Started", readonly=True)
    completed_at = fields.Datetime("Completed", readonly=True)
    cancelled_at = fields.Datetime("Cancelled", readonly=True)
    duration_bucket = fields.Selection(states.DURATION_BUCKETS, "Duration Class", readonly=True)
    duration = fields.Float(readonly=True, aggregator="avg", help="Seconds that the last attempt took.")

    result = fields.Text(readonly=True)
    exc_name = fields.Char("Exception", readonly=True)
    exc_message = fields.Char("Error Message", readonly=True)
    exc_info = fields.Text("Traceback", readonly=True)

    date_created = alias(fields.Datetime, "create_date", "Created On")
    date_started = alias(fields.Datetime, "started_at", "Start Date")
    date_done = alias(fields.Datetime, "completed_at", "Date Done")
    date_cancelled = alias(fields.Datetime, "cancelled_at", "Date Cancelled")
    exec_time = alias(fields.Float, "duration", "Execution Time (s)")
    eta = alias(fields.Datetime, "scheduled_at", "Execute Only After")
    retry = alias(fields.Integer, "attempts", "Current Try")

    _uuid_unique = models.Constraint("UNIQUE(uuid)", "Two jobs can't have the same UUID.")
    _identity_key_unique = models.UniqueIndex(
        "(identity_key) WHERE identity_key IS NOT NULL AND state IN ('waiting', 'pending', 'started')",
        "An unfinished job has the same identity key.",
    )
    # One part per channel, so that a channel that is full or paused costs one probe, however much waits in it.
    _ready_index = models.Index(
        """(channel, priority, COALESCE(scheduled_at, create_date, '-infinity'), id)
        WHERE state = 'pending' AND scheduled IS NOT TRUE AND key_place IS NULL"""
    )
    _running_index = models.Index("(channel, claim_token) WHERE state = 'started'")
    _key_running = models.UniqueIndex(
        "(concurrency_key) WHERE state = 'started' AND concurrency_key IS NOT NULL",
        "A job with the same concurrency key is running.",
    )
    _key_order_index = models.Index(
        """(concurrency_key, priority, COALESCE(scheduled_at, create_date, '-infinity'), id)
        WHERE state = 'pending' AND scheduled IS NOT TRUE AND concurrency_key IS NOT NULL"""
    )
    _key_turn_index = models.Index(
        """(key_place, concurrency_key) WHERE state = 'pending' AND scheduled IS NOT TRUE
        AND concurrency_key IS NOT NULL AND key_place IS DISTINCT FROM 'behind'"""
    )
    _scheduled_index = models.Index("(scheduled_at) WHERE state = 'pending' AND scheduled")
    # Only running jobs have a worker, so that the foreign key costs nothing on finished ones.
    _retention_index = models.Index(
        "(state, COALESCE(completed_at, cancelled_at, write_date)) WHERE state IN ('done', 'failed', 'cancelled')"
    )
    _started_index = models.Index("(worker_id, claim_token) WHERE state = 'started'")
    _worker_index = models.Index("(worker_id) WHERE worker_id IS NOT NULL")

    def init(self):
        # bigint: at a few hundred jobs per second int4 would run out within months.
        # Owned by the column, so that it goes with the table at uninstall.
        self.env.cr.execute(
            SQL(
                "CREATE SEQUENCE IF NOT EXISTS %(sequence)s AS bigint OWNED BY %(column)s",
                sequence=SQL.identifier(CLAIM_TOKEN_SEQUENCE),
                column=SQL.identifier(self._table, "claim_token"),
            )
        )
        self.env.cr.execute(
            SQL("ALTER TABLE %s SET (%s)", SQL.identifier(self._table), SQL(", ").join(map(SQL, STORAGE)))
        )

    @api.depends("payload", "method_name")
    def _compute_func_string(self):
        for job in self:
            job.func_string = call.describe(job.sudo().payload, job.model_name, job.method_name)

    @api.depends("payload")
    def _compute_record_ids(self):
        for job in self:
            job.record_ids = call.record_ids(job.sudo().payload)
