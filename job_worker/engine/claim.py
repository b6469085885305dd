"""Claiming: move ready jobs to a worker, and scheduled jobs to ready.

A claim looks first (one statement): which channels have ready jobs, and which limits hold. Where no
limit and no concurrency key is in play it claims at once (one more). Else it locks the limits, counts
what runs, picks by :func:`~.pick.pick_jobs` and claims what was picked, in one transaction.
"""

import random
from dataclasses import dataclass

import psycopg2.errors

from .channels import ALL_CHANNELS, ChannelFilter
from .job import COLUMNS, ClaimedJob
from .keys import place_keys, place_new_keys, wake_stalled_keys
from .limits import lock_limits, read_rooms, spend_rates
from .memory import ClaimMemory, Head
from .notifier import CHANNEL
from .pick import Candidate, order_fairly, pick_jobs
from .prepared import note_size, run_query
from .queries import QUERIES
from .rooms import Rooms
from .transaction import transaction

# Looks per claim: where one brought too little because others claimed at the same time, or because
# jobs with keys had to be put into their places first.
MAX_LOOKS = 4
# When limits were locked by others: they hold them for some milliseconds.
CONTENTION_SECONDS = 0.02
PROMOTION_LOCK_CLASS = 0x6A7072  # "jpr"


@dataclass(frozen=True)
class Claim:
    """What a claim brought.

    :param list jobs: :class:`~.job.ClaimedJob`, in the order to be handed out
    :param retry_in: seconds until it is worth claiming again, though nothing is enqueued and nothing ends:
        a rate limit will allow more, or other workers were claiming under the same limit; None else
    """

    jobs: list
    retry_in: float | None = None


def claim_jobs(
    cursor, worker_id, worker_name, free, lookahead=0, channels=ALL_CHANNELS, *,
    fair=False, memory=None, line=1, executors=1, on_claimed=lambda jobs: None,
):  # fmt: skip
    """Claim jobs for ``free`` idle executors, and up to ``lookahead`` more.

    Jobs under a limit or with a concurrency key are claimed for idle executors alone: they are among
    the first ``free`` ones.

    :param cursor: psycopg2 cursor of a connection in autocommit
    :param channels: :class:`~.channels.ChannelFilter`
    :param bool fair: channels take turns, whatever their backlogs; priorities hold within a channel
    :param memory: :class:`~.memory.ClaimMemory` of the same worker, kept from claim to claim
    :param int line: so many jobs at most may stand in a line, to be run by one executor
    :param int executors: number of executors that share what is claimed
    :param on_claimed: callable that gets jobs as soon as they are claimed, while it is looked for more
    :return: :class:`Claim`
    """
    memory = memory or ClaimMemory()
    worker = {"worker_id": worker_id, "worker_name": worker_name, "line": line, "executors": executors}
    jobs, retry_in = [], None
    for _look_number in range(MAX_LOOKS):
        look = _look(cursor, memory, channels)
        attempt = _Attempt(cursor, worker, look, free - len(jobs), lookahead, fair, memory)
        claim = attempt.claim()
        if claim.jobs:
            on_claimed(claim.jobs)
        jobs += claim.jobs
        retry_in = claim.retry_in
        if len(jobs) >= free or not attempt.may_find_more:
            break
    if len(jobs) < free and _wake_stalled_keys(cursor, memory):
        retry_in = 0.0
    return Claim(jobs, retry_in)


def unserved_channels(cursor, stale_after_seconds):
    """Names of the channels that have ready jobs, but no worker that serves them.

    :param cursor: psycopg2 or Odoo cursor
    :param stale_after_seconds: a worker without a sign of life for so long doesn't count
    """
    heads = _look_once(cursor, ClaimMemory(), ALL_CHANNELS).heads
    cursor.execute(QUERIES["served_channels"], {"stale_after": stale_after_seconds})
    filters = [ChannelFilter.parse(text) for (text,) in cursor.fetchall()]
    return [head.channel for head in heads if not any(served.serves(head.channel) for served in filters)]


def promote_due_jobs(cursor, memory=None):
    """Make due scheduled jobs ready; return the seconds until the next one, or None.

    :param memory: :class:`~.memory.ClaimMemory` of the same worker
    """
    memory = memory or ClaimMemory()
    floor, seconds = _next_due(cursor, memory)
    if seconds is None or seconds > 0:
        return seconds
    cursor.execute(QUERIES["promote_due_jobs"], {"lock_class": PROMOTION_LOCK_CLASS, "floor": floor})
    memory.lower(Head(*position) for place, *position in cursor.fetchall() if place is None)
    if cursor.rowcount > 1:  # one is claimed here; for more, others may help
        cursor.execute(f"NOTIFY {CHANNEL}")
    elif not cursor.rowcount:
        return CONTENTION_SECONDS  # another worker is promoting
    return seconds_to_next_due(cursor, memory)


def seconds_to_next_due(cursor, memory=None):
    """Seconds until the next scheduled job is due, below 0 when it is already; None when there is none."""
    _floor, seconds = _next_due(cursor, memory or ClaimMemory())
    return seconds


