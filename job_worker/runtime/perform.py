"""Run one claimed job in this process: resolve, call, complete; or record why not.

The job's own writes and its ``done`` are one transaction. Failures are recorded in a
transaction of their own, after the job's was rolled back.
"""

import logging
import random
import time
import traceback

import psycopg2

from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from ..engine.connection import is_connection_error
from ..engine.retry import Retry, decide_retry
from ..engine.store import (
    JobFailure,
    apply_decision,
    cancel_started_job,
    holds_claim,
    postpone_job,
    release_job,
)
from ..exception import (
    CancelledJobError,
    ClaimLostError,
    FailedJobError,
    LostConnectionError,
    MissingCodeError,
    RetryableJobError,
    StaleRegistryError,
)
from . import live
from .batch import BatchOutcomes, run_batch
from .line import Line
from .once import run_once

_logger = logging.getLogger(__name__)

# Waits between two attempts to reach PostgreSQL: doubling, from the first to the last.
RECONNECT_SECONDS = (0.1, 2.0)
# How often it is looked whether missing code has come.
POSTPONE_SECONDS = 10
# As Odoo's dispatcher: conflicts of the job's own work are tried again in place.
MAX_TRIES_ON_CONFLICT = 5


class JobRunner:
    """Runs jobs of one database, one at a time.

    :param current_registry: callable returning the database's registry
    :param settings: :class:`~..engine.config.WorkerSettings`
    :param open_cursor: callable returning a new cursor of the database
    """

    def __init__(self, current_registry, settings, open_cursor):
        self._current_registry = current_registry
        self._settings = settings
        self._open_cursor = open_cursor

    def __call__(self, order, at=lambda index: None, may_follow=lambda: True):
        """Run the jobs of ``order`` and write their outcomes; never raises for what a job did.

        :param order: :class:`~..engine.job.Order`
        :param at: callable to be told the index of each job before it runs
        :param may_follow: callable telling whether the next job of a line is still to be run here
        :return: True when jobs were given back because the models of this process are out of date
        """
        if order.watched:
            live.tell(self._current_registry(), order.jobs[0], "started")
        line = Line(order.jobs, at, may_follow)
        stale = self._run_batch(order.jobs, at) if order.together else self._run_line(line)
        if order.watched:
            live.tell(self._current_registry(), order.jobs[-1], "ended")
        return stale

    def _run_line(self, line):
        """Run jobs one after the other, each in its own transaction; True when this process is out of date."""
        stale = False
        while (job := line.advance()) is not None:
            stale = self._run_alone(job, line.following) or stale
        return stale

    def _run_batch(self, jobs, at):
        """Run ``jobs`` in one transaction, and what can't be settled in it on its own; True when that was stale."""
        try:
            outcomes = run_batch(self._current_registry(), jobs, self._open_cursor, at)
        except StaleRegistryError:
            outcomes = BatchOutcomes([(job, self._give_back(job), 0.0) for job in jobs], stale=True)
        except (LostConnectionError, psycopg2.Error) as error:
            _raise_unless_lost(error)
            outcomes = BatchOutcomes([(job, self._look_up_outcome(job, error), 0.0) for job in jobs])
        for job, error, seconds in outcomes.failed:
            log_job(job, self._record_or_look_up(job, error, seconds), seconds)
        for job, outcome, seconds in outcomes.ended:
            log_job(job, outcome, seconds)
        stale = outcomes.stale
        for job in outcomes.left:
            at(jobs.index(job))
            stale = self._run_alone(job) or stale
        return stale

    def _record_or_look_up(self, job, error, seconds):
        try:
            return self._record_failure(job, error, seconds)
        except psycopg2.Error as lost:
            _raise_unless_lost(lost)
            return self._look_up_outcome(job, lost)

    def _run_alone(self, job, following=lambda: None):
        """Run ``job``; True when this process is out of date. ``following`` as for :func:`~.once.run_once`."""
        started = time.monotonic()
        stale = False
        try:
            outcome = self._run_and_record(job, started, following)
        except StaleRegistryError:
            stale, outcome = True, self._give_back(job)
        except (LostConnectionError, psycopg2.Error) as error:
            _raise_unless_lost(error)
            outcome = self._look_up_outcome(job, error)
        log_job(job, outcome, time.monotonic() - started)
        return stale

    def _run_and_record(self, job, started, following):
        """Run ``job`` and write its outcome; return that in words.

        :raise StaleRegistryError: the models have changed since they were loaded
        :raise LostConnectionError: the job's own connection broke
        :raise psycopg2.OperationalError, psycopg2.InterfaceError: another was needed and couldn't be had
        """
        registry = self._current_registry()
        try:
            self._run(registry, job, started, following)
            return "done"
        except ClaimLostError:
            return "lost its claim, rolled back"
        except (LostConnectionError, StaleRegistryError):
            raise
        except Exception as error:  # noqa: BLE001  (whatever a job raises is its outcome)
            registry.reset_changes()
            return self._record_failure(job, error, time.monotonic() - started)

    def _run(self, registry, job, started, following):
        for tries_left in reversed(range(MAX_TRIES_ON_CONFLICT)):
            try:
                run_once(registry, job, started, self._open_cursor, following)
                return
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY as error:
                registry.reset_changes()
                with self._open_cursor() as cr:
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

    def _give_back(self, job):
        with self._open_cursor() as cr:
            release_job(cr, job)
        return "put back uncharged, the models have changed"

    def _look_up_outcome(self, job, error):
        """The database went away under the job, perhaps in the middle of its COMMIT: look up what became of it.

        Waits until the database is back; a child is killed with its supervisor, so not for ever.
        """
        _logger.warning("Job %s: lost the connection to PostgreSQL: %s", job.uuid, str(error).strip())
        wait = RECONNECT_SECONDS[0]
        while True:
            time.sleep(wait)
            wait = min(2 * wait, RECONNECT_SECONDS[1])
            try:
                with self._open_cursor() as cr:
                    released = release_job(cr, job)
                return "put back uncharged, its connection was lost" if released else "had ended before"
            except psycopg2.Error as again:
                _raise_unless_lost(again)

    def _record_failure(self, job, error, seconds):
        """Write what becomes of ``job`` after ``error``; return that in words."""
        if isinstance(error, CancelledJobError):
            with self._open_cursor() as cr:
                return "cancelled" if cancel_started_job(cr, job, seconds) else "lost its claim while being cancelled"
        failure = describe_error(error, self._settings.limit_memory_hard, seconds)
        if isinstance(error, MissingCodeError):
            with self._open_cursor() as cr:
                if postpone_job(cr, job, POSTPONE_SECONDS, self._settings.missing_code_seconds, failure):
                    return f"waits for its code: {error}"
        decision = decide_retry(
            job,
            self._settings.max_backoff_seconds,
            final=isinstance(error, FailedJobError),
            seconds=getattr(error, "seconds", None) if isinstance(error, RetryableJobError) else None,
            ignore_retry=isinstance(error, RetryableJobError) and error.ignore_retry,
            crashed=failure.crashed,
        )
        with self._open_cursor() as cr:
            if not apply_decision(cr, job, decision, failure):
                return "lost its claim while failing"
        if isinstance(decision, Retry):
            return f"{type(error).__name__}, again in {decision.seconds:g} s"
        return f"failed: {type(error).__name__}: {error}"


