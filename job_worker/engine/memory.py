"""What a worker remembers from claim to claim, so that a snapshot held open elsewhere costs little.

While a report, a dump or an idle transaction keeps an old snapshot, the index entries of all jobs
that were claimed since stay, and each walk from the begin of the index passes them. So where a walk
takes long, the next ones begin at the first job of the last one; a full walk comes now and then,
to find what has come before that point: more urgent jobs, jobs that were put back, new channels.
"""

import time
from contextlib import contextmanager
from typing import NamedTuple

# A full walk that is quicker is made each time.
QUICK_SECONDS = 0.003
# Else the time between two full walks, in multiples of what one takes, and at most this.
PAUSE_FACTOR = 20
PAUSE_FACTOR_WHEN_TOLD = 4
MAX_PAUSE_SECONDS = 30.0
# The same for the look for keys of which nobody is first.
KEYS_PAUSE_SECONDS = 1.0


class Head(NamedTuple):
    """The first ready job of a channel; ``due_at`` as text, as in PostgreSQL's JSON."""

    channel: str
    priority: int
    due_at: str
    id: int

    @property
    def position(self):
        # ISO texts of one form are in the order of what they say, and "-infinity" comes first.
        return self.priority, self.due_at, self.id


class ClaimMemory:
    """Kept by a worker and given to each of its claims.

    ``served`` is for fair shares: channel to the number of the claim that served it last.
    """

    def __init__(self, clock=time.monotonic):
        self.served = {}
        self._turn = 0
        self._clock = clock
        self._heads = {}
        self._walked_at = self._walk_seconds = 0.0
        self._walk_due = self._keys_due = float("-inf")

    def doubt(self):
        """Something was enqueued or put back, perhaps before the remembered jobs: walk again soon."""
        self._walk_due = min(self._walk_due, self._walked_at + PAUSE_FACTOR_WHEN_TOLD * self._walk_seconds)

    @property
    def heads(self):
        """The remembered :class:`Head` of each channel, or None when it is time for a full walk."""
        return None if self._clock() >= self._walk_due else list(self._heads.values())

    @contextmanager
    def walking(self):
        """Around a full walk: time it, and forget what was remembered before."""
        started = self._clock()
        yield
        self._walked_at = self._clock()
        self._walk_seconds = self._walked_at - started
        pause = min(PAUSE_FACTOR * self._walk_seconds, MAX_PAUSE_SECONDS)
        self._walk_due = self._walked_at + (pause if self._walk_seconds > QUICK_SECONDS else 0.0)
        self._heads = {}

    def remember(self, heads):
        self._heads.update((head.channel, head) for head in heads)

    def lower(self, heads):
        """These jobs have just become ready, perhaps before the remembered ones."""
        for head in heads:
            known = self._heads.get(head.channel)
            if known is None or head.position < known.position:
                self._heads[head.channel] = head

    def note_served(self, channels):
        self._turn += 1
        self.served.update(dict.fromkeys(channels, self._turn))

    @contextmanager
    def looking_for_stalled_keys(self):
        """Gives whether it is time to look for them, and times it."""
        started = self._clock()
        due = started >= self._keys_due
        yield due
        if due:
            ended = self._clock()
            self._keys_due = ended + max(KEYS_PAUSE_SECONDS, PAUSE_FACTOR * (ended - started))
