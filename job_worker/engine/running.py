"""How many jobs of each channel run, counted from where the last count ended; see :mod:`.pace` for the why.

A worker remembers of each channel which jobs ran when it counted, and the last claim token that was given out by
then. Jobs claimed later have higher tokens, so the next count looks at those and at the remembered ones only.

For a channel with limits that is exact, for what is remembered was counted under the locks of all its limits,
when nobody else was claiming in it. What is known of other channels may lack a job, and restricts nothing.
"""

import time

from .pace import Pace

# After limits have come or gone, a claim that didn't know of them may still be on its way.
SETTLE_SECONDS = 5.0
# Sorts before all names of channels: what lies between two known channels is counted as well.
_BEFORE_ALL = ""


class RunningMemory:
    """Kept by a worker, as part of its :class:`~.memory.ClaimMemory`.

    :param clock: callable giving monotonic seconds
    """

    def __init__(self, clock=time.monotonic):
        self._pace = Pace(clock)
        self._clock = clock
        self._seen = set()
        self._tokens = {}
        self._jobs = {}
        self._limits = None
        self._settled_at = float("-inf")

    def see(self, channels):
        """There are jobs of these channels."""
        self._seen.update(channels)

    def count(self, fetch):
        """Run a count and return what it found.

        :param fetch: callable that takes the parameters of ``read_limits`` and returns its row
        """
        if self._pace.is_due or not self._tokens:
            with self._pace.walking():
                return fetch(_parameters({}, {}))
        # Channels without a token are known as well: what lies between others is counted from its begin.
        return fetch(_parameters(self._tokens, self._jobs))

    def is_outdated(self, limits):
        """Whether limits have come or gone since the last count, which is then to be repeated.

        :param limits: set of ``(id, name)``
        """
        if limits == self._limits:
            return False
        self._limits = limits
        self._settled_at = self._clock() + SETTLE_SECONDS
        outdated = bool(self._tokens)
        self._tokens, self._jobs = {}, {}
        return outdated

    def note(self, running, last_token, is_exact):
        """Remember a count.

        :param running: ``(id, channel, claim token)`` of each running job
        :param int last_token: the last one that was given out
        :param is_exact: callable telling whether the count of a channel is
        """
        if self._clock() < self._settled_at:
            return
        self.see(channel for _id, channel, _token in running)
        for channel in filter(is_exact, self._seen):
            self._tokens[channel] = last_token
            self._jobs[channel] = {}
        for id_, channel, token in running:
            if token is not None and self._tokens.get(channel) == last_token:
                self._jobs[channel][id_] = token


def _parameters(tokens, jobs):
    known = [job for of_channel in jobs.values() for job in of_channel.items()]
    return {
        "channels": [_BEFORE_ALL, *tokens],
        "tokens": [0, *tokens.values()],
        "ids": [id_ for id_, _token in known],
        "claim_tokens": [token for _id, token in known],
    }
