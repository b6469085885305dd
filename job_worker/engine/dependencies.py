"""Dependencies: pass the end of a job on to the jobs that wait for it."""

from typing import NamedTuple

from .memory import Head
from .queries import QUERIES
from .states import CANCELLED, DONE, FAILED, PENDING


class _Changed(NamedTuple):
    """A job that a release has changed."""

    id: int
    state: str
    is_ready: bool
    channel: str
    priority: int
    due_at: str

    @property
    def is_head(self):
        return self.state == PENDING and self.is_ready


def release_dependents(cursor, job_ids, memory=None):
    """Release, fail or cancel what waits for the ended jobs ``job_ids``, through any depth.

    Safe to call again, for other jobs than ended ones, and by several workers at once.

    :param cursor: psycopg2 or Odoo cursor
    :param list job_ids: ids of ``queue_job`` rows
    :param memory: :class:`~.memory.ClaimMemory` of this worker, to be told what is ready now
    :return: number of jobs that became ready
    """
    ready = 0
    while job_ids:
        cursor.execute(QUERIES["release_dependents"], {"ids": list(job_ids)})
        changed = [_Changed(*row) for row in cursor.fetchall()]
        ready += sum(job.state == PENDING for job in changed)
        if memory:
            memory.lower(Head(job.channel, job.priority, job.due_at, job.id) for job in changed if job.is_head)
        # A cascade has dependents of its own; each turn of the loop goes one edge deeper.
        job_ids = [job.id for job in changed if job.state in (FAILED, CANCELLED)]
    return ready


def sweep_dependents(cursor, memory=None):
    """Release what was left behind by a crash; return the number of jobs that became ready."""
    cursor.execute(QUERIES["unreleased_parents"])
    return release_dependents(cursor, [id_ for (id_,) in cursor.fetchall()], memory)


def end_jobs(cursor, job_ids, state, from_states, *, uid, message=None):
    """End jobs by hand and pass that on; return the ids of those that were ended.

    :param str state: ``done``, ``failed`` or ``cancelled``
    :param list from_states: only jobs in these states are ended
    """
    params = {
        "ids": list(job_ids),
        "state": state,
        "from_states": list(from_states),
        "uid": uid,
        "message": message,
    }
    cursor.execute(QUERIES["end_jobs"], params)
    ended = [id_ for (id_,) in cursor.fetchall()]
    if state == DONE:
        _requeue(cursor, ended, uid, include_roots=False)
    release_dependents(cursor, ended)
    return ended


def requeue_jobs(cursor, job_ids, *, uid):
    """Put failed and cancelled jobs back, with the dependents that ended because of them.

    :return: ids of all jobs that were put back, dependents included
    """
    return _requeue(cursor, job_ids, uid, include_roots=True)


def _requeue(cursor, job_ids, uid, include_roots):
    cursor.execute(QUERIES["requeue_jobs"], {"ids": list(job_ids), "uid": uid, "include_roots": include_roots})
    requeued = [id_ for (id_,) in cursor.fetchall()]
    # One of them may depend on a job that stays failed: then it fails again at once.
    cursor.execute(QUERIES["dependencies_of"], {"ids": requeued})
    release_dependents(cursor, [id_ for (id_,) in cursor.fetchall()])
    return requeued
