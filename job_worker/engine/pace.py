"""When to walk an index from its begin.

While a report, a dump or an idle transaction keeps an old snapshot, an index keeps the entries of all jobs that
have left it since, and each walk from the begin passes them. So where a walk takes long, the next ones start where
the last one ended, and a full walk comes now and then, to find what has come before that point.
"""

import time
from contextlib import contextmanager

# A full walk that is quicker is made each time.
QUICK_SECONDS = 0.003
# Else the time between two full walks, in multiples of what one takes, and at most this.
PAUSE_FACTOR = 20
PAUSE_FACTOR_WHEN_TOLD = 4
MAX_PAUSE_SECONDS = 30.0


class Pace:
    """Times the full walks of one kind.

    :param clock: callable giving monotonic seconds
    :param float least_pause: seconds between two walks, however quick they are, unless one is asked for
    """

    def __init__(self, clock=time.monotonic, least_pause=0.0):
        self.clock = clock
        self._least_pause = least_pause
        self._ended_at = self._seconds = 0.0
        self._due_at = float("-inf")

    @property
    def is_due(self):
        return self.clock() >= self._due_at

    def hurry(self, factor=PAUSE_FACTOR_WHEN_TOLD):
        """Something may have come before the point where the last walk ended: walk again soon."""
        self._due_at = min(self._due_at, self._ended_at + factor * self._seconds)

    @contextmanager
    def walking(self):
        """Around a full walk, to time it."""
        started = self.clock()
        yield
        self._ended_at = self.clock()
        self._seconds = self._ended_at - started
        pause = min(PAUSE_FACTOR * self._seconds, MAX_PAUSE_SECONDS) if self._seconds > QUICK_SECONDS else 0.0
        self._due_at = self._ended_at + max(pause, self._least_pause)
