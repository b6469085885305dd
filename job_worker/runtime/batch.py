"""Several short jobs in one transaction: a savepoint and a guarded ``done`` for each, one commit for all.

A job that fails is rolled back to its savepoint, so that it costs only itself. What can't be settled that
way (a conflict with another transaction, a commit that is refused) is left to run on its own.
"""

import time
from dataclasses import dataclass, field

from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from ..engine.interrupt import interruptible
from ..exception import ClaimLostError, LostConnectionError, MissingCodeError, StaleRegistryError
from .call import job_environment, unpack
from .cursors import begin_job
from .once import complete

_SAVEPOINT = "SAVEPOINT job_worker_batch"
_NEXT_SAVEPOINT = f"RELEASE {_SAVEPOINT}; {_SAVEPOINT}"
_ROLL_BACK = f"ROLLBACK TO {_SAVEPOINT}"


@dataclass
class BatchOutcomes:
    """What became of the jobs of a batch.

    :param list ended: ``(job, outcome in words, seconds)`` of what is committed or lost
    :param list failed: ``(job, error, seconds)``, still to be recorded
    :param list left: jobs to run on their own
    :param bool stale: the models of this process are out of date
    """

    ended: list = field(default_factory=list)
    failed: list = field(default_factory=list)
    left: list = field(default_factory=list)
    stale: bool = False


def run_batch(registry, jobs, open_cursor, at):
    """Run ``jobs`` in one transaction.

    :param at: callable to be told the index of each job before it runs
    :return: :class:`BatchOutcomes`
    :raise StaleRegistryError: the models have changed since they were loaded; nothing was run
    :raise LostConnectionError: the connection broke; whether it was committed isn't known
    """
    outcomes = BatchOutcomes()
    connection = None
    try:
        with open_cursor() as cr:
            connection = cr.connection
            users = {jobs[0].user_id: begin_job(registry, cr, jobs[0].user_id)}
            cr.execute(_SAVEPOINT)
            for index, job in enumerate(jobs):
                at(index)
                _run_member(cr, job, users, outcomes)
    except StaleRegistryError:
        raise
    except Exception as error:
        if connection is None or connection.closed:
            raise LostConnectionError(str(error)) from error
        # The commit was refused, by a deferred constraint or a conflict: which job is to blame shows when each
        # has a transaction of its own.
        registry.reset_changes()
        return BatchOutcomes(left=jobs)
    registry.signal_changes()
    return outcomes


def _run_member(cr, job, users, outcomes):
    started = time.monotonic()
    hooks = list(cr.postcommit._funcs), dict(cr.postcommit.data)
    try:
        _run(cr, job, users, started)
        outcomes.ended.append((job, "done", time.monotonic() - started))
        return
    except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
        outcomes.left.append(job)  # needs a younger snapshot
    except ClaimLostError:
        outcomes.ended.append((job, "lost its claim, rolled back", time.monotonic() - started))
    except MissingCodeError:
        outcomes.left.append(job)
    except Exception as error:
        if cr.connection.closed:
            raise
        outcomes.failed.append((job, error, time.monotonic() - started))
    cr.clear()
    cr.execute(_ROLL_BACK)
    _forget_hooks(cr, *hooks)


def _run(cr, job, users, started):
    env = job_environment(cr, job, *([users[job.user_id]] if job.user_id in users else []))
    call = unpack(env, job)
    with interruptible():
        result = call()
    cr.flush()
    complete(cr, job, result, time.monotonic() - started, then=_NEXT_SAVEPOINT)


def _forget_hooks(cr, functions, data):
    """What a failed job wanted to be done after the commit must not be done after that of the others."""
    cr.postcommit._funcs.clear()
    cr.postcommit._funcs.extend(functions)
    cr.postcommit.data.clear()
    cr.postcommit.data.update(data)
