"""The executors of one supervisor: kept at their number, timed, reaped."""

import logging
import os
import selectors
from dataclasses import dataclass

from ..job import ClaimedJob
from .executor import Executor
from .signals import describe_exit

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Death:
    """A child that ended with a job: which, how (in words), and whether it was killed for its timeout."""

    pid: int
    job: ClaimedJob
    how: str
    overran: bool


class ExecutorPool:
    """Forks executors and watches them.

    What the supervisor has still to write stands in two lists, which it empties: ``ended``
    (jobs whose end their executor wrote) and ``deaths`` (:class:`Death`).

    :param selector: the supervisor's, to wake it when a child has something to say
    :param perform: callable that runs one claimed job in a child
    :param before_fork: callable that lets go of what a child must not inherit
    :param in_child: callable that detaches a child from what was inherited all the same
    """

    def __init__(self, selector, perform, before_fork, in_child):
        self.ended = []
        self.deaths = []
        self._executors = {}
        self._selector = selector
        self._perform = perform
        self._before_fork = before_fork
        self._in_child = in_child

    def __iter__(self):
        return iter(list(self._executors.values()))

    @property
    def idle(self):
        return [executor for executor in self if executor.idle]

    @property
    def busy(self):
        return [executor for executor in self if not executor.idle]

    @property
    def next_deadline(self):
        """When :meth:`enforce_timeouts` has something to do (monotonic seconds), or infinity."""
        return min((executor.deadline for executor in self if executor.deadline is not None), default=float("inf"))

    def fill(self, size):
        """Fork executors up to ``size``; True when there was one to fork."""
        missing = len(self._executors) < size
        while len(self._executors) < size:
            self._before_fork()
            executor = Executor.fork(self._perform, self._let_go_in_child)
            self._executors[executor.pid] = executor
            self._selector.register(executor, selectors.EVENT_READ, lambda e=executor: self._collect(e))
        return missing

    def enforce_timeouts(self, grace_seconds):
        for executor in self:
            executor.enforce_timeout(grace_seconds)

    def reap(self):
        for executor in self:
            pid, status = os.waitpid(executor.pid, os.WNOHANG)
            if pid:
                self._bury(executor, status)

    def kill_busy(self):
        for executor in self.busy:
            executor.kill()

    def close(self):
        """End all: idle children by themselves, busy ones by force.

        :return: the jobs that were running, with the process id that had each
        """
        interrupted = [(executor.pid, executor.job) for executor in self.busy]
        for executor in self:
            executor.close()
            if not executor.idle:
                executor.kill()
            os.waitpid(executor.pid, 0)
        self._executors.clear()
        return interrupted

    def _collect(self, executor):
        job = executor.job
        if executor.collect():
            self.ended.append(job)
        else:
            # The pipe is closed: wait for the process, or each turn would find it readable again.
            _pid, status = os.waitpid(executor.pid, 0)
            self._bury(executor, status)

    def _bury(self, executor, status):
        self._selector.unregister(executor)
        executor.close()
        del self._executors[executor.pid]
        how = describe_exit(status)
        if executor.idle:
            _logger.warning("Executor %d %s while idle", executor.pid, how)
        else:
            self.deaths.append(Death(executor.pid, executor.job, how, executor.overran))

    def _let_go_in_child(self):
        self._in_child()
        self._selector.close()
        for executor in self:
            executor.close()
