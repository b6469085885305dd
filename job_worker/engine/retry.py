"""What becomes of a job whose attempt failed: pure decisions, written elsewhere."""

import json
import random
from dataclasses import dataclass

BASE_BACKOFF_SECONDS = 10
MAX_CRASHES = 3


@dataclass(frozen=True)
class Retry:
    """Run the job again in ``seconds``; ``counted`` is False when the attempt is not charged."""

    seconds: float
    counted: bool = True


@dataclass(frozen=True)
class Fail:
    """The job has failed for good."""


@dataclass(frozen=True)
class Released:
    """The job goes back as if it had never been taken."""


def in_words(decision):
    """What was decided, for the log."""
    if isinstance(decision, Retry):
        return f"runs again in {decision.seconds:g} s"
    return "put back uncharged" if isinstance(decision, Released) else "failed for good"


def backoff(failures, max_seconds, base=BASE_BACKOFF_SECONDS):
    """Seconds to wait after the n-th failure: ``base * 2^(n-1)``, at most ``max_seconds``."""
    # The exponent is capped because 2**n of an endless retrier would leave the floats.
    return min(base * 2 ** min(failures - 1, 60), max_seconds)


def pattern_delay(pattern, failures):
    """Seconds to wait after the n-th failure by a retry pattern, as in OCA's queue_job.

    The entry of the highest attempt that is not above ``failures`` holds; a pair of
    numbers is a range to draw from.

    :param str pattern: JSON of ``{attempt: seconds}``
    :return: seconds, or None when the pattern says nothing about this failure
    """
    entries = {int(attempt): seconds for attempt, seconds in json.loads(pattern).items()}
    reached = [attempt for attempt in entries if attempt <= failures]
    if not reached:
        return None
    seconds = entries[max(reached)]
    return random.uniform(*seconds) if isinstance(seconds, list) else seconds


def decide_retry(job, max_backoff_seconds, *, final=False, seconds=None, ignore_retry=False, crashed=False):
    """Decide after a failed attempt.

    :param job: anything with ``attempts`` (charged before this one), ``max_retries``
        (after the first attempt; 0 means without end) and ``retry_pattern`` (JSON or None)
    :param float max_backoff_seconds: longest wait that the backoff gives
    :param bool final: the job said that it can never succeed
    :param seconds: the delay the job asked for; None for its pattern, else the backoff
    :param bool ignore_retry: the job asked not to be charged
    :param bool crashed: the attempt took its process or its worker down; after
        :data:`MAX_CRASHES` of these (``job.crashes`` before this one) the job is taken for
        poison, whatever its retries
    :return: :class:`Retry` or :class:`Fail`
    """
    failures = job.attempts + 1
    if crashed and job.crashes + 1 >= MAX_CRASHES:
        return Fail()
    if final or (job.max_retries and failures > job.max_retries and not ignore_retry):
        return Fail()
    if seconds is None and job.retry_pattern:
        seconds = pattern_delay(job.retry_pattern, failures)
    if seconds is None:
        seconds = backoff(1 if ignore_retry else failures, max_backoff_seconds)
    return Retry(seconds, counted=not ignore_retry)