def _raise_unless_lost(error):
    if not (isinstance(error, LostConnectionError) or is_connection_error(error)):
        raise error


def describe_error(error, limit_memory_hard=0, seconds=None):
    """The stored form of an exception.

    :param int limit_memory_hard: bytes of virtual memory that the process can't get past; 0 for no limit
    :param seconds: how long the attempt took
    """
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    message = str(error)
    out_of_memory = isinstance(error, MemoryError)
    if out_of_memory and limit_memory_hard:
        message = f"The job needed more memory than limit_memory_hard allows ({limit_memory_hard} bytes). {message}"
    trace = "".join(traceback.format_exception(error))
    return JobFailure(name, message.strip(), trace, crashed=out_of_memory, seconds=seconds)


def log_job(job, outcome, seconds):
    """One line per attempt; a JSON log gets its parts as fields, too."""
    fields = {
        "uuid": job.uuid,
        "channel": job.channel,
        "function": f"{job.model_name}.{job.method_name}",
        "attempt": job.attempt,
        "seconds": round(seconds, 3),
        "outcome": outcome,
    }
    message = "Job %(uuid)s (%(channel)s) %(function)s attempt %(attempt)d: %(outcome)s in %(seconds).3f s"
    _logger.info(message, fields, extra={"job": fields})
