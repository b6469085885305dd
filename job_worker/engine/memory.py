"""What a worker remembers from claim to claim, so that a snapshot held open elsewhere costs little: see pace.py."""

import time
from contextlib import contextmanager
from typing import NamedTuple

from .pace import PAUSE_FACTOR, Pace
from .running import RunningMemory

# Between two looks for keys of which nobody is first, unless something has come.
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
    ``running`` is the :class:`~.running.RunningMemory` of limits.
    """

    def __init__(self, clock=time.monotonic):
        self.served = {}
        self.running = RunningMemory(clock)
        self._turn = 0
        self._heads = {}
        self._heads_pace = Pace(clock)
        self._due_floor = None
        self._due_pace = Pace(clock)
        self._keys_pace = Pace(clock, KEYS_PAUSE_SECONDS)

    def doubt(self):
        """Something was enqueued or put back, perhaps before the remembered jobs."""
        self._heads_pace.hurry()
        self._keys_pace.hurry(PAUSE_FACTOR)
        self.doubt_due()

    def doubt_due(self):
        """Something was scheduled, perhaps before the remembered time."""
        self._due_pace.hurry()

    # -- the first ready job of each channel ------------------------------------------

    @property
    def heads(self):
        """The remembered :class:`Head` of each channel, or None when it is time for a full walk."""
        return None if self._heads_pace.is_due else list(self._heads.values())

    @contextmanager
    def walking(self):
        """Around a full walk, which forgets what was remembered before."""
        with self._heads_pace.walking():
            yield
        self._heads = {}

    def remember(self, heads):
        self._heads.update((head.channel, head) for head in heads)
        self.running.see(head.channel for head in heads)

    def lower(self, heads):
        """These jobs have just become ready, perhaps before the remembered ones."""
        for head in heads:
            known = self._heads.get(head.channel)
            if known is None or head.position < known.position:
                self._heads[head.channel] = head

    def note_served(self, channels):
        self._turn += 1
        self.served.update(dict.fromkeys(channels, self._turn))

    # -- the first scheduled job --------------------------------------------------------

    @contextmanager
    def looking_for_due(self):
        """Gives the time (text) from which on to look for scheduled jobs; None for a full walk, which is timed."""
        if not self._due_pace.is_due:
            yield self._due_floor
            return
        with self._due_pace.walking():
            yield None

    def note_due(self, scheduled_at):
        """The first scheduled job is due then (text), and from there on the next looks begin; None: there is none."""
        self._due_floor = scheduled_at or self._due_floor

    # -- keys of which nobody is first ----------------------------------------------------

    @contextmanager
    def looking_for_stalled_keys(self):
        """Gives whether it is time to look for them, and times it."""
        if not self._keys_pace.is_due:
            yield False
            return
        with self._keys_pace.walking():
            yield True
