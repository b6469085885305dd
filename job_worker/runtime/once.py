"""One try of one job in one transaction, committed together with its ``done``."""

import functools
import time

from ..engine.interrupt import interruptible
from ..engine.store import finish_job
from ..exception import ClaimLostError, LostConnectionError
from . import payload
from .call import job_environment, unpack
from .cursors import begin_job, first_statement, is_prepared
from .job_connection import BEGIN, JobConnection


def run_once(registry, job, started, open_cursor, following=lambda: None):
    """One try of ``job`` in one transaction, committed together with its ``done``.

    :param float started: when its executor got it (monotonic seconds)
    :param open_cursor: callable returning a new cursor of the database
    :param following: callable returning the job that this process runs next, or None when it doesn't know
    :raise StaleRegistryError: the models have changed since they were loaded; nothing was run
    :raise ClaimLostError: the job belongs to somebody else by now; nothing was committed
    :raise LostConnectionError: the job's connection broke; whether it was committed isn't known
    """
    connection = None
    try:
        with open_cursor() as cr:  # commits on leaving, or rolls back what an exception left
            connection = cr.connection
            user_is_active = begin_job(registry, cr, job.user_id)
            env = job_environment(cr, job, user_is_active)
            call = unpack(env, job)
            with interruptible():
                result = call()
            cr.flush()  # with its pre-commit hooks: nothing of the job may follow its `done`
            seconds = time.monotonic() - started
            if isinstance(connection, JobConnection):
                next_job = following() if _nothing_comes_between(registry, cr) else None
                complete_and_commit(registry, cr, job, result, seconds, next_job)
            else:
                complete(cr, job, result, seconds)  # and `cr` commits
    except Exception as error:
        # Only our own connection counts: a job may use others, and their loss is its failure.
        if connection is None or connection.closed:
            raise LostConnectionError(str(error)) from error
        raise
    registry.signal_changes()


def _nothing_comes_between(registry, cr):
    """Whether nothing is to be done between the commit of this job and the next one."""
    return not (cr.postcommit or registry.registry_invalidated or registry.cache_invalidated)


def complete_and_commit(registry, cr, job, result, seconds, next_job):
    """:func:`complete` with COMMIT, and if there is a next job, with its first statement, in one message."""
    if next_job is None:
        complete(cr, job, result, seconds, "COMMIT")
    else:
        then = f"COMMIT; {BEGIN}; {first_statement(registry, cr)}"
        complete(cr, job, result, seconds, then, user_id=next_job.user_id)
        cr.connection.keep_ahead(cr.fetchone())
    cr.job_is_over = not cr.postcommit


def complete(cr, job, result, seconds, then="", **params):
    """The last statement of a job: ``done``, if the claim still holds; and ``then`` in the same message.

    A change of the row by somebody else since this transaction began is a serialization
    failure here, whether it took the claim away or not; :class:`~.perform.JobRunner` finds out.
    """
    execute = functools.partial(cr.execute, log_exceptions=False)
    result = payload.encode_result(result)
    if not finish_job(execute, job, result, seconds, prepared=is_prepared(cr), then=then, **params):
        raise ClaimLostError(job.uuid)