def _next_due(cursor, memory):
    with memory.looking_for_due() as floor:
        run_query(cursor, "next_due", {"floor": floor or "-infinity"})
    scheduled_at, seconds = cursor.fetchone() or (None, None)
    memory.note_due(scheduled_at)
    return scheduled_at, seconds


@dataclass(frozen=True)
class _Look:
    """What is ready: the heads of the channels that are served, and what restricts them."""

    heads: list
    rooms: Rooms
    unplaced: bool | None

    @property
    def keyed(self):
        return self.unplaced is not None


def _look(cursor, memory, channels):
    look = _look_once(cursor, memory, channels)
    if look.unplaced:
        memory.lower(place_new_keys(cursor))
        look = _look_once(cursor, memory, channels)
    return look


def _look_once(cursor, memory, channels):
    known = memory.heads
    if known is None:
        with memory.walking():
            run_query(cursor, "look_for_jobs")
    else:
        run_query(cursor, "look_from_heads", _as_columns(known))
    heads, limited, unplaced, size = cursor.fetchone()
    note_size(cursor, size)
    heads = [Head(**head) for head in heads or ()]
    memory.remember(heads)
    rooms = read_rooms(cursor, memory=memory.running) if limited else Rooms([], {}, 0)
    return _Look([head for head in heads if channels.serves(head.channel)], rooms, unplaced)


def _wake_stalled_keys(cursor, memory):
    with memory.looking_for_stalled_keys() as due:
        woken = wake_stalled_keys(cursor) if due else []
    memory.lower(woken)
    return bool(woken)


class _Attempt:
    """One try to claim from what a look has seen."""

    def __init__(self, cursor, worker, look, free, lookahead, fair, memory):
        self._cursor = cursor
        self._worker = worker
        self._free = free
        self._count = free + lookahead
        self._fair = fair
        self._memory = memory
        self._look = look
        # Counted without a lock: what is full by it is full indeed, what isn't is counted again.
        self._heads = [head for head in look.heads if look.rooms.is_open(head.channel)]
        self.may_find_more = False

    def claim(self):
        rooms = self._look.rooms
        if not self._heads or self._count <= 0:
            return Claim([], self._retry_in(rooms))
        limited = any(rooms.is_limited(head.channel) for head in self._heads)
        if not (limited or self._look.keyed or self._fair):
            self.may_find_more = True
            return Claim(self._take(_as_columns(self._heads)), self._retry_in(rooms))
        try:
            return self._claim_in_transaction()
        except _CONFLICTS:
            # Another worker has just started a job of the same key, or waits for the same rows.
            self.may_find_more = True
            return Claim([], _contention())

    def _claim_in_transaction(self):
        wanted = {limit.id for head in self._heads for limit in self._look.rooms.limits_of(head.channel)}
        with transaction(self._cursor):
            locked = lock_limits(self._cursor, wanted)
            rooms = read_rooms(self._cursor, locked, self._memory.running)
            picked = pick_jobs(self._candidates(rooms), rooms, self._free, self._count)
            jobs = self._take(_as_columns(()), picked.ids, rooms) if picked.ids else []
            spend_rates(self._cursor, rooms, jobs)
        self._memory.note_served(job.channel for job in jobs)
        self._memory.lower(place_keys(self._cursor, picked.blocked_keys))
        self.may_find_more = bool(picked.blocked_keys) or len(jobs) < len(picked.ids)
        contended = locked != wanted and len(jobs) < self._free
        return Claim(jobs, _contention() if contended else self._retry_in(rooms))

    def _candidates(self, rooms):
        heads = [head for head in self._heads if rooms.is_open(head.channel)]
        run_query(self._cursor, "list_candidates", _as_columns(heads), window=self._window)
        candidates = [Candidate(*row) for row in self._cursor.fetchall()]
        if self._fair:
            return order_fairly(candidates, self._memory.served, rooms.running)
        return sorted(candidates, key=Candidate.rank)

    @property
    def _window(self):
        """How many jobs to look at: more than to claim, for others are claiming the first ones too.

        A power of two, so that few statements are prepared.
        """
        return 1 << (2 * self._count + 15).bit_length()

    def _take(self, columns, picked=(), rooms=None):
        limited = [head.channel for head in self._heads if rooms and rooms.is_limited(head.channel)]
        params = {**self._worker, **columns, "picked": list(picked), "limited": limited, "count": self._count}
        run_query(self._cursor, "claim_jobs", params, window=self._window)
        # UPDATE ... RETURNING gives the rows in any order.
        rows = sorted(_rows(self._cursor), key=lambda row: row["claim_token"])
        return [ClaimedJob(**{name: row[name] for name in COLUMNS}) for row in rows]

    def _retry_in(self, rooms):
        return rooms.retry_in(head.channel for head in self._look.heads)


_CONFLICTS = (
    psycopg2.errors.UniqueViolation,
    psycopg2.errors.DeadlockDetected,
    psycopg2.errors.LockNotAvailable,
)


def _contention():
    return CONTENTION_SECONDS * random.uniform(0.5, 1.5)


def _as_columns(heads):
    return {
        "channels": [head.channel for head in heads],
        "priorities": [head.priority for head in heads],
        "due_ats": [head.due_at for head in heads],
        "ids": [head.id for head in heads],
    }


def _rows(cursor):
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
