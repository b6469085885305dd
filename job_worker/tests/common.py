"""For tests of code that enqueues jobs; usable from any addon.

    from odoo.addons.job_worker.tests.common import trap_jobs

    with trap_jobs() as trap:
        order.button_confirm()
    trap.assert_jobs_count(1)
    trap.assert_enqueued_job(order._send, args=(partner,), properties={"priority": 5})
    trap.perform_enqueued_jobs()

Nothing is replaced: the jobs are stored in the test's own transaction, where no worker sees
them, and performed from there by the code that a worker runs.
"""

from contextlib import contextmanager, nullcontext
from datetime import datetime, timedelta
from unittest.mock import patch

from ..engine.dependencies import release_dependents
from ..engine.job import ClaimedJob
from ..models.queue_job_enqueue import QueueJob as EnqueueingQueueJob
from ..models.queue_job_progress import QueueJob as ProgressingQueueJob
from ..models.queue_job_store import QueueJob as StoringQueueJob
from ..options import check_options
from ..runtime.call import job_environment, unpack
from ..runtime.payload import encode_result
from ..spec import JobSpec


@contextmanager
def trap_jobs():
    """Note the jobs that are enqueued inside of the block.

    :return: context manager giving a :class:`JobsTrap`, for use in the block and after it
    """
    trap = JobsTrap()
    store = StoringQueueJob._store

    def store_and_note(model, values_list):
        jobs, inserted = store(model, values_list)
        trap._add(jobs.filtered(lambda job: job.id in inserted))
        return jobs, inserted

    with (
        patch.object(StoringQueueJob, "_store", store_and_note),
        patch.object(EnqueueingQueueJob, "_must_run_now", lambda model: False),
    ):
        yield trap


class JobsTrap:
    """Jobs that were enqueued in a block, as ``enqueued_jobs`` (``queue.job`` records, in order)."""

    def __init__(self):
        self.enqueued_jobs = []

    def _add(self, jobs):
        self.enqueued_jobs.extend(jobs)

    def jobs_count(self, only=None):
        """Number of jobs.

        :param only: a bound method, to count only its jobs on any records
        """
        return len(self._jobs_of(only))

    def assert_jobs_count(self, expected, only=None):
        """Fail unless ``expected`` jobs were enqueued, of the bound method ``only`` if given."""
        found = self._jobs_of(only)
        if len(found) != expected:
            raise AssertionError(f"Expected {expected} jobs, but {len(found)} were enqueued:{self._listed(found)}")

    def assert_enqueued_job(self, method, args=(), kwargs=None, properties=None):
        """Fail unless there is a job for exactly this call.

        :param method: bound method, with the records of the job: ``order._send``
        :param args: positional arguments of the call
        :param dict kwargs: keyword arguments of the call
        :param dict properties: options that the job must have, as they are given to
            ``with_delay()``; those left out may be anything
        """
        calls = [job for job in self._jobs_of(method) if _is_call(job, method, list(args or ()), kwargs or {})]
        if not any(_has_options(job, method, properties or {}) for job in calls):
            wanted = f"{method.__self__!r}.{method.__name__}(*{args!r}, **{kwargs or {}!r}) with {properties or {}!r}"
            raise AssertionError(f"No job for {wanted}; enqueued were:{self._listed(self.enqueued_jobs)}")

    def perform_enqueued_jobs(self):
        """Run the jobs as a worker would, in order and after those they depend on; errors are raised."""
        perform_jobs(self.enqueued_jobs)

    def _jobs_of(self, method):
        if method is None:
            return self.enqueued_jobs
        names = (method.__self__._name, method.__name__)
        return [job for job in self.enqueued_jobs if (job.model_name, job.method_name) == names]

    @staticmethod
    def _listed(jobs):
        lines = [f"\n  {job.func_string} channel={job.channel} priority={job.priority}" for job in jobs]
        return "".join(lines) or " none"


class JobMixin:
    """Adds the helpers of this module to a test case."""

    def trap_jobs(self):
        return trap_jobs()

    def perform_jobs(self, jobs):
        perform_jobs(jobs)


def perform_jobs(jobs):
    """Run pending ``queue.job`` records in the current transaction, as a worker would.

    Dependencies are kept: a job is run when those it waits for are done. Scheduled jobs
    are run too. An error of a job is raised, and leaves the job as it was.
    """
    left = list(jobs)
    while ready := [job for job in left if job.state == "pending"]:
        job = min(ready, key=lambda job: (job.priority, job.scheduled_at or job.create_date, job.id))
        left.remove(job)
        _perform(job)


def claimed_job(job):
    """A ``queue.job`` record as an executor gets it."""
    names = (
        "uuid",
        "model_name",
        "method_name",
        "payload",
        "channel",
        "max_retries",
        "timeout",
        "retry_pattern",
    )
    ids = {"id": job.id, "user_id": job.user_id.id, "company_id": job.company_id.id or None}
    job = job.sudo()
    claim = {"claim_token": 0, "line_token": 0, "attempts": 0, "crashes": 0, "has_dependents": False}
    return ClaimedJob(**claim, **{name: job[name] for name in names}, **ids)


def _perform(job):
    env = job.env
    env.flush_all()
    claimed = claimed_job(job)
    with patch.object(ProgressingQueueJob, "_progress_cursor", lambda job: nullcontext(job.env.cr)):
        result = unpack(job_environment(env.cr, claimed), claimed)()
    env.cr.flush()
    env.cr.execute(
        """UPDATE queue_job SET state = 'done', attempts = attempts + 1, result = %s,
                  started_at = now() AT TIME ZONE 'UTC', completed_at = now() AT TIME ZONE 'UTC' WHERE id = %s""",
        [encode_result(result), job.id],
    )
    release_dependents(env.cr, job.ids)
    env.invalidate_all()


def _is_call(job, method, args, kwargs):
    claimed = claimed_job(job)
    call = unpack(job_environment(job.env.cr, claimed), claimed)
    return (call.method.__self__._ids, call.args, call.kwargs) == (method.__self__._ids, args, kwargs)


def _has_options(job, method, properties):
    for name, value in check_options(properties).items():
        if name == "identity_key" and callable(value):
            claimed = claimed_job(job)
            call = unpack(job_environment(job.env.cr, claimed), claimed)
            value = value(JobSpec(method.__self__, method.__name__, call.args, call.kwargs, {}))
        stored = job[name]
        if isinstance(value, datetime) and stored:
            # Delays count from now, which has moved on since; Odoo cuts microseconds.
            if abs(stored - value) > timedelta(minutes=1):
                return False
        elif stored != value:
            return False
    return True
