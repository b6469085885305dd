"""How many jobs the limits of channels let start now: pure functions of numbers.

A rate is kept by the generic cell rate algorithm (ITU-T I.371): each limit has a theoretical
arrival time (TAT), which every start moves on by ``1 / rate`` and which may be ahead of the
clock by ``burst`` starts. So in any window of t seconds at most ``rate * t + burst`` jobs start.
"""

import math
from dataclasses import dataclass

from .channels import ROOT, lineage

UNLIMITED = -1
MICROSECONDS = 1_000_000


@dataclass(frozen=True)
class Limit:
    """A row of ``queue_limit`` with its state.

    :param int limit: jobs that may run at the same time, or :data:`UNLIMITED`
    :param float rate_limit: jobs per second, 0 for any number
    :param int burst: jobs that may start at once after a pause, from 1
    :param tat: theoretical arrival time, microseconds since 1970, None before the first start
    """

    id: int
    name: str
    limit: int
    rate_limit: float
    burst: int
    paused: bool
    tat: int | None = None

    @property
    def restricts(self):
        return bool(self.paused or self.limit != UNLIMITED or self.rate_limit)

    @property
    def interval(self):
        """Microseconds between two starts at the full rate."""
        return math.ceil(MICROSECONDS / self.rate_limit)

    @property
    def span(self):
        """Microseconds that the TAT may be ahead of the clock, after a start."""
        return self.interval * max(self.burst, 1)

    def room(self, running, now):
        """How many jobs may start.

        :param int running: jobs that run in the channel and below it
        :param int now: the server's clock, microseconds since 1970
        :return: ``(number, seconds)``: a number or infinity, and when the rate allows the next start
            after that, from now, or None
        """
        if self.paused:
            return 0, None
        slots = math.inf if self.limit == UNLIMITED else max(self.limit - running, 0)
        if not self.rate_limit:
            return slots, None
        ahead = max((self.tat or 0) - now, 0)
        if ahead > self.span:  # set by a slower rate, before it was edited: the new one holds at once
            ahead = 0
        allowed = (self.span - ahead) // self.interval
        wait = (ahead + (min(allowed, slots) + 1) * self.interval - self.span) / MICROSECONDS
        return min(allowed, slots), (wait if slots > allowed else None)


class Rooms:
    """What all limits together leave room for, while jobs are being picked.

    :param limits: the :class:`Limit` of each row
    :param dict running: channel to its number of running jobs
    :param int now: see :meth:`Limit.room`
    :param closed: ids of limits under which nothing may start
    """

    def __init__(self, limits, running, now, closed=()):
        self.running = running
        self.limits = {limit.name: limit for limit in limits if limit.restricts}
        self._left = {}
        self._of_channel = {}
        self.waits = {}
        below = _count_below(running)
        for name, limit in self.limits.items():
            self._left[name], self.waits[name] = limit.room(below.get(name, 0), now)
            if limit.id in closed:
                self._left[name], self.waits[name] = 0, None

    def limits_of(self, channel):
        """The limits that hold for ``channel``."""
        if channel not in self._of_channel:
            self._of_channel[channel] = [self.limits[name] for name in lineage(channel) if name in self.limits]
        return self._of_channel[channel]

    def is_limited(self, channel):
        return bool(self.limits_of(channel))

    def is_open(self, channel):
        """Whether one more job of ``channel`` may start."""
        return all(self._left[limit.name] > 0 for limit in self.limits_of(channel))

    def take(self, channel):
        """Count one more job of ``channel``."""
        for limit in self.limits_of(channel):
            self._left[limit.name] -= 1

    def retry_in(self, channels):
        """Seconds until the passing of time lets a job of ``channels`` start; None when it can't or needn't."""
        return min((wait for wait in map(self._wait, channels) if wait is not None), default=None)

    def _wait(self, channel):
        waits = [self.waits[limit.name] for limit in self.limits_of(channel) if self._left[limit.name] <= 0]
        return max(waits) if waits and None not in waits else None


def _count_below(running):
    below = {ROOT: 0}
    for channel, count in running.items():
        for name in lineage(channel):
            below[name] = below.get(name, 0) + count
    return below
