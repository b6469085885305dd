"""The supervisor: one event loop that claims jobs and hands them to executors.

One thread, one control connection (autocommit). Each turn of the loop is the list of
steps in :meth:`Supervisor._turn`; it sleeps on the connection (NOTIFY), the executors'
pipes and the signals until something happens or the next thing is due.
"""

import logging
import os
import selectors
import socket
import time

import psycopg2

from ..claim import claim_jobs, promote_due_jobs
from ..dependencies import release_dependents, sweep_dependents
from ..notifier import CHANNEL
from ..rescue import rescue_orphans
from ..retry import Retry, decide_retry
from ..store import JobFailure, apply_decision, release_job
from ..workers import end_sessions, heartbeat, register_worker, unregister_worker
from .executor import Executor
from .signals import SignalInbox, describe_exit

_logger = logging.getLogger(__name__)

# How often it is looked for ended jobs whose dependents a crash has left waiting.
SWEEP_INTERVAL_SECONDS = 30.0


class Supervisor:
    """Serves one database until it is asked to stop.

    :param settings: :class:`~..config.WorkerSettings`
    :param connect: callable returning a new psycopg2 connection to the database
    :param perform: callable that runs one claimed job in an executor and writes its outcome
    :param str version: version of job_worker, shown in the workers' list
    :param before_fork: callable that lets go of what a child must not inherit
    :param session_name: callable giving the ``application_name`` of the sessions of a process id, or None
    """

    def __init__(self, settings, connect, perform, *, version, before_fork=lambda: None, session_name=lambda pid: None):
        self.settings = settings
        self.worker_id = None
        self._connect = connect
        self._perform = perform
        self._version = version
        self._before_fork = before_fork
        self._session_name = session_name
        self._hostname = socket.gethostname()
        self._name = f"{self._hostname}:{os.getpid()}"
        self._signals = SignalInbox()
        self._selector = selectors.DefaultSelector()
        self._executors = {}
        self._connection = None
        self._next_promotion = 0.0
        self._next_heartbeat = 0.0
        self._next_sweep = 0.0
        self._ended_parents = []
        self._stop_deadline = None

    def run(self):
        """Claim and run jobs until SIGTERM, SIGINT or :meth:`stop`."""
        self._start()
        try:
            while not self._finished():
                self._turn()
        finally:
            self._shut_down()

    def stop(self):
        """Ask for a graceful stop, from any thread; a second call stops at once."""
        self._signals.stop_requests += 1
        self._signals.wake()

    # -- the loop -------------------------------------------------------------------

    def _turn(self):
        self._wait()
        self._obey_signals()
        self._reap_children()
        self._enforce_timeouts()
        self._spawn_missing()
        self._show_signs_of_life()
        self._release_dependents()
        self._promote()
        self._claim_for_idle()

    def _start(self):
        self._signals.install()
        self._selector.register(self._signals, selectors.EVENT_READ, self._signals.drain)
        self._connection = self._connect()
        self._connection.autocommit = True
        self._selector.register(self._connection, selectors.EVENT_READ, self._read_notifications)
        with self._connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        self.worker_id = register_worker(
            self._connection,
            name=self._name,
            hostname=self._hostname,
            pid=os.getpid(),
            version=self._version,
            concurrency=self.settings.concurrency,
        )
        _logger.info("Worker %s serves with %d executors", self._name, self.settings.concurrency)

    def _finished(self):
        if self._stop_deadline is None:
            return False
        return not self._busy() or time.monotonic() >= self._stop_deadline

    def _obey_signals(self):
        requests = self._signals.stop_requests
        if requests and self._stop_deadline is None:
            grace = self.settings.shutdown_grace_seconds
            self._stop_deadline = time.monotonic() + grace
            _logger.info("Stopping: %d running jobs get %g s to end", len(self._busy()), grace)
        if requests > 1:
            self._stop_deadline = 0.0

    def _reap_children(self):
        for executor in list(self._executors.values()):
            pid, status = os.waitpid(executor.pid, os.WNOHANG)
            if pid:
                self._forget(executor)
                self._account_for_death(executor, describe_exit(status))

    def _enforce_timeouts(self):
        for executor in self._executors.values():
            executor.enforce_timeout(self.settings.timeout_grace_seconds)

    def _spawn_missing(self):
        if self._stop_deadline is not None:
            return
        while len(self._executors) < self.settings.concurrency:
            self._before_fork()
            executor = Executor.fork(self._perform, self._let_go_in_child)
            self._executors[executor.pid] = executor
            self._selector.register(executor, selectors.EVENT_READ, lambda e=executor: self._collect(e))

    def _show_signs_of_life(self):
        if time.monotonic() < self._next_heartbeat:
            return
        if not heartbeat(self._connection, self.worker_id):
            raise LostWorkerError(f"Another worker declared {self._name} dead and took over its jobs")
        for uuid, decision in rescue_orphans(self._connection, self.settings.max_backoff_seconds):
            _logger.warning("Job %s: rescued from a dead worker, %s", uuid, _in_words(decision))
        self._next_heartbeat = time.monotonic() + self.settings.heartbeat_interval_seconds

    def _release_dependents(self):
        sweep = time.monotonic() >= self._next_sweep
        if not (sweep or self._ended_parents):
            return
        with self._connection.cursor() as cursor:
            ready = release_dependents(cursor, self._ended_parents)
            if sweep:
                ready += sweep_dependents(cursor)
                self._next_sweep = time.monotonic() + SWEEP_INTERVAL_SECONDS
            if ready > 1:  # one is claimed here in this turn; for more, others may help
                cursor.execute(f"NOTIFY {CHANNEL}")
        self._ended_parents = []

    def _promote(self):
        if time.monotonic() < self._next_promotion:
            return
        with self._connection.cursor() as cursor:
            seconds = promote_due_jobs(cursor)
        sleep = self.settings.poll_timeout if seconds is None else min(max(seconds, 0), self.settings.poll_timeout)
        self._next_promotion = time.monotonic() + sleep

    def _claim_for_idle(self):
        idle = [executor for executor in self._executors.values() if executor.idle]
        if not idle or self._stop_deadline is not None:
            return
        with self._connection.cursor() as cursor:
            jobs = claim_jobs(cursor, self.worker_id, self._name, len(idle))
        for executor, job in zip(idle, jobs, strict=False):
            # A child that died meanwhile keeps the job; its death is accounted for when reaped.
            executor.start(job)

    def _wait(self):
        wakes = [self._next_heartbeat, self._next_promotion, self._next_sweep]
        wakes += [executor.deadline for executor in self._executors.values() if executor.deadline is not None]
        if self._stop_deadline is not None:
            wakes.append(self._stop_deadline)
        timeout = max(0.0, min(wakes) - time.monotonic())
        for key, _events in self._selector.select(timeout):
            key.data()

    # -- what the loop reacts to ----------------------------------------------------

    def _read_notifications(self):
        self._connection.poll()
        self._connection.notifies.clear()
        self._next_promotion = 0.0  # what was enqueued may be due before what we wait for

    def _collect(self, executor):
        job = executor.job
        if executor.collect():
            if job.has_dependents:
                self._ended_parents.append(job.id)
            self._next_promotion = 0.0  # the job may have been put off for a moment only
        else:
            # The pipe is closed: wait for the process, or each turn would find it readable again.
            _pid, status = os.waitpid(executor.pid, 0)
            self._forget(executor)
            self._account_for_death(executor, describe_exit(status))

    def _forget(self, executor):
        self._selector.unregister(executor)
        executor.close()
        del self._executors[executor.pid]

    def _account_for_death(self, executor, how):
        job = executor.job
        if job is None:
            _logger.warning("Executor %d %s while idle", executor.pid, how)
            return
        decision = decide_retry(job, self.settings.max_backoff_seconds)
        if job.has_dependents:
            self._ended_parents.append(job.id)
        failure = _death(job, executor, how)
        with self._connection.cursor() as cursor:
            self._end_sessions(cursor, executor)
            # No row when the job had committed its end just before the death.
            if apply_decision(cursor, job, decision, failure):
                _logger.error("Job %s: its executor %d %s, %s", job.uuid, executor.pid, how, _in_words(decision))

    # -- the end --------------------------------------------------------------------

    def _busy(self):
        return [executor for executor in self._executors.values() if not executor.idle]

    def _shut_down(self):
        for executor in list(self._executors.values()):
            self._end(executor)
        try:
            unregister_worker(self._connection, self.worker_id)
            self._connection.close()
        except psycopg2.Error:
            _logger.info("The connection was lost: other workers will see that this one is gone")
        self._selector.close()
        self._signals.uninstall()
        self._signals.close()
        _logger.info("Worker %s stopped", self._name)

    def _end(self, executor):
        executor.close()
        if executor.idle:
            os.waitpid(executor.pid, 0)
            return
        executor.kill()
        os.waitpid(executor.pid, 0)
        try:
            with self._connection.cursor() as cursor:
                self._end_sessions(cursor, executor)
                if release_job(cursor, executor.job):
                    _logger.warning("Job %s: stopped by the shutdown and put back, uncharged", executor.job.uuid)
        except psycopg2.Error:
            _logger.warning("Job %s: stopped by the shutdown; another worker will rescue it", executor.job.uuid)

    def _end_sessions(self, cursor, executor):
        if name := self._session_name(executor.pid):
            end_sessions(cursor, name)

    def _let_go_in_child(self):
        """Detach a fresh child from everything of the parent's that was copied by the fork."""
        # The socket of the control connection must not stay open in a child (its session
        # lock would outlive the parent), nor be closed by libpq, which would end the
        # parent's session. Pointing it at /dev/null does neither.
        devnull = os.open(os.devnull, os.O_RDWR)
        os.dup2(devnull, self._connection.fileno())
        os.close(devnull)
        self._signals.close()
        self._selector.close()
        for executor in self._executors.values():
            executor.close()


class LostWorkerError(Exception):
    """This worker was declared dead while it lived; its claims belong to others now."""


def _death(job, executor, how):
    if executor.overran:
        return JobFailure(
            "TimeoutJobError", f"The job ran longer than its timeout of {job.timeout} s and had to be killed."
        )
    return JobFailure("ExecutorDied", f"The process that ran this job was {how}.")


def _in_words(decision):
    if isinstance(decision, Retry):
        return f"runs again in {decision.seconds:g} s"
    return "failed for good"
