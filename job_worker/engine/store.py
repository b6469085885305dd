"""Writes of state, each one guarded statement by the holder of the claim.

``cursor`` is anything with ``execute(sql, params)`` and ``fetchone()``: a psycopg2
cursor, or an Odoo cursor when the write belongs to the job's own transaction.
"""

from dataclasses import dataclass

import psycopg2.errors

from .prepared import EXECUTE_FINISH_JOB
from .queries import QUERIES
from .retry import Retry


@dataclass(frozen=True)
class JobFailure:
    """Why an attempt failed, as stored.

    ``crashed`` when it took its process or its worker down; ``seconds`` that the attempt took,
    None when nobody knows.
    """

    exc_name: str
    exc_message: str
    exc_info: str = ""
    crashed: bool = False
    seconds: float | None = None


def finish_job(execute, job, result, seconds, *, prepared=False, then="", **params):
    """Mark ``job`` done after ``seconds``, and run ``then`` in the same message.

    False when its claim was lost: ``then`` was not run, and the caller must roll back.

    :param execute: callable ``(sql, params)`` of a cursor
    :param bool prepared: whether the session has the statement prepared, see :mod:`.prepared`
    :param str then: what ends the transaction or savepoint, if anything; with its ``params``
    """
    statement = EXECUTE_FINISH_JOB if prepared else QUERIES["finish_job"]
    params = {"id": job.id, "claim_token": job.claim_token, "result": result, "seconds": seconds, **params}
    try:
        execute(f"{statement}; {then}", params)
    except psycopg2.errors.DivisionByZero:
        return False
    return True


def apply_decision(cursor, job, decision, failure):
    """Write what :func:`~.retry.decide_retry` decided. False when the claim was lost."""
    values = {
        # PostgreSQL's text can't hold NUL, and an error message may quote anything.
        "exc_name": failure.exc_name.replace("\0", "\\0"),
        "exc_message": failure.exc_message.replace("\0", "\\0"),
        "exc_info": failure.exc_info.replace("\0", "\\0"),
        "crashed": failure.crashed,
        "seconds": failure.seconds,
    }
    if isinstance(decision, Retry):
        return _guarded(cursor, "retry_job", job, delay=decision.seconds, counted=decision.counted, **values)
    return _guarded(cursor, "fail_job", job, **values)


def release_jobs(cursor, claims):
    """Give jobs back unstarted, uncharged.

    :param claims: anything with ``id`` and ``claim_token`` each
    :return: set of the ids that were given back; the claims of others were lost
    """
    if not claims:
        return set()
    params = {"ids": [claim.id for claim in claims], "claim_tokens": [claim.claim_token for claim in claims]}
    cursor.execute(QUERIES["release_jobs"], params)
    return {id_ for (id_,) in cursor.fetchall()}


def release_job(cursor, job):
    """Give ``job`` back unstarted, uncharged. False when the claim was lost."""
    return bool(release_jobs(cursor, [job]))


def postpone_job(cursor, job, delay_seconds, patience_seconds, failure):
    """Give ``job`` back, uncharged, because its code isn't there yet.

    False when it has waited for ``patience_seconds`` since the first time, or when the claim was lost.
    """
    names = {"exc_name": failure.exc_name, "exc_message": failure.exc_message}
    return _guarded(cursor, "postpone_job", job, delay=delay_seconds, patience=patience_seconds, **names)


def cancel_started_job(cursor, job, seconds=None):
    """Record that the running ``job`` was cancelled, after ``seconds``. False when the claim was lost."""
    return _guarded(cursor, "cancel_started_job", job, seconds=seconds)


def holds_claim(cursor, job):
    """Whether ``job`` is still started under the claim that ``job`` carries."""
    return _guarded(cursor, "check_claim", job)


def _guarded(cursor, query, job, **params):
    cursor.execute(QUERIES[query], {"id": job.id, "claim_token": job.claim_token, **params})
    return cursor.fetchone() is not None
