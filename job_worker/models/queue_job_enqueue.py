"""Enqueueing: from calls to rows, in a constant number of statements."""

import os
from collections import Counter, defaultdict

from odoo import api, models

from ..engine import states
from ..exception import JobGraphError, JobOptionError
from ..graph import ON_DONE
from ..options import check_options
from ..runtime.job_uuid import new_uuid
from ..spec import JobSpec


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
            taking the :class:`~odoo.addons.job_worker.spec.JobSpec`), ``concurrency_key``
            (likewise; jobs with the same run one at a time), ``timeout`` (int, seconds
            per attempt), ``retry_pattern`` (``{attempt: seconds}``), ``batch_size`` (int,
            jobs of the same function that may run in one transaction)
        :return: the ``queue.job`` record; with an identity key that an unfinished job
            has already, that job
        :raise JobOptionError: something of the above can't be; it names the culprit
        """
        spec = self._make_spec(None, model_name, method_name, record_ids, args, kwargs, **options)
        return self._enqueue_specs([spec])

    @api.model
    @api.private
    def enqueue_many(self, calls, **options):
        """Enqueue many calls at once, in one statement.

        :param calls: iterable of dicts of :meth:`enqueue` arguments
        :param options: options of all of them; those of a call weigh more
        :return: the ``queue.job`` records, in the order of the calls
        :raise JobOptionError: a call can't be stored; then none is
        """
        shared = check_options(options)
        return self._enqueue_specs([self._make_spec(shared, **call) for call in calls])

    @api.model
    def _make_spec(
        self, shared=None, model_name=None, method_name=None, record_ids=(), args=(), kwargs=None, **options
    ):
        """The :class:`~odoo.addons.job_worker.spec.JobSpec` of :meth:`enqueue` arguments."""
        if model_name not in self.env:
            raise JobOptionError(f"Can't enqueue: the model {model_name!r} doesn't exist")
        records = self.env[model_name].browse(record_ids)
        return JobSpec(records, method_name, list(args), kwargs or {}, {**(shared or {}), **check_options(options)})

    @api.model
    def _enqueue_specs(self, specs):
        """Store calls that don't depend on each other, see :meth:`enqueue`."""
        if self._must_run_now():
            for spec in specs:
                spec.run_now()
            return self.sudo().browse()
        if not specs:
            return self.sudo().browse()
        jobs, _inserted = self._store([spec.store_values() for spec in specs])
        return jobs

    @api.model
    def _enqueue_graph(self, graph):
        """Store a :class:`~odoo.addons.job_worker.graph.Graph`; return its jobs in its order."""
        if self._must_run_now():
            return self._run_graph_now(graph)
        values_list = [job._node_spec().store_values() for job in graph.jobs]
        if len(values_list) > 1:
            graph_uuid = new_uuid()
            for values in values_list:
                values["graph_uuid"] = graph_uuid
            self._check_distinct_identities(values_list)
        self._prepare_dependents(graph, values_list)
        jobs, inserted = self._store(values_list)
        self._store_edges(graph, jobs, inserted)
        for job in graph.jobs:
            job._node_enqueued = True
        return jobs

    @api.model
    def _check_distinct_identities(self, values_list):
        """Two jobs of a graph with one identity key would be one job: one of the calls would be lost."""
        keys = Counter(values["identity_key"] for values in values_list if values.get("identity_key"))
        for key, count in keys.items():
            if count > 1:
                raise JobGraphError(
                    f"{count} jobs of this graph have the identity key {key!r}, so only one would be stored:"
                    " give each a key of its own, such as identity_exact"
                )

    @api.model
    def _run_graph_now(self, graph):
        """Make the calls of a graph in order; its error callbacks, and what follows them, never run."""
        skipped = {child for _parent, child, kind in graph.edges if kind != ON_DONE}
        children = defaultdict(list)
        for parent, child, _kind in graph.edges:
            children[parent].append(child)
        for job in graph.jobs:
            job._node_enqueued = True
            if job in skipped:
                skipped.update(children[job])
            else:
                job._node_spec().run_now()
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
