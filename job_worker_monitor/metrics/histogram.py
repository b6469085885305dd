"""Histograms of seconds that can be added up, and percentiles from them. Plain Python.

Buckets are log-spaced: bucket 0 holds what is at most :data:`FLOOR_SECONDS`, bucket ``i`` what is above
``FLOOR_SECONDS * GROWTH^(i-1)`` and at most ``FLOOR_SECONDS * GROWTH^i``. A value is estimated by the point of its
bucket that is off by the same fraction from both ends, ``2 * upper / (GROWTH + 1)``, so the relative error is
at most ``(GROWTH - 1) / (GROWTH + 1)`` (Masson, Rim, Lee: DDSketch, VLDB 2019). A histogram is a dict of bucket to
count: those of two minutes, channels or workers are merged by adding, and nothing is lost by it.
"""

import math
from collections import Counter

GROWTH = 1.08
FLOOR_SECONDS = 0.0001
# Above is the last bucket: 365 days.
CEILING_SECONDS = 365 * 86400.0
RELATIVE_ERROR = (GROWTH - 1) / (GROWTH + 1)


def bucket_of(seconds):
    """The bucket of a value; collect.sql computes the same."""
    if seconds <= FLOOR_SECONDS:
        return 0
    return math.ceil(math.log(min(seconds, CEILING_SECONDS) / FLOOR_SECONDS) / math.log(GROWTH))


def upper_bound(bucket):
    """The largest value in a bucket, in seconds."""
    return FLOOR_SECONDS * GROWTH**bucket


def estimate(bucket):
    """What a value of a bucket is taken for, in seconds."""
    return upper_bound(bucket) * 2 / (GROWTH + 1) if bucket else FLOOR_SECONDS / 2


def merge(histograms):
    """The sum of histograms: dicts of bucket (or its text, as JSON has it) to count."""
    total = Counter()
    for histogram in histograms:
        for bucket, count in (histogram or {}).items():
            total[int(bucket)] += count
    return total


def percentile(histogram, fraction):
    """A percentile of the values in a histogram, in seconds; None when there are none.

    It interpolates between the two values around the place, as PostgreSQL's ``percentile_cont`` does. Either is off
    by at most :data:`RELATIVE_ERROR` (or half of the floor), so what lies between them is too.

    :param dict histogram: of int buckets
    :param float fraction: 0.95 for the 95th percentile
    """
    count = sum(histogram.values())
    if not count:
        return None
    place = fraction * (count - 1)
    below = math.floor(place)
    first, second = _values_at(histogram, below, min(below + 1, count - 1))
    return first + (second - first) * (place - below)


def percentiles(histogram, fractions=(0.5, 0.95, 0.99)):
    """Several at once, as a list."""
    return [percentile(histogram, fraction) for fraction in fractions]


def _values_at(histogram, first, second):
    """Estimates of the values at two places, counted from 0 in ascending order; ``first <= second``."""
    seen, found = 0, []
    for bucket in sorted(histogram):
        seen += histogram[bucket]
        while len(found) < 2 and (first, second)[len(found)] < seen:
            found.append(estimate(bucket))
    return found


def cumulative(histogram, bounds):
    """Counts of the values up to each bound, for coarser histograms such as those of Prometheus.

    A bucket that a bound cuts counts as below it when its estimate is.

    :param bounds: ascending seconds
    """
    return [sum(count for bucket, count in histogram.items() if estimate(bucket) <= bound) for bound in bounds]
