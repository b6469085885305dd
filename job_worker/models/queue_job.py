from uuid import uuid4

from odoo import api, fields, models
from odoo.tools import SQL

from ..engine import states
from ..engine.notifier import notify_workers
from ..exception import JobOptionError
from ..job import DEFAULT_CHANNEL, DEFAULT_MAX_RETRIES, DEFAULT_PRIORITY
from ..options import check_options
from ..runtime import call, database
from .fields import BigInteger

CLAIM_TOKEN_SEQUENCE = "queue_job_claim_token_seq"


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
    user_id = fields.Many2one("res.users", "User", readonly=True, ondelete="set null", index=True)
    company_id = fields.Many2one("res.company", "Company", readonly=True, ondelete="restrict")

    channel = fields.Char(readonly=True, required=True, default=DEFAULT_CHANNEL)
    priority = fields.Integer(readonly=True, required=True, default=DEFAULT_PRIORITY, aggregator=False)
    scheduled_at = fields.Datetime("Scheduled", readonly=True)
    scheduled = fields.Boolean(
        "Not Due Yet", readonly=True, help="Set until the scheduled time has come; workers look past such jobs."
    )
    max_retries = fields.Integer(readonly=True, required=True, default=DEFAULT_MAX_RETRIES, aggregator=False)
    attempts = fields.Integer(readonly=True, default=0)

    claim_token = BigInteger(readonly=True, groups="base.group_no_one", aggregator=False)
    worker_id = fields.Many2one("queue.worker", "Running On", readonly=True, ondelete="set null")
    worker_name = fields.Char("Worker", readonly=True, help="The worker of the last attempt.")
    heartbeat = fields.Datetime(related="worker_id.heartbeat", string="Last Heartbeat", related_sudo=True)
    started_at = fields.Datetime("Started", readonly=True)
    completed_at = fields.Datetime("Completed", readonly=True)
    duration = fields.Float(readonly=True, aggregator="avg", help="Seconds that the last attempt took.")

    result = fields.Text(readonly=True)
    exc_name = fields.Char("Exception", readonly=True)
    exc_message = fields.Char("Error Message", readonly=True)
    exc_info = fields.Text("Traceback", readonly=True)

    _uuid_unique = models.Constraint("UNIQUE(uuid)", "Two jobs can't have the same UUID.")
    _ready_index = models.Index(
        "(priority, COALESCE(scheduled_at, create_date), id) WHERE state = 'pending' AND scheduled IS NOT TRUE"
    )
    _scheduled_index = models.Index("(scheduled_at) WHERE state = 'pending' AND scheduled")
    # Only running jobs have a worker, so that the foreign key costs nothing on finished ones.
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

    @api.depends("payload", "method_name")
    def _compute_func_string(self):
        for job in self:
            job.func_string = call.describe(job.sudo().payload, job.method_name)

    @api.model
    @api.private
    def enqueue(self, model_name, method_name, record_ids=(), args=(), kwargs=None, **options):
        """Enqueue ``env[model_name].browse(record_ids).method_name(*args, **kwargs)``.

        The job runs as the current user, in the current company and language, after
        the current transaction has committed.

        :param str model_name: technical name of the model
        :param str method_name: a method of it; private ones are fine, RPC can't get here
        :param record_ids: ids of the records to call it on
        :param args: positional arguments; JSON values, dates, tuples and recordsets
        :param dict kwargs: keyword arguments, likewise
        :param options: ``channel`` (text), ``priority`` (low first), ``max_retries``
            (after the first attempt; 0 for no end), ``description`` (text),
            ``scheduled_at`` (datetime in UTC or aware, timedelta, or seconds from now)
        :return: the ``queue.job`` record
        :raise JobOptionError: something of the above can't be; it names the culprit
        """
        if model_name not in self.env:
            raise JobOptionError(f"Can't enqueue: the model {model_name!r} doesn't exist")
        records = self.env[model_name].browse(record_ids)
        return self._enqueue_call(records, method_name, args, kwargs or {}, options)

    @api.model
    def _enqueue_call(self, records, method_name, args, kwargs, options):
        """Store one call on ``records`` as a job; see :meth:`enqueue`."""
        if not callable(getattr(type(records), method_name, None)):
            raise JobOptionError(f"Can't enqueue: the model {records._name!r} has no method {method_name!r}")
        values = {
            **check_options(options),
            "uuid": str(uuid4()),
            "state": states.PENDING,
            "model_name": records._name,
            "method_name": method_name,
            "payload": call.pack(records, args, kwargs),
            "user_id": records.env.uid,
            "company_id": records.env.company.id,
            "attempts": 0,
        }
        values["name"] = values["name"] or f"{records._name}.{method_name}"
        return self._store([values])

    @api.model
    def _store(self, values_list):
        """Insert jobs in one statement and wake the workers once they are committed.

        :param list values_list: dicts of column values, all with the same keys
        :return: the ``queue.job`` records, in the order of the values
        """
        columns = list(values_list[0])
        now = SQL("now() AT TIME ZONE 'UTC'")
        uid = self.env.uid
        rows = (
            SQL(
                "(%s, COALESCE(%s > %s, FALSE), %s, %s, %s, %s)",
                SQL(", ").join(values[column] for column in columns),
                SQL("%s::timestamp", values["scheduled_at"]), now, uid, uid, now, now,
            )
            for values in values_list
        )
        ids = self.env.execute_query(
            SQL(
                "INSERT INTO queue_job (%s, scheduled, create_uid, write_uid, create_date, write_date)"
                " VALUES %s RETURNING id",
                SQL(", ").join(map(SQL.identifier, columns)),
                SQL(", ").join(rows),
            )
        )
        self._wake_workers_after_commit()
        return self.browse(id_ for (id_,) in ids)

    @api.model
    def _wake_workers_after_commit(self):
        postcommit = self.env.cr.postcommit
        if not postcommit.data.get("job_worker.wake"):
            postcommit.data["job_worker.wake"] = True
            db_name = self.env.cr.dbname
            postcommit.add(lambda: notify_workers(db_name, database.dsn(db_name)))
