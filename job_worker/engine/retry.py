"""What becomes of a job whose attempt failed: pure decisions, written elsewhere."""

from dataclasses import dataclass

BASE_BACKOFF_SECONDS = 10


@dataclass(frozen=True)
class Retry:
    """Run the job again in ``seconds``; ``counted`` is False when the attempt is not charged."""

    seconds: float
    counted: bool = True


@dataclass(frozen=True)
class Fail:
    """The job has failed for good."""


def backoff(failures, max_seconds, base=BASE_BACKOFF_SECONDS):
    """Seconds to wait after the n-th failure: ``base * 2^(n-1)``, at most ``max_seconds``."""
    # The exponent is capped because 2**n of an endless retrier would leave the floats.
    return min(base * 2 ** min(failures - 1, 60), max_seconds)


def decide_retry(attempts, max_retries, max_backoff_seconds, *, final=False, seconds=None, ignore_retry=False):
    """Decide after a failed attempt.

    :param int attempts: attempts charged before this one
    :param int max_retries: retries allowed after the first attempt; 0 means without end
    :param bool final: the job said that it can never succeed
    :param seconds: the delay the job asked for; None for the backoff
    :param bool ignore_retry: the job asked not to be charged
    :return: :class:`Retry` or :class:`Fail`
    """
    if final:
        return Fail()
    if ignore_retry:
        return Retry(backoff(1, max_backoff_seconds) if seconds is None else seconds, counted=False)
    failures = attempts + 1
    if max_retries and failures > max_retries:
        return Fail()
    return Retry(backoff(failures, max_backoff_seconds) if seconds is None else seconds)
