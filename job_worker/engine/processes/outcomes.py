"""What the supervisor itself has to write about jobs: those whose executor died, and those it gives back."""

import logging

from ..interrupt import CANCEL, TIMEOUT
from ..notifier import CHANNEL
from ..retry import MAX_CRASHES, decide_retry, in_words
from ..store import JobFailure, apply_decision, cancel_started_job, release_jobs
from ..workers import end_sessions

_logger = logging.getLogger(__name__)


def account_for_death(cursor, death, max_backoff_seconds, session_name):
    """Write what becomes of a job whose executor died; the others of its batch are given back.

    :param death: :class:`~.pool.Death`
    :param session_name: ``application_name`` of the dead process's sessions, or None
    """
    job = death.job
    if session_name:
        end_sessions(cursor, session_name)
    release_jobs(cursor, death.others)
    # Neither writes a row when the job had committed its end just before the death.
    if death.stopping == CANCEL:
        if cancel_started_job(cursor, job, death.seconds):
            _logger.warning("Job %s: cancelled, its executor %d had to be killed", job.uuid, death.pid)
        return
    decision = decide_retry(job, max_backoff_seconds, crashed=death.stopping != TIMEOUT)
    if apply_decision(cursor, job, decision, _failure(death)):
        _logger.error("Job %s: its executor %d %s, %s", job.uuid, death.pid, death.how, in_words(decision))


def give_back(cursor, jobs, why):
    """Put claimed jobs that no executor has had back into the queue, and tell other workers."""
    released = release_jobs(cursor, jobs)
    if released:
        _logger.info("%d claimed jobs were given back: %s", len(released), why)
        cursor.execute(f"NOTIFY {CHANNEL}")


def _failure(death):
    if death.stopping == TIMEOUT:
        message = f"The job ran longer than its timeout of {death.job.timeout} s and had to be killed."
        return JobFailure("TimeoutJobError", message, seconds=death.seconds)
    message = f"The process that ran this job {death.how}."
    if "SIGKILL" in death.how:
        message += " Not this worker did that: a person, or the kernel for lack of memory."
    if death.job.crashes + 1 >= MAX_CRASHES:
        message += f" That was crash number {MAX_CRASHES}, so the job is not run again."
    return JobFailure("ExecutorDied", message, crashed=True, seconds=death.seconds)
