"""What people are shown of a job beyond its columns: readable arguments, what happened when, what is near it."""

import json

from markupsafe import Markup

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL, format_datetime

from ..engine import states
from ..engine.channels import ROOT

# Smart buttons need no exact count of millions.
COUNT_LIMIT = 1000


class GeneratedDate(fields.Date):
    """The day of a datetime of the same row, in UTC. PostgreSQL keeps it, so that no INSERT has to know of it.

    :param str source: name of the datetime
    """

    source = None

    def __init__(self, string=None, source=None, **options):
        super().__init__(string, source=source, readonly=True, copy=False, **options)

    def update_db_column(self, model, column):
        if not column:
            statement = "ALTER TABLE %s ADD COLUMN %s date GENERATED ALWAYS AS (%s::date) STORED"
            names = (model._table, self.name, self.source)
            model.env.cr.execute(SQL(statement, *map(SQL.identifier, names)))


class QueueJob(models.Model):
    _inherit = "queue.job"

    # Columns of a kanban view in the order of a job's life, empty ones too.
    state = fields.Selection(group_expand=True)
    # Grouping by a datetime's day, PostgreSQL can't know how few groups there are, and sorts the whole table.
    enqueued_on = GeneratedDate("Enqueued On", source="create_date", help="Day of the enqueueing, in UTC.")
    function = fields.Char(compute="_compute_function", help="Model and method of the call.")
    arguments = fields.Text(compute="_compute_arguments", groups="job_worker.group_queue_job_manager")
    elapsed = fields.Float("Elapsed (s)", compute="_compute_elapsed", help="Seconds since a running job was started.")
    history = fields.Html(compute="_compute_history")
    graph_count = fields.Char("Jobs of the Graph", compute="_compute_graph_count")
    function_count = fields.Char("Jobs of the Function", compute="_compute_function_count")
    attempt_count = fields.Integer("Failed Tries", compute="_compute_attempt_count")

    # One index serves every grouping: it is read alone, without the rows. With few different values
    # in each column its entries are shared by many rows: 9 MB for a million jobs.
    _overview_index = models.Index(
        "(state, channel, model_name, method_name, company_id, enqueued_on, user_id, exc_name)"
    )
    _failed_index = models.Index("(completed_at) WHERE state = 'failed'")
    _slow_index = models.Index("(id) WHERE duration_bucket IN ('4', '5')")
    _retried_index = models.Index("(id) WHERE attempts > 1")

    @api.depends("model_name", "method_name")
    def _compute_function(self):
        for job in self:
            job.function = f"{job.model_name}.{job.method_name}"

    @api.depends("payload")
    def _compute_arguments(self):
        for job in self:
            job.arguments = _indent(job.payload)

    @api.depends("state", "started_at")
    def _compute_elapsed(self):
        now = fields.Datetime.now()
        for job in self:
            running = job.state == states.STARTED and job.started_at
            job.elapsed = max((now - job.started_at).total_seconds(), 0.0) if running else 0.0

    @api.depends("attempt_ids")
    def _compute_attempt_count(self):
        counts = dict(self.env["queue.job.attempt"]._read_group([("job_id", "in", self.ids)], ["job_id"], ["__count"]))
        for job in self:
            job.attempt_count = counts.get(job, 0)

    @api.depends("graph_uuid")
    def _compute_graph_count(self):
        for job in self:
            job.graph_count = job.graph_uuid and job._count_text([("graph_uuid", "=", job.graph_uuid)])

    @api.depends("model_name", "method_name")
    def _compute_function_count(self):
        for job in self:
            job.function_count = job._count_text(job._same_function())

    def _same_function(self):
        return [("model_name", "=", self.model_name), ("method_name", "=", self.method_name)]

    def _count_text(self, domain):
        """A count for a button, ``1000+`` at most."""
        count = self.search_count(domain, limit=COUNT_LIMIT + 1)
        return f"{COUNT_LIMIT}+" if count > COUNT_LIMIT else str(count)

    @api.depends("state", "create_date", "started_at", "completed_at", "cancelled_at", "attempt_ids", "write_uid")
    def _compute_history(self):
        for job in self:
            rows = [
                Markup("<tr><td class='text-nowrap pe-3'>%s</td><td>%s</td></tr>")
                % (format_datetime(self.env, moment, dt_format="medium"), text)
                for moment, text in job._history()
            ]
            job.history = Markup("<table class='table table-sm'>%s</table>") % Markup("").join(rows)

    def _history(self):
        """What happened to this job: ``(datetime, text)``, the first first."""
        self.ensure_one()
        events = [(self.create_date, self.env._("Enqueued by %s", self.user_id.name or self.env._("nobody")))]
        for attempt in self.attempt_ids:
            events += self._attempt_history(attempt)
        if self.started_at and self.started_at not in self.attempt_ids.mapped("started_at"):
            events.append((self.started_at, self.env._("Started on %s", self.worker_name)))
        return sorted(events + self._end_history(), key=lambda event: event[0] or self.create_date)

    def _attempt_history(self, attempt):
        end = fields.Datetime.add(attempt.started_at, seconds=attempt.duration) if attempt.started_at else None
        error = self.env._(
            "Attempt %(number)s failed: %(error)s: %(message)s",
            number=attempt.number,
            error=attempt.exc_name,
            message=attempt.exc_message,
        )
        started = [(attempt.started_at, self.env._("Started on %s", attempt.worker_name))] if end else []
        return [*started, (end, error)]

    def _end_history(self):
        by = f" ({self.write_uid.name})" if self.write_uid else ""
        if self.state == states.DONE:
            return [(self.completed_at, self.env._("Done") + by)]
        if self.state == states.FAILED:
            return [(self.completed_at, self.env._("Failed: %s", self.exc_message or self.exc_name or "") + by)]
        if self.state == states.CANCELLED:
            return [(self.cancelled_at, self.env._("Cancelled") + by)]
        if self.state == states.PENDING and self.scheduled:
            return [(self.scheduled_at, self.env._("Next attempt is due"))]
        return []

    def action_open_function(self):
        """The jobs of the same model and method."""
        self.ensure_one()
        return self._open_jobs(self.function, self._same_function())

    def action_open_graph(self):
        """The picture of the graph that this job is part of."""
        self.ensure_one()
        return {
            "type": "ir.actions.client",
            "tag": "job_worker.graph",
            "name": self._graph_title(),
            "params": {"job_id": self.id},
        }

    def action_open_attempts(self):
        """The failed attempts of this job."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Failed Attempts"),
            "res_model": "queue.job.attempt",
            "view_mode": "list,form",
            "domain": [("job_id", "=", self.id)],
        }

    @api.model
    def _open_jobs(self, name, domain, context=None):
        return {
            **self.env["ir.actions.act_window"]._for_xml_id("job_worker.action_queue_job"),
            "name": name,
            "domain": domain,
            "context": context or {},
        }


class QueueJobDependency(models.Model):
    _inherit = "queue.job.dependency"

    job_state = fields.Selection(related="job_id.state", string="State")
    depends_on_state = fields.Selection(related="depends_on_id.state", string="Its State")


class QueueWorker(models.Model):
    _inherit = "queue.worker"

    job_ids = fields.One2many("queue.job", "worker_id", "Jobs it Runs", readonly=True)
    busy = fields.Float("Busy (%)", compute="_compute_busy", help="Share of its executors that run a job.")

    @api.depends("concurrency")
    def _compute_busy(self):
        for worker in self:
            worker.busy = min(100.0 * worker.job_count / worker.concurrency, 100.0) if worker.concurrency else 0.0

    def action_open_jobs(self):
        """The jobs that this worker runs."""
        self.ensure_one()
        return self.env["queue.job"]._open_jobs(self.name, [("worker_id", "=", self.id)])


class QueueLimit(models.Model):
    _inherit = "queue.limit"

    pending_count = fields.Char("Ready", compute="_compute_pending_count", help="Ready jobs, 1000+ at most.")
    utilisation = fields.Float("Utilisation (%)", compute="_compute_utilisation")

    def _compute_pending_count(self):
        for limit in self:
            limit.pending_count = self.env["queue.job"]._count_text(
                Domain("state", "=", states.PENDING) & Domain("scheduled", "=", False) & limit._jobs_domain()
            )

    @api.depends("limit", "running_count")
    def _compute_utilisation(self):
        for limit in self:
            limited = limit.limit > 0
            limit.utilisation = min(100.0 * limit.running_count / limit.limit, 100.0) if limited else 0.0

    def _jobs_domain(self):
        if self.name == ROOT:
            return Domain.TRUE
        return Domain("channel", "=", self.name) | Domain("channel", "=like", f"{self.name}.%")

    def action_open_jobs(self):
        """The jobs of this channel and of all below it that have not ended."""
        self.ensure_one()
        unfinished = Domain("state", "in", [states.WAITING, states.PENDING, states.STARTED])
        return self.env["queue.job"]._open_jobs(self.name, list(self._jobs_domain() & unfinished))


class QueueJobFunction(models.Model):
    _inherit = "queue.job.function"

    def action_open_jobs(self):
        """The jobs of this function."""
        self.ensure_one()
        domain = [("model_name", "=", self.model_id.model), ("method_name", "=", self.method)]
        return self.env["queue.job"]._open_jobs(self.name, domain)


def _indent(text):
    """The arguments of a payload as indented JSON; the payload as it is when it can't be read."""
    try:
        stored = json.loads(text)
        call = {key: stored[key] for key in ("ids", "args", "kwargs", "context")}
    except (TypeError, ValueError, KeyError):
        return text
    return json.dumps(call, indent=2, ensure_ascii=False)
