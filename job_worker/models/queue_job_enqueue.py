"""Enqueueing: from calls to rows, in a constant number of statements."""

import os
from collections import defaultdict
from uuid import uuid4

from odoo import api, models
from odoo.tools import SQL

from ..delay import group
from ..engine import states
from ..engine.notifier import notify_workers
from ..exception import JobOptionError
from ..graph import ON_DONE
from ..options import check_options
from ..runtime import database
from ..spec import JobSpec

_IDENTITY_PREDICATE = SQL("identity_key IS NOT NULL AND state IN ('waiting', 'pending', 'started')")


class QueueJob(models.Model):
    _inherit = "queue.job"

    @api.model
    @api.private
    def enqueue(self, model_name, method_name, record_ids=(), args=(), kwargs=None, **options):
        """Enqueue ``env[model_name].browse(record_ids).method_name(*args, **kwargs)``.

        The job runs as the current user, in the current companies, language and time
        zone, after the current transaction has committed.

        :param str model_name: technical name of the model
        :param str method_name: a method of it; private ones are fine, RPC can't get here
        :param record_ids: ids of the records to call it on
        :param args: positional arguments, see :mod:`~odoo.addons.job_worker.runtime.payload`
        :param dict kwargs: keyword arguments, likewise
        :param options: ``channel`` (text), ``priority`` (int, low first),
            ``max_retries`` (int, after the first attempt; 0 for no end),
            ``description`` (text), ``scheduled_at`` or ``eta`` (datetime in UTC or
            aware, timedelta, or seconds from now), ``identity_key`` (text, or a callable
            taking the :class:`~odoo.addons.job_worker.spec.JobSpec`), ``timeout``
            (int, seconds per attempt), ``retry_pattern`` (``{attempt: seconds}``)
        :return: the ``queue.job`` record; with an identity key that an unfinished job
            has already, that job
        :raise JobOptionError: something of the above can't be; it names the culprit
        """
        return self._enqueue_call(
            self._call_records(model_name, record_ids),
            method_name,
            list(args),
            kwargs or {},
            check_options(options),
        )

    @api.model
    @api.private
    def enqueue_many(self, calls, **options):
        """Enqueue many calls at once, in one statement.

        :param calls: iterable of dicts of :meth:`enqueue` arguments
        :param options: options of all of them; those of a call weigh more
        :return: the ``queue.job`` records, in the order of the calls
        :raise JobOptionError: a call can't be stored; then none is
        """
        delayables = []
        for call in calls:
            call = {**options, **call}
            records = self._call_records(call.pop("model_name"), call.pop("record_ids", ()))
            method_name, args, kwargs = (
                call.pop("method_name"),
                call.pop("args", ()),
                call.pop("kwargs", None) or {},
            )
            delayables.append(getattr(records.delayable(**call), method_name)(*args, **kwargs))
        return group(*delayables).delay() if delayables else self.sudo().browse()

    @api.model
    def _call_records(self, model_name, record_ids):
        if model_name not in self.env:
            raise JobOptionError(f"Can't enqueue: the model {model_name!r} doesn't exist")
        return self.env[model_name].browse(record_ids)

    @api.model
    def _enqueue_call(self, records, method_name, args, kwargs, options):
        """Store one call on ``records``; ``options`` are checked. See :meth:`enqueue`."""
        spec = JobSpec(records, method_name, args, kwargs, options)
        if self._must_run_now():
            getattr(records, method_name)(*args, **kwargs)
            return self.sudo().browse()
        jobs, _inserted = self._store([spec.store_values()])
        return jobs

    @api.model
    def _enqueue_graph(self, graph):
        """Store a :class:`~odoo.addons.job_worker.graph.Graph`; return its jobs in its order."""
        if self._must_run_now():
            return self._run_graph_now(graph)
        values_list = [job._spec().store_values() for job in graph.jobs]
        if len(values_list) > 1:
            graph_uuid = str(uuid4())
            for values in values_list:
                values["graph_uuid"] = graph_uuid
        self._prepare_dependents(graph, values_list)
        jobs, inserted = self._store(values_list)
        self._store_edges(graph, jobs, inserted)
        for job in graph.jobs:
            job._enqueued = True
        return jobs

    @api.model
    def _run_graph_now(self, graph):
        """Make the calls of a graph in order; its error callbacks, and what follows them, never run."""
        skipped = {child for _parent, child, kind in graph.edges if kind != ON_DONE}
        children = defaultdict(list)
        for parent, child, _kind in graph.edges:
            children[parent].append(child)
        for job in graph.jobs:
            job._enqueued = True
            if job in skipped:
                skipped.update(children[job])
            else:
                job._run_now()
        return self.sudo().browse()

    @api.model
    def _must_run_now(self):
        """Whether calls are made at once instead of enqueued: for tests and for debugging."""
        return bool(self.env.context.get("queue_job__no_delay") or os.environ.get("QUEUE_JOB__NO_DELAY", "0") != "0")

    @api.model
    def _prepare_dependents(self, graph, values_list):
        """Set the counters of the jobs that wait for others; see ``release_dependents``."""
        values_of = dict(zip(graph.jobs, values_list, strict=True))
        for _parent, child, kind in graph.edges:
            values = values_of[child]
            values["state"] = states.WAITING
            if kind == ON_DONE:
                values["blockers"] = values.get("blockers", 0) + 1
            else:
                values["error_sources"] = values.get("error_sources", 0) + 1
        for values in values_list:
            if values.get("error_sources"):
                values["blockers"] = values.get("blockers", 0) + 1

    @api.model
    def _store(self, values_list):
        """Insert jobs in one statement and wake the workers once they are committed.

        :param list values_list: dicts of column values
        :return: ``(jobs, inserted)``: the ``queue.job`` records in the order of the values,
            with the unfinished job of the same identity key in place of one that was not
            inserted, and the set of ids that were
        """
        columns = {}
        for values in values_list:
            columns.update(dict.fromkeys(values))
        self._check_columns(columns)
        identified = "identity_key" in columns
        columns = {column: [values.get(column) for values in values_list] for column in columns}
        # A lost race for an identity key is tried again by whoever runs this transaction: no error to log.
        self.env.cr.execute(
            self._insert_statement(columns, len(values_list), identified), log_exceptions=not identified
        )
        rows = self.env.cr.fetchall()
        self._wake_workers_after_commit()
        if len(rows) == len(values_list):
            jobs = self.sudo().browse(id_ for id_, _uuid in rows)
        else:
            jobs = self._merge_existing(values_list, rows)
        return jobs, {id_ for id_, _uuid in rows}

    @api.model
    def _check_columns(self, columns):
        for column in columns:
            field = self._fields.get(column)
            if field is None or not field.store or not field.column_type:
                raise JobOptionError(f"_job_store_values: {column!r} is not a stored field of queue.job")

    @api.model
    def _insert_statement(self, columns, count, identified):
        """INSERT of ``count`` rows; values shared by all rows are sent once.

        :param dict columns: column name to its list of values
        """
        constants, arrays = {}, {}
        for name, values in columns.items():
            first = values[0]
            same = count == 1 or all(value == first for value in values)
            (constants if same else arrays)[name] = values[0] if same else values
        cast = {name: self._fields[name].column_type[0] for name in columns}
        now = SQL("now() AT TIME ZONE 'UTC'")
        scheduled_at = constants.get("scheduled_at")
        is_scheduled = (
            SQL("COALESCE(scheduled_at > %s, FALSE)", now)
            if "scheduled_at" in arrays
            else SQL("COALESCE(%s::timestamp > %s, FALSE)", scheduled_at, now)
        )
        names = [*constants, *arrays]
        uid = self.env.uid
        fixed = [SQL("%s::" + cast[name], value) for name, value in constants.items()]
        source = SQL()
        if arrays:
            source = SQL(
                "FROM unnest(%s) WITH ORDINALITY AS item (%s, position) ORDER BY position",
                SQL(", ").join(SQL("%s::" + cast[name] + "[]", values) for name, values in arrays.items()),
                SQL(", ").join(map(SQL.identifier, arrays)),
            )
        elif count > 1:
            source = SQL("FROM generate_series(1, %s)", count)
        return SQL(
            """INSERT INTO queue_job (%s, scheduled, attempts, create_uid, write_uid, create_date, write_date)
               SELECT %s, %s, 0, %s, %s, %s, %s %s %s
            RETURNING id, uuid""",
            SQL(", ").join(map(SQL.identifier, names)),
            SQL(", ").join([*fixed, *map(SQL.identifier, arrays)]),
            is_scheduled,
            uid,
            uid,
            now,
            now,
            source,
            # The index settles the race of two enqueuers; a search before could not.
            SQL("ON CONFLICT (identity_key) WHERE %s DO NOTHING", _IDENTITY_PREDICATE) if identified else SQL(),
        )

    @api.model
    def _merge_existing(self, values_list, rows):
        """The jobs of ``values_list`` when some were not inserted for their identity key."""
        inserted = {uuid: id_ for id_, uuid in rows}
        keys = [values["identity_key"] for values in values_list if values["uuid"] not in inserted]
        existing = dict(
            self.env.execute_query(
                SQL(
                    "SELECT identity_key, id FROM queue_job WHERE identity_key = ANY(%s) AND %s",
                    keys,
                    _IDENTITY_PREDICATE,
                )
            )
        )
        return self.sudo().browse(
            inserted.get(values["uuid"]) or existing[values["identity_key"]] for values in values_list
        )

    @api.model
    def _store_edges(self, graph, jobs, inserted):
        ids = dict(zip(graph.jobs, jobs._ids, strict=True))
        # A job that was in the queue before keeps its own conditions: nothing new holds it back.
        edges = [(ids[child], ids[parent], kind) for parent, child, kind in graph.edges if ids[child] in inserted]
        if not edges:
            return
        self.env.execute_query(
            SQL(
                # parent_id is the first dependency: what a tree of jobs shows.
                """WITH edge AS (
                       INSERT INTO queue_job_dependency (job_id, depends_on_id, kind, released)
                       SELECT *, FALSE FROM unnest(%s, %s, %s::text[])
                    RETURNING job_id, depends_on_id
                   )
                   UPDATE queue_job SET parent_id = first.depends_on_id
                     FROM (SELECT job_id, min(depends_on_id) AS depends_on_id FROM edge GROUP BY job_id) first
                    WHERE queue_job.id = first.job_id""",
                *map(list, zip(*edges, strict=True)),
            )
        )

    @api.model
    def _wake_workers_after_commit(self):
        postcommit = self.env.cr.postcommit
        if not postcommit.data.get("job_worker.wake"):
            postcommit.data["job_worker.wake"] = True
            db_name = self.env.cr.dbname
            postcommit.add(lambda: notify_workers(db_name, database.dsn(db_name)))
