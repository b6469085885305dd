"""Run one claimed job in this process: resolve, call, complete; or record why not.

The job's own writes and its ``done`` are one transaction. Failures are recorded in a
transaction of their own, after the job's was rolled back.
"""

import logging
import random
import time
import traceback

from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from ..engine.connection import CONNECTION_ERRORS
from ..engine.interrupt import interruptible
from ..engine.retry import Retry, decide_retry
from ..engine.store import JobFailure, apply_decision, finish_job, holds_claim, release_job
from ..exception import ClaimLostError, FailedJobError, LostConnectionError, RetryableJobError
from . import live, payload
from .call import job_environment, unpack

_logger = logging.getLogger(__name__)

# Waits between two attempts to reach PostgreSQL: doubling, from the first to the last.
RECONNECT_SECONDS = (0.1, 2.0)
# As Odoo's dispatcher: conflicts of the job's own work are tried again in place.
MAX_TRIES_ON_CONFLICT = 5


class JobRunner:
    """Runs jobs of one database, one at a time.

    :param current_registry: callable returning the database's registry, caches valid
    :param float max_backoff_seconds: longest wait before a retry
    """

    def __init__(self, current_registry, max_backoff_seconds):
        self._current_registry = current_registry
        self._max_backoff_seconds = max_backoff_seconds

    def __call__(self, job):
        """Run ``job`` and write its outcome; never raises for what the job did."""
        started = time.monotonic()
        try:
            outcome = self._run_and_record(job)
        except (LostConnectionError, *CONNECTION_ERRORS) as error:
            outcome = self._look_up_outcome(job, error)
        _logger.info(
            "Job %s (%s) %s.%s attempt %d: %s in %.3f s",
            job.uuid,
            job.channel,
            job.model_name,
            job.method_name,
            job.attempt,
            outcome,
            time.monotonic() - started,
        )

    def _run_and_record(self, job):
        """Run ``job`` and write its outcome; return that in words.

        :raise LostConnectionError: the job's own connection broke
        :raise psycopg2.OperationalError, psycopg2.InterfaceError: another was needed and couldn't be had
        """
        registry = self._current_registry()
        live.tell(registry, job, "started")
        outcome = self._run_to_outcome(registry, job)
        live.tell(registry, job, outcome)
        return outcome

    def _run_to_outcome(self, registry, job):
        try:
            self._run(registry, job)
            return "done"
        except ClaimLostError:
            return "lost its claim, rolled back"
        except LostConnectionError:
            raise
        except Exception as error:  # noqa: BLE001  (whatever a job raises is its outcome)
            registry.reset_changes()
            return self._record_failure(registry, job, error)

    def _run(self, registry, job):
        for tries_left in reversed(range(MAX_TRIES_ON_CONFLICT)):
            try:
                run_once(registry, job)
                return
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY as error:
                registry.reset_changes()
                with registry.cursor() as cr:
                    if not holds_claim(cr, job):
                        raise ClaimLostError(job.uuid) from error
                if not tries_left:
                    raise
                _logger.info(
                    "Job %s: %s, tried again at once, %d tries left",
                    job.uuid,
                    type(error).__name__,
                    tries_left,
                )
                time.sleep(random.uniform(0.0, 2 ** (MAX_TRIES_ON_CONFLICT - tries_left) / 10))

    def _look_up_outcome(self, job, error):
        """The database went away under the job, perhaps in the middle of its COMMIT: look up what became of it.

        Waits until the database is back; a child is killed with its supervisor, so not for ever.
        """
        _logger.warning("Job %s: lost the connection to PostgreSQL: %s", job.uuid, str(error).strip())
        wait = RECONNECT_SECONDS[0]
        while True:
            try:
                with self._current_registry().cursor() as cr:
                    released = release_job(cr, job)
                return "put back uncharged, its connection was lost" if released else "had ended before"
            except CONNECTION_ERRORS:
                time.sleep(wait)
                wait = min(2 * wait, RECONNECT_SECONDS[1])

    def _record_failure(self, registry, job, error):
        decision = decide_retry(
            job,
            self._max_backoff_seconds,
            final=isinstance(error, FailedJobError),
            seconds=getattr(error, "seconds", None) if isinstance(error, RetryableJobError) else None,
            ignore_retry=isinstance(error, RetryableJobError) and error.ignore_retry,
        )
        with registry.cursor() as cr:
            if not apply_decision(cr, job, decision, describe_error(error)):
                return "lost its claim while failing"
        if isinstance(decision, Retry):
            return f"{type(error).__name__}, again in {decision.seconds:g} s"
        return f"failed: {type(error).__name__}: {error}"


def run_once(registry, job):
    """One try of ``job`` in one transaction, committed together with its ``done``.

    :raise ClaimLostError: the job belongs to somebody else by now; nothing was committed
    :raise LostConnectionError: the job's connection broke; whether it was committed isn't known
    """
    connection = None
    try:
        with registry.cursor() as cr:  # commits on leaving, or rolls back what an exception left
            connection = cr.connection
            env = job_environment(cr, job)
            call = unpack(env, job)
            with interruptible():
                result = call()
            cr.flush()  # with its pre-commit hooks: nothing of the job may follow its `done`
            _complete(cr, job, result)
    except Exception as error:
        # Only our own connection counts: a job may use others, and their loss is its failure.
        if connection is None or connection.closed:
            raise LostConnectionError(str(error)) from error
        raise
    registry.signal_changes()


def _complete(cr, job, result):
    """The last statement before the commit: ``done``, if the claim still holds.

    A change of the row by somebody else since this transaction began is a serialization
    failure here, whether it took the claim away or not; :meth:`JobRunner._run` finds out.
    """
    if not finish_job(cr, job, payload.encode_result(result)):
        raise ClaimLostError(job.uuid)


def describe_error(error):
    """The stored form of an exception."""
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    return JobFailure(name, str(error), "".join(traceback.format_exception(error)))
