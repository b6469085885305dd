"""When each step of a loop is due, in monotonic seconds."""

import time


class Schedule:
    """Due times by the names of steps; all are due at once at the start."""

    def __init__(self, *names):
        self._due = dict.fromkeys(names, 0.0)

    def is_due(self, name):
        return time.monotonic() >= self._due[name]

    def next(self, *names):
        """The earliest due time of ``names``."""
        return min(self._due[name] for name in names)

    def again(self, name, seconds):
        """The step is due again in ``seconds``."""
        self._due[name] = time.monotonic() + seconds

    def now(self, *names):
        for name in names:
            self._due[name] = 0.0
