"""Claiming: move ready jobs to a worker, and scheduled jobs to ready."""

from dataclasses import dataclass

from .job import COLUMNS, ClaimedJob
from .queries import QUERIES


@dataclass
class Claim:
    jobs: list
    retry_in: float | None = None


def claim_jobs(cursor, worker_id, worker_name, free, lookahead=0, channels=None, fair=False):
    """Claim up to ``limit`` ready jobs.

    :return: list of :class:`~.job.ClaimedJob`, in the order they should run
    """
    cursor.execute(
        QUERIES["claim_jobs"], {"worker_id": worker_id, "worker_name": worker_name, "limit": free + lookahead}
    )
    names = [column.name for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    # UPDATE ... RETURNING gives the rows in any order.
    rows.sort(key=lambda row: (row["priority"], row["due_at"], row["id"]))
    return Claim([ClaimedJob(**{name: row[name] for name in COLUMNS}) for row in rows])


def promote_due_jobs(cursor):
    """Make due scheduled jobs ready; return the seconds until the next one, or None."""
    cursor.execute(QUERIES["seconds_to_next_due"])
    (seconds,) = cursor.fetchone()
    if seconds is None or seconds > 0:
        return seconds
    cursor.execute(QUERIES["promote_due_jobs"])
    cursor.execute(QUERIES["seconds_to_next_due"])
    (seconds,) = cursor.fetchone()
    return seconds
