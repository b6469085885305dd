"""Concurrency keys: of the ready jobs of a key only the first is in the index that claims read.

``key_place`` of a job with a key is ``new`` until a worker has looked at it, then ``behind``, or empty for the
first.
Places only keep blocked jobs out of the way. That two jobs of a key never run at the same time is the
work of the unique index ``queue_job_key_running``.
"""

from .memory import Head
from .prepared import run_query
from .queries import QUERIES
from .transaction import transaction

KEY_LOCK_CLASS = 0x6A706B  # "jpk"


def place_keys(cursor, keys):
    """Choose anew which ready job of each of the ``keys`` is the first.

    :return: list of :class:`~.memory.Head`, the jobs that have become the first
    """
    keys = list(keys)
    if not keys:
        return []
    with transaction(cursor):
        cursor.execute(QUERIES["lock_keys"], {"keys": keys, "lock_class": KEY_LOCK_CLASS})
        run_query(cursor, "place_keys", {"keys": keys})
        return [Head(*position) for place, *position in cursor.fetchall() if place is None]


def place_new_keys(cursor):
    """As :func:`place_keys`, for the keys of jobs that have become ready since the last call."""
    cursor.execute(QUERIES["new_keys"])
    return place_keys(cursor, [key for (key,) in cursor.fetchall()])


def wake_stalled_keys(cursor):
    """As :func:`place_keys`, where all are behind: after a crash, or when a person has ended the first one."""
    with transaction(cursor):
        cursor.execute(QUERIES["avoid_sorts"])
        cursor.execute(QUERIES["stalled_keys"])
        keys = [key for (key,) in cursor.fetchall()]
    return place_keys(cursor, keys)
