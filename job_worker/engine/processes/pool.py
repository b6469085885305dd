"""The executors of one supervisor: kept at their number, timed, replaced, reaped."""

import logging
import os
import selectors
import time
from dataclasses import dataclass

from ..job import ClaimedJob
from .child import STALE, TOO_BIG, ChildRules
from .executor import Executor
from .lookahead import AHEAD_SECONDS
from .signals import describe_exit
from .stacks import StackLog

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Death:
    """A child that ended with a job: which, how (in words), after how many seconds of the job.

    ``stopping`` is the reason for which the parent was stopping the job, or None. ``others`` are the jobs of
    the same transaction, which is rolled back, or those that were to follow.
    """

    pid: int
    job: ClaimedJob
    others: list
    how: str
    seconds: float
    stopping: str | None


class ExecutorPool:
    """Forks executors and watches them.

    What the supervisor has still to write stands in two lists, which it empties: ``ended``
    (jobs whose end their executor wrote) and ``deaths`` (:class:`Death`). ``stale`` is set once an
    executor has found that the models changed.

    :param selector: the supervisor's, to wake it when a child has something to say
    :param settings: :class:`~..config.WorkerSettings`
    :param perform: callable that runs one claimed job in a child
    :param before_fork: callable that lets go of what a child must not inherit
    :param in_child: callable that detaches a child from what was inherited all the same
    """

    def __init__(self, selector, settings, perform, before_fork, in_child):
        self.ended = []
        self.deaths = []
        self.stale = False
        self.average_seconds = None
        self._executors = {}
        self._selector = selector
        self._settings = settings
        self._rules = ChildRules(settings.limit_memory_soft, settings.limit_memory_hard)
        self._perform = perform
        self._before_fork = before_fork
        self._in_child = in_child
        self._stacks = StackLog(selector)

    def __iter__(self):
        return iter(list(self._executors.values()))

    @property
    def idle(self):
        return [executor for executor in self if executor.idle]

    @property
    def busy(self):
        return [executor for executor in self if executor.busy]

    @property
    def claims(self):
        """``{job id: claim token}`` of the jobs that are in here, those of unwritten deaths included."""
        jobs = [job for executor in self.busy for job in executor.jobs]
        jobs += [job for death in self.deaths for job in (death.job, *death.others)]
        return {job.id: job.claim_token for job in jobs}

    @property
    def next_deadline(self):
        """When one of the timed steps has something to do (monotonic seconds), or infinity."""
        deadlines = (executor.deadline for executor in self if executor.deadline is not None)
        return min(deadlines, default=float("inf"))

    @property
    def next_dump(self):
        return self._stacks.next_deadline

    def fill(self, size):
        """Fork executors up to ``size``; True when there was one to fork."""
        missing = size - sum(not executor.retired for executor in self)
        for _number in range(missing):
            self._before_fork()
            recycle = self._settings.recycle_after_jobs
            executor = Executor.fork(self._perform, self._let_go_in_child, self._rules, recycle)
            self._executors[executor.pid] = executor
            self._selector.register(executor, selectors.EVENT_READ, lambda e=executor: self._collect(e))
            self._stacks.watch(executor)
        return missing > 0

    def count_quick(self):
        """Number of executors that are idle or have been at their job for a moment only."""
        return sum(executor.idle or (executor.busy and executor.seconds < AHEAD_SECONDS) for executor in self)

    @property
    def next_recall(self):
        """When jobs that wait in an executor will have waited too long (monotonic seconds), or infinity."""
        return min((executor.recall_at for executor in self), default=float("inf"))

    def recall(self, at_once=False):
        """Take back the jobs that wait in executors for others: those that have waited too long, or all.

        What has ended before them in their lines is noted, for that would wait as long to be passed on.
        """
        now = time.monotonic()
        recalled = []
        for executor in self:
            if executor.recall_at <= now or (at_once and executor.busy):
                recalled += executor.recall()
                self.ended += executor.take_ended()
        return recalled

    def enforce_timeouts(self):
        for executor in self:
            executor.enforce_timeout(self._settings.timeout_grace_seconds)

    def interrupt(self, job_id, reason):
        """Stop the running job ``job_id``: by an exception, and by force when that doesn't help in time.

        One that waits for its turn in a batch is left alone: ask again.
        """
        for executor in self.busy:
            if executor.job.id == job_id:
                executor.interrupt(reason, self._settings.timeout_grace_seconds)

    def reap(self):
        for executor in self:
            pid, status = os.waitpid(executor.pid, os.WNOHANG)
            if pid:
                self._bury(executor, status)

    def kill_busy(self):
        for executor in self.busy:
            executor.kill()

    def ask_for_stacks(self):
        """Let each executor write what it does; :meth:`log_stacks` logs that when it is there."""
        for executor in self:
            executor.ask_for_stack()

    def log_stacks(self):
        self._stacks.flush()

    def close(self):
        """End all: idle children by themselves, busy ones by force.

        :return: list of ``(process id, its jobs)`` that were running
        """
        interrupted = [(executor.pid, executor.jobs) for executor in self.busy]
        for executor in self:
            executor.close()
            if executor.busy:
                executor.kill()
            os.waitpid(executor.pid, 0)
        self._executors.clear()
        return interrupted

    def _collect(self, executor):
        jobs, seconds = executor.jobs, executor.seconds
        word = executor.collect()
        if word is None:
            # The pipe is closed: wait for the process, or each turn would find it readable again.
            _pid, status = os.waitpid(executor.pid, 0)
            self._bury(executor, status)
            return
        self.ended += jobs
        self._learn(seconds / len(jobs))
        self.stale = self.stale or word == STALE
        if word != TOO_BIG and executor.jobs_left > 0:
            return
        if word == TOO_BIG:
            _logger.info("Executor %d is replaced: its memory is above limit_memory_soft", executor.pid)
        self._retire(executor)

    def _learn(self, seconds):
        """Keep the running average of what jobs take: a tenth of it is news."""
        self.average_seconds = seconds if self.average_seconds is None else 0.9 * self.average_seconds + 0.1 * seconds

    def _retire(self, executor):
        executor.retired = True
        self._let_go(executor)

    def _bury(self, executor, status):
        del self._executors[executor.pid]
        if executor.retired:
            return
        self._let_go(executor)
        how = describe_exit(status)
        if executor.busy:
            self.ended += executor.take_ended()
            job = executor.job
            others = [other for other in executor.jobs if other is not job]
            self.deaths.append(Death(executor.pid, job, others, how, executor.seconds, executor.stopping))
        else:
            _logger.warning("Executor %d %s while idle", executor.pid, how)

    def _let_go(self, executor):
        self._selector.unregister(executor)
        self._stacks.forget(executor)
        executor.close()

    def _let_go_in_child(self):
        self._in_child()
        self._selector.close()
        for executor in self:
            executor.close()
