"""Jobs that were claimed ahead of the executors, so that none of these waits for the next claim."""

import time
from collections import deque

from ..job import Order

# How much work is claimed ahead, at the recent average of what a job takes.
AHEAD_SECONDS = 0.1
MAX_JOBS = 200
# A job that has waited for so long goes back: others may have an executor for it.
MAX_WAIT_SECONDS = 1.0
# Quick jobs go to an executor by several, so that it needn't be woken for each: those that probably run within so
# many seconds, and no more than so many.
SEQUENCE_SECONDS = 0.01
MAX_SEQUENCE = 8


class Lookahead:
    """The queue between claims and executors.

    Jobs are handed out strictly in the order of their claim tokens: a rescuer tells by it which jobs
    of a dead worker had been handed out, and charges only those (``lock_orphans``).

    :param int concurrency: number of executors that share the jobs
    """

    def __init__(self, concurrency=1):
        self._jobs = deque()
        self._concurrency = concurrency

    def __len__(self):
        return len(self._jobs)

    @property
    def claims(self):
        """``{job id: claim token}`` of the jobs in here."""
        return {job.id: job.claim_token for job, _since in self._jobs}

    @property
    def deadline(self):
        """When the first job will have waited too long (monotonic seconds), or infinity."""
        return self._jobs[0][1] + MAX_WAIT_SECONDS if self._jobs else float("inf")

    def add(self, jobs):
        now = time.monotonic()
        self._jobs.extend((job, now) for job in jobs)

    def put_first(self, jobs):
        """Add jobs that were handed out before those in here."""
        now = time.monotonic()
        in_order = sorted(jobs, key=lambda job: job.claim_token)
        self._jobs.extendleft((job, now) for job in reversed(in_order))

    def hand_out(self, executors, watched=False, average_seconds=None):
        """Start jobs on each idle executor, while there are any: one, a batch or a sequence.

        :param bool watched: whether people look at the queue
        :param average_seconds: recent average of what a job takes, or None when there is none yet
        """
        for executor in executors:
            if not self._jobs:
                return
            # No more than leaves the other executors their part.
            count = min(len(self._jobs) // self._concurrency, executor.jobs_left)
            executor.start(self._next_order(count, watched, average_seconds))

    def _next_order(self, count, watched, average_seconds):
        first, _since = self._jobs.popleft()
        jobs, together = [first], first.batch_size > 1
        count = min(count, first.batch_size if together else _sequence_length(average_seconds))
        while self._jobs and len(jobs) < count:
            following, _since = self._jobs[0]
            if not (first.batches_with(following) if together else following.follows(first)):
                break
            jobs.append(following)
            self._jobs.popleft()
        return Order(jobs, watched, together and len(jobs) > 1)

    def take_all(self):
        """Empty the queue; return its jobs, to be given back."""
        jobs = [job for job, _since in self._jobs]
        self._jobs.clear()
        return jobs

    def take(self, job_id):
        """Take one job out; None when it isn't in here."""
        for entry in self._jobs:
            if entry[0].id == job_id:
                self._jobs.remove(entry)
                return entry[0]
        return None


def wanted_ahead(quick_executors, average_seconds):
    """How many jobs to claim beyond the idle executors: those that run within :data:`AHEAD_SECONDS`.

    :param int quick_executors: number of executors that are not at a long job
    :param average_seconds: recent average of what a job takes, or None when there is none yet
    """
    if average_seconds is None:
        return 0
    return min(int(quick_executors * AHEAD_SECONDS / max(average_seconds, 1e-4)), MAX_JOBS)


def _sequence_length(average_seconds):
    if average_seconds is None:
        return 1
    return min(int(SEQUENCE_SECONDS / max(average_seconds, 1e-4)), MAX_SEQUENCE)
