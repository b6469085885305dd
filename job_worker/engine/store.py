"""Writes of state, each one guarded statement by the holder of the claim.

``cursor`` is anything with ``execute(sql, params)`` and ``fetchone()``: a psycopg2
cursor, or an Odoo cursor when the write belongs to the job's own transaction.
"""

from dataclasses import dataclass

from .queries import QUERIES
from .retry import Retry


@dataclass(frozen=True)
class JobFailure:
    """Why an attempt failed, as stored; ``crashed`` when it took its process or its worker down."""

    exc_name: str
    exc_message: str
    exc_info: str = ""
    crashed: bool = False


def finish_job(cursor, job, result):
    """Mark ``job`` done. False when its claim was lost: the caller must roll back."""
    return _guarded(cursor, "finish_job", job, result=result)


def apply_decision(cursor, job, decision, failure):
    """Write what :func:`~.retry.decide_retry` decided. False when the claim was lost."""
    values = {
        # PostgreSQL's text can't hold NUL, and an error message may quote anything.
        "exc_name": failure.exc_name.replace("\0", "\\0"),
        "exc_message": failure.exc_message.replace("\0", "\\0"),
        "exc_info": failure.exc_info.replace("\0", "\\0"),
        "crashed": failure.crashed,
    }
    if isinstance(decision, Retry):
        return _guarded(cursor, "retry_job", job, seconds=decision.seconds, counted=decision.counted, **values)
    return _guarded(cursor, "fail_job", job, **values)


def release_job(cursor, job):
    """Give ``job`` back unstarted, uncharged. False when the claim was lost."""
    return _guarded(cursor, "release_job", job)


def holds_claim(cursor, job):
    """Whether ``job`` is still started under the claim that ``job`` carries."""
    return _guarded(cursor, "check_claim", job)


def _guarded(cursor, query, job, **params):
    cursor.execute(QUERIES[query], {"id": job.id, "claim_token": job.claim_token, **params})
    return cursor.fetchone() is not None
