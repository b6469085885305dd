"""Jobs that were claimed ahead of the executors, so that none of these waits for the next claim."""

import time
from collections import deque

from ..job import Order

# How much work is claimed ahead, at the recent average of what a job takes.
AHEAD_SECONDS = 0.1
MAX_JOBS = 200
# A job that has waited for so long goes back: others may have an executor for it.
MAX_WAIT_SECONDS = 1.0
# Quick jobs stand in lines, so that an executor needn't be woken for each: as many as probably run within so many
# seconds, and no more than so many.
LINE_SECONDS = 0.01
MAX_LINE = 8


class Lookahead:
    """The queue between claims and executors.

    Lines of jobs are handed out strictly in the order of their tokens, and never in parts: a rescuer tells by it which
    jobs of a dead worker were running, and charges only those (``lock_orphans``).

    :param int concurrency: number of executors that share the jobs
    """

    def __init__(self, concurrency=1):
        self._lines = deque()
        self._concurrency = concurrency

    def __len__(self):
        return sum(len(line) for line, _since in self._lines)

    def __bool__(self):
        return bool(self._lines)

    @property
    def claims(self):
        """``{job id: claim token}`` of the jobs in here."""
        return {job.id: job.claim_token for line, _since in self._lines for job in line}

    @property
    def deadline(self):
        """When the first job will have waited too long (monotonic seconds), or infinity."""
        return self._lines[0][1] + MAX_WAIT_SECONDS if self._lines else float("inf")

    def add(self, jobs):
        """Add jobs in the order of their claim tokens."""
        now = time.monotonic()
        lines = {}
        for job in jobs:
            lines.setdefault(job.line_token, []).append(job)
        self._lines.extend((line, now) for line in lines.values())

    def hand_out(self, executors, watched=False):
        """Start jobs on each idle executor, while there are any: a line, or a batch.

        :param bool watched: whether people look at the queue
        """
        for executor in executors:
            if not self._lines:
                return
            executor.start(self._next_order(watched))

    def _next_order(self, watched):
        # No more than leaves the other executors their part.
        share = len(self) // self._concurrency
        jobs, _since = self._lines.popleft()
        first = jobs[0]
        together = first.batch_size > 1
        while together and self._lines and len(jobs) < min(share, first.batch_size):
            following, _since = self._lines[0]
            if not first.batches_with(following[0]):
                break
            jobs += following
            self._lines.popleft()
        return Order(jobs, watched, together and len(jobs) > 1)

    def take_all(self):
        """Empty the queue; return its jobs, to be given back."""
        jobs = [job for line, _since in self._lines for job in line]
        self._lines.clear()
        return jobs

    def take(self, job_id):
        """Take one job out; None when it isn't in here."""
        for entry in self._lines:
            line, _since = entry
            for job in line:
                if job.id == job_id:
                    line.remove(job)
                    if not line:
                        self._lines.remove(entry)
                    return job
        return None


def wanted_ahead(quick_executors, average_seconds):
    """How many jobs to claim beyond the idle executors: those that run within :data:`AHEAD_SECONDS`.

    :param int quick_executors: number of executors that are not at a long job
    :param average_seconds: recent average of what a job takes, or None when there is none yet
    """
    if average_seconds is None:
        return 0
    return min(int(quick_executors * AHEAD_SECONDS / max(average_seconds, 1e-4)), MAX_JOBS)


def line_length(average_seconds):
    """How many jobs may stand in a line: those that run within :data:`LINE_SECONDS`.

    :param average_seconds: recent average of what a job takes, or None when there is none yet
    """
    if average_seconds is None:
        return 1
    return max(min(int(LINE_SECONDS / max(average_seconds, 1e-4)), MAX_LINE), 1)
