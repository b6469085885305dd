"""Limits of channels in the database: reserve them for a claim, count, spend, and pass on what an end frees."""

from collections import Counter

from psycopg2 import sql

from .keys import place_keys
from .notifier import CHANNEL
from .prepared import run_query
from .queries import QUERIES
from .rooms import Limit, Rooms
from .running import RunningMemory


def read_rooms(cursor, locked=None, memory=None):
    """Count what runs under the limits; return the :class:`~.rooms.Rooms`.

    :param locked: ids of the limits under which jobs may start; None for all
    :param memory: :class:`~.running.RunningMemory` of this worker
    """
    memory = memory or RunningMemory()
    rooms, *counted = _count(cursor, memory, locked)
    if memory.is_outdated({(limit.id, limit.name) for limit in rooms.limits.values()}):
        rooms, *counted = _count(cursor, memory, locked)
    if locked is not None:
        memory.note(*counted, lambda channel: all(limit.id in locked for limit in rooms.limits_of(channel)))
    return rooms


def _count(cursor, memory, locked):
    """The rooms, what runs as ``(id, channel, claim token)`` each, and the last claim token that was given out."""
    now, limits, running, last_token = memory.count(lambda params: _fetch(cursor, params))
    limits = [Limit(**values) for values in limits or ()]
    closed = [limit.id for limit in limits if locked is not None and limit.id not in locked]
    counts = Counter(channel for _id, channel, _token in running or ())
    return Rooms(limits, counts, now, closed), running or [], last_token


def _fetch(cursor, params):
    run_query(cursor, "read_limits", params)
    return cursor.fetchone()


def lock_limits(cursor, limit_ids):
    """Reserve limits to the end of the transaction; return the ids of those that could be had."""
    run_query(cursor, "lock_limits", {"ids": list(limit_ids)})
    return {id_ for (id_,) in cursor.fetchall()}


def spend_rates(cursor, rooms, jobs):
    """Count the started ``jobs`` against the rates of their channels."""
    starts = {}
    for job in jobs:
        for limit in rooms.limits_of(job.channel):
            if limit.rate_limit:
                starts[limit] = starts.get(limit, 0) + 1
    for limit, count in starts.items():
        sequence = rate_sequence(limit.id)
        if limit.tat is None:
            cursor.execute(sql.SQL(QUERIES["create_rate_state"]).format(sequence=sql.Identifier(sequence)))
        params = {"sequence": sequence, "span": limit.span, "interval": limit.interval, "starts": count}
        cursor.execute(QUERIES["spend_rate"], params)


def rate_sequence(limit_id):
    """Name of the sequence that holds the state of a limit's rate."""
    return f"queue_limit_rate_{limit_id}"


def release_slots(cursor, ended_jobs, memory=None):
    """Let the jobs start that had to wait for ``ended_jobs``: call it once their end is committed.

    The next job of each key becomes ready, and the other workers are told when a slot of a channel or
    a key is free. Safe to call again, and for jobs that held nothing.

    :param cursor: psycopg2 cursor of a connection in autocommit
    :param ended_jobs: anything with ``concurrency_key`` and ``limited``, such as :class:`~.job.ClaimedJob`;
        ended in any way: done, failed, to be retried, cancelled, given back
    :param memory: the :class:`~.memory.ClaimMemory` of this worker
    """
    ended_jobs = list(ended_jobs)
    release_keys(cursor, ended_jobs, memory)
    if any(getattr(job, "holds_slot", True) for job in ended_jobs):
        tell_of_slots(cursor)


def release_keys(cursor, ended_jobs, memory=None):
    """The part of :func:`release_slots` for keys: the next job of each becomes ready."""
    heads = place_keys(cursor, {key for job in ended_jobs if (key := getattr(job, "concurrency_key", None))})
    if memory:
        memory.lower(heads)


def tell_of_slots(cursor):
    """The part of :func:`release_slots` for others: tell them that there may be room for a job."""
    cursor.execute(f"NOTIFY {CHANNEL}")
