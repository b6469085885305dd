"""Jobs that were claimed ahead of the executors, so that none of these waits for the next claim."""

import time
from collections import deque

# How much work is claimed ahead, at the recent average of what a job takes.
AHEAD_SECONDS = 0.1
MAX_JOBS = 200
# A job that has waited for so long goes back: others may have an executor for it.
MAX_WAIT_SECONDS = 1.0


class Lookahead:
    """The queue between claims and executors.

    Jobs are handed out strictly in the order of their claim tokens: a rescuer tells by it which jobs
    of a dead worker had been handed out, and charges only those (``lock_orphans``).
    """

    def __init__(self):
        self._jobs = deque()

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

    def hand_out(self, executors):
        """Start a job on each idle executor, while there are jobs."""
        for executor in executors:
            if not self._jobs:
                return
            job, _since = self._jobs.popleft()
            executor.start(job)

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
