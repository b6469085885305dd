"""Cancelling running jobs: requests in a table of their own, obeyed by the worker that runs the job.

Nobody but the holder of a claim may change the row of a running job, so a person leaves a request.
"""

from dataclasses import dataclass

from .dependencies import end_jobs
from .queries import QUERIES
from .states import CANCELLED, FINAL, PENDING, STARTED, WAITING

# NOTIFY to this channel lets workers look for requests at once.
CHANNEL = "queue_job_cancel"


@dataclass(frozen=True)
class Cancellation:
    """A request, with where its job stands."""

    job_id: int
    state: str
    claim_token: int
    message: str


def request_cancellation(cursor, job_ids, message):
    """Ask for the end of those of ``job_ids`` that are running; return the ids of the new requests.

    :param str message: who asks, as it is stored on the job
    """
    cursor.execute(QUERIES["request_cancellation"], {"ids": list(job_ids), "message": message})
    return [id_ for (id_,) in cursor.fetchall()]


def settle_cancellations(cursor, worker_id):
    """Fulfil the requests whose jobs left the running state by themselves, and forget those of ended jobs.

    :return: list of :class:`Cancellation`: those whose jobs run on ``worker_id``
    """
    cursor.execute(QUERIES["cancellations"], {"worker_id": worker_id})
    requests = [Cancellation(*row) for row in cursor.fetchall()]
    settled = [request.job_id for request in requests if request.state in FINAL]
    waiting = [request.job_id for request in requests if request.state in (PENDING, WAITING)]
    if waiting:
        # It failed and would be tried again, or was given back: nobody runs it, so it is cancelled as such.
        settled += end_jobs(cursor, waiting, CANCELLED, (PENDING, WAITING), uid=None)
    if settled:
        cursor.execute(QUERIES["forget_cancellations"], {"ids": settled})
    return [request for request in requests if request.state == STARTED]
