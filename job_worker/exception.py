"""Exceptions that a job raises to choose its own fate, and those the engine raises."""


class JobError(Exception):
    """Base of everything that job_worker raises."""


class RetryableJobError(JobError):
    """The job can't succeed now: run it again later.

    :param str message: the reason, stored on the job
    :param seconds: delay before the next attempt in seconds (int or float);
        None for the job's own backoff
    :param bool ignore_retry: don't count this attempt against ``max_retries``
    """

    def __init__(self, message, seconds=None, ignore_retry=False):
        super().__init__(message)
        self.seconds = seconds
        self.ignore_retry = ignore_retry


class FailedJobError(JobError):
    """The job can never succeed: fail it at once, whatever retries are left."""


class TimeoutJobError(JobError):
    """Raised inside of a job that ran longer than its timeout; the attempt counts as failed."""


class CancelledJobError(JobError):
    """Raised inside of a running job that was cancelled; it is not run again."""


class JobDecodeError(FailedJobError):
    """A stored job can't be turned back into a call (its model, method, user or records are gone)."""


class MissingCodeError(JobDecodeError):
    """The model or method of a job isn't there, perhaps not yet: its module may be on its way."""


class JobOptionError(JobError, ValueError):
    """An option given at enqueue is unknown, of a wrong type or out of range."""


class JobGraphError(JobOptionError):
    """A graph of jobs can't be stored as it is: a cycle, an empty group, a job of another graph."""


class ClaimLostError(JobError):
    """The job was taken away from this executor; nothing it did may be committed."""


class StaleRegistryError(JobError):
    """The models have changed since this process loaded them: another has to run the job."""


class LostConnectionError(JobError):
    """The connection of a running job broke; whether its transaction was committed isn't known."""
