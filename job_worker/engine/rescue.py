"""Rescue: take back started jobs whose worker is gone."""

from types import SimpleNamespace

from .queries import QUERIES
from .retry import decide_retry
from .store import JobFailure, apply_decision
from .workers import WORKER_LOCK_CLASS


def rescue_orphans(connection, stale_after_seconds, max_backoff_seconds):
    """Put the jobs of dead workers back, charging the attempt, and forget those workers.

    One transaction on ``connection`` (autocommit): a dead worker's row goes together
    with its claims.

    :param float stale_after_seconds: a worker without a sign of life for so long is dead too
    :return: list of ``(orphan, decision)``; an orphan has ``id`` and ``uuid``
    """
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        try:
            rescued = _rescue(cursor, stale_after_seconds, max_backoff_seconds)
        except BaseException:
            cursor.execute("ROLLBACK")
            raise
        cursor.execute("COMMIT")
    return rescued


def _rescue(cursor, stale_after_seconds, max_backoff_seconds):
    cursor.execute(QUERIES["dead_workers"], {"lock_class": WORKER_LOCK_CLASS, "stale_after": stale_after_seconds})
    dead = dict(cursor.fetchall())
    cursor.execute(QUERIES["lock_orphans"], {"worker_ids": list(dead)})
    rescued = []
    for orphan in _records(cursor):
        decision = decide_retry(orphan, max_backoff_seconds, seconds=0, crashed=True)
        apply_decision(cursor, orphan, decision, _lost_worker(orphan))
        rescued.append((orphan, decision))
    for worker_id in dead:
        cursor.execute(QUERIES["unregister_worker"], {"worker_id": worker_id})
    return rescued


def _lost_worker(orphan):
    worker = orphan.worker_name or "(unknown)"
    return JobFailure("WorkerLost", f"The worker {worker} that ran this job is gone.", crashed=True)


def _records(cursor):
    names = [column.name for column in cursor.description]
    return [SimpleNamespace(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]
