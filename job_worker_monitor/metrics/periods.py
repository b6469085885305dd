"""Periods of rollups, all in UTC: a minute, an hour, a day. Where people live plays no part in what is stored."""

from datetime import datetime, timedelta

MINUTE, HOUR, DAY, TOTAL = "minute", "hour", "day", "total"
# All that has been deleted as days is added up in one row of this period, so that counters never fall.
EPOCH = datetime(1970, 1, 1)
LENGTH = {MINUTE: timedelta(minutes=1), HOUR: timedelta(hours=1), DAY: timedelta(days=1)}
# What a longer period is made of.
PART_OF = {HOUR: MINUTE, DAY: HOUR}


def floor(moment, resolution):
    """The start of the period that ``moment`` is in."""
    length = LENGTH[resolution]
    return EPOCH + (moment - EPOCH) // length * length


def collection_start(last_collected, now, overlap, horizon):
    """From which minute on to count again.

    A job's end is stamped before its transaction commits, so it can appear after its minute was counted. Therefore
    the last ``overlap`` is counted again each time, whole minutes of it. After a long standstill it starts where
    it stopped, but not before ``horizon``, as older minutes are not kept.

    :param last_collected: when it was last collected, None for never
    :param timedelta overlap: by how much a commit may be late
    :param timedelta horizon: how far back minutes are kept
    :return: datetime, the start of a minute
    """
    earliest = now - horizon
    start = earliest if last_collected is None else max(min(last_collected, now) - overlap, earliest)
    return floor(start, MINUTE)
