"""Rescue: take back started jobs whose worker is gone."""

from collections import namedtuple

from .queries import QUERIES
from .retry import Released, decide_retry
from .store import JobFailure, apply_decision, release_jobs
from .transaction import transaction
from .workers import WORKER_LOCK_CLASS

RESCUE_LOCK_CLASS = 0x6A7273  # "jrs"


def find_dead_workers(cursor, stale_after_seconds):
    """Ids of the workers that died or have shown no sign of life for so many seconds."""
    cursor.execute(QUERIES["dead_workers"], {"lock_class": WORKER_LOCK_CLASS, "stale_after": stale_after_seconds})
    return [worker_id for (worker_id,) in cursor.fetchall()]


def rescue_orphans(connection, dead_worker_ids, max_backoff_seconds):
    """Put the jobs of dead workers back, and started jobs without a worker, and forget those workers.

    Jobs that were running are charged the attempt; prefetched ones, which no executor had yet, are not.
    One transaction on ``connection`` (autocommit): a dead worker's row goes together with its claims.

    :param list dead_worker_ids: of :func:`find_dead_workers`
    :return: list of ``(orphan, decision)``; an orphan has ``id`` and ``uuid``
    """
    with connection.cursor() as cursor, transaction(cursor):
        return _rescue(cursor, dead_worker_ids, max_backoff_seconds)


def _rescue(cursor, dead_worker_ids, max_backoff_seconds):
    cursor.execute(QUERIES["lock_rescue"], {"lock_class": RESCUE_LOCK_CLASS})
    if not cursor.fetchone()[0]:
        return []
    cursor.execute(QUERIES["lock_orphans"], {"worker_ids": dead_worker_ids})
    orphans = _records(cursor)
    running = [orphan for orphan in orphans if orphan.was_running]
    prefetched = [orphan for orphan in orphans if not orphan.was_running]
    rescued = [(orphan, Released()) for orphan in prefetched]
    release_jobs(cursor, prefetched)
    for orphan in running:
        decision = decide_retry(orphan, max_backoff_seconds, seconds=0, crashed=True)
        apply_decision(cursor, orphan, decision, _lost_worker(orphan))
        rescued.append((orphan, decision))
    for worker_id in dead_worker_ids:
        cursor.execute(QUERIES["unregister_worker"], {"worker_id": worker_id})
    return rescued


def _lost_worker(orphan):
    worker = orphan.worker_name or "(unknown)"
    return JobFailure("WorkerLost", f"The worker {worker} that ran this job is gone.", crashed=True)


def _records(cursor):
    record = namedtuple("Orphan", [column.name for column in cursor.description])
    return [record(*row) for row in cursor.fetchall()]
