"""Stacks of executors, asked for by SIGUSR1, gathered from their pipes and written to the log."""

import logging
import os
import selectors
import time

_logger = logging.getLogger(__name__)

# A stack comes in many small writes: it is complete so long after the first.
_GATHER_SECONDS = 0.2


class StackLog:
    """Gathers what executors write when they are asked what they do.

    :param selector: the supervisor's
    """

    def __init__(self, selector):
        self._selector = selector
        self._watched = set()
        self._texts = {}
        self.next_deadline = float("inf")

    def watch(self, executor):
        os.set_blocking(executor.stack_reader, False)
        self._selector.register(executor.stack_reader, selectors.EVENT_READ, lambda: self._read(executor))
        self._watched.add(executor.pid)

    def forget(self, executor):
        if executor.pid in self._watched:
            self._watched.remove(executor.pid)
            self._selector.unregister(executor.stack_reader)

    def flush(self):
        """Log the stacks that are complete."""
        if time.monotonic() < self.next_deadline:
            return
        for pid, (headline, text) in self._texts.items():
            _logger.info("Executor %d %s\n%s", pid, headline, _own_part(text.decode(errors="replace")))
        self._texts.clear()
        self.next_deadline = float("inf")

    def _read(self, executor):
        data = os.read(executor.stack_reader, 65536)
        if not data:
            self.forget(executor)  # it has ended; the pool sees that by other means
            return
        headline, text = self._texts.get(executor.pid, (describe(executor), b""))
        self._texts[executor.pid] = headline, text + data
        self.next_deadline = min(self.next_deadline, time.monotonic() + _GATHER_SECONDS)


def describe(executor):
    """What an executor does, in words."""
    if not executor.busy:
        return "is idle:"
    job = executor.job
    return f"runs job {job.uuid} ({job.channel}) {job.model_name}.{job.method_name} for {executor.seconds:.1f} s:"


def _own_part(text):
    """A stack without the part that each executor has of its parents, from before the fork."""
    lines = text.rstrip().splitlines()
    last = next((number for number, line in enumerate(lines) if line.endswith("in run_child")), len(lines))
    return "\n".join(lines[:last])
