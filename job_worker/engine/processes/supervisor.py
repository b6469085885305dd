"""The supervisor: one event loop that claims jobs and hands them to executors.

One thread, one control connection. Each turn of the loop is the list of steps in
:meth:`Supervisor._turn`; it sleeps on the connection (NOTIFY), the executors' pipes and the
signals until something happens or the next thing is due.
"""

import logging
import os
import selectors
import socket
import time

import psycopg2

from ..claim import claim_jobs, promote_due_jobs
from ..connection import CONNECTION_ERRORS
from ..dependencies import release_dependents, sweep_dependents
from ..notifier import CHANNEL
from ..rescue import rescue_orphans
from ..retry import MAX_CRASHES, Retry, decide_retry
from ..store import JobFailure, apply_decision, release_job
from ..workers import end_sessions
from .control import ControlConnection
from .pool import ExecutorPool
from .signals import SignalInbox

_logger = logging.getLogger(__name__)

# How often it is looked for workers that died, and for ended jobs whose dependents a crash has left waiting.
RESCUE_INTERVAL_SECONDS = 1.0
SWEEP_INTERVAL_SECONDS = 30.0
# Waits between two attempts to reach PostgreSQL: doubling, from the first to the last.
RECONNECT_SECONDS = (0.1, 5.0)


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
        self._session_name = session_name
        hostname = socket.gethostname()
        identity = {"hostname": hostname, "pid": os.getpid(), "version": version, "concurrency": settings.concurrency}
        self._control = ControlConnection(connect, {"name": f"{hostname}:{os.getpid()}", **identity})
        self._signals = SignalInbox()
        self._selector = selectors.DefaultSelector()
        self._pool = ExecutorPool(self._selector, perform, before_fork, self._let_go_in_child)
        self._ended_parents = []
        self._next_heartbeat = self._next_rescue = self._next_sweep = self._next_look = 0.0
        self._next_connect = None
        self._connect_wait = 0.0
        self._stop_deadline = None

    def run(self):
        """Claim and run jobs until SIGTERM, SIGINT or :meth:`stop`.

        :raise psycopg2.OperationalError: the database can't be reached at the start
        """
        self._start()
        try:
            while not self._finished():
                try:
                    self._turn()
                except CONNECTION_ERRORS as error:
                    self._note_lost_connection(error)
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
        self._pool.reap()
        self._pool.enforce_timeouts(self.settings.timeout_grace_seconds)
        self._spawn_missing()
        if not self._control.is_open and not self._reconnect():
            return
        self._account_for_deaths()
        self._show_signs_of_life()
        self._rescue()
        self._release_dependents()
        self._look_for_jobs()

    def _start(self):
        self._signals.install()
        self._selector.register(self._signals, selectors.EVENT_READ, self._signals.drain)
        self._control.open()
        self._selector.register(self._control, selectors.EVENT_READ, self._read_notifications)
        _logger.info("Worker %s serves with %d executors", self._control.name, self.settings.concurrency)

    def _finished(self):
        if self._stop_deadline is None:
            return False
        return not self._pool.busy or time.monotonic() >= self._stop_deadline

    def _wait(self):
        if self._control.is_open:
            due = [self._next_heartbeat, self._next_rescue, self._next_sweep]
            if self._stop_deadline is None:
                due.append(self._next_look)
        else:
            due = [self._next_connect]
        due.append(self._pool.next_deadline)
        if self._stop_deadline is not None:
            due.append(self._stop_deadline)
        for key, _events in self._selector.select(max(0.0, min(due) - time.monotonic())):
            key.data()

    def _obey_signals(self):
        requests = self._signals.stop_requests
        if requests and self._stop_deadline is None:
            grace = self.settings.shutdown_grace_seconds
            self._stop_deadline = time.monotonic() + grace
            _logger.info("Stopping: %d running jobs get %g s to end", len(self._pool.busy), grace)
        if requests > 1:
            self._stop_deadline = 0.0

    def _spawn_missing(self):
        if self._stop_deadline is None and self._pool.fill(self.settings.concurrency):
            self._next_look = 0.0

    def _account_for_deaths(self):
        """Write what became of the jobs whose executors died; each is dropped once it is written."""
        while self._pool.deaths:
            self._account_for_death(self._pool.deaths[0])
            del self._pool.deaths[0]

    def _account_for_death(self, death):
        job = death.job
        decision = decide_retry(job, self.settings.max_backoff_seconds, crashed=not death.overran)
        with self._control.cursor() as cursor:
            self._end_sessions(cursor, death.pid)
            # No row when the job had committed its end just before the death.
            if apply_decision(cursor, job, decision, _failure(death)):
                _logger.error("Job %s: its executor %d %s, %s", job.uuid, death.pid, death.how, _in_words(decision))
        if job.has_dependents:
            self._ended_parents.append(job.id)

    def _show_signs_of_life(self):
        if time.monotonic() < self._next_heartbeat:
            return
        if not self._control.beat():
            self._control.register_again()
            self._start_afresh()
        self._next_heartbeat = time.monotonic() + self.settings.heartbeat_interval_seconds

    def _rescue(self):
        if time.monotonic() < self._next_rescue:
            return
        rescued = rescue_orphans(
            self._control.connection, self.settings.stale_after_seconds, self.settings.max_backoff_seconds
        )
        for orphan, decision in rescued:
            _logger.warning("Job %s: rescued from a dead worker, %s", orphan.uuid, _in_words(decision))
            self._ended_parents.append(orphan.id)
        self._next_rescue = time.monotonic() + RESCUE_INTERVAL_SECONDS

    def _release_dependents(self):
        self._ended_parents += [job.id for job in self._pool.ended if job.has_dependents]
        if self._pool.ended:
            self._next_look = 0.0
        self._pool.ended.clear()
        sweep = time.monotonic() >= self._next_sweep
        if not (sweep or self._ended_parents):
            return
        with self._control.cursor() as cursor:
            ready = release_dependents(cursor, self._ended_parents)
            if sweep:
                ready += sweep_dependents(cursor)
                self._next_sweep = time.monotonic() + SWEEP_INTERVAL_SECONDS
            if ready:
                self._next_look = 0.0
            if ready > 1:  # one is claimed here in this turn; for more, others may help
                cursor.execute(f"NOTIFY {CHANNEL}")
        self._ended_parents = []

    def _look_for_jobs(self):
        """Claim for idle executors, when there is a reason to: a notification, an end, a due job, or the poll."""
        if time.monotonic() < self._next_look or self._stop_deadline is not None:
            return
        with self._control.cursor() as cursor:
            seconds_to_next = promote_due_jobs(cursor)
            self._claim(cursor)
        sleep = self.settings.poll_timeout
        if seconds_to_next is not None:
            sleep = min(sleep, max(seconds_to_next, 0.0))
        self._next_look = time.monotonic() + sleep

    def _claim(self, cursor):
        idle = self._pool.idle
        if not idle:
            return
        jobs = claim_jobs(cursor, self._control.worker_id, self._control.name, len(idle))
        for executor, job in zip(idle, jobs, strict=False):
            executor.start(job)

    def _read_notifications(self):
        self._control.drain()
        self._next_look = 0.0

    # -- losing and finding the database, and the place in it -------------------------

    def _note_lost_connection(self, error):
        if self._control.is_open:
            _logger.error("Lost the connection to PostgreSQL, reconnecting: %s", str(error).strip())
            self._selector.unregister(self._control)
            self._control.drop()
            self._connect_wait = RECONNECT_SECONDS[0]
            self._next_connect = time.monotonic()

    def _reconnect(self):
        """Try to connect when it is time; True when it worked."""
        if time.monotonic() < self._next_connect:
            return False
        try:
            still_ours = self._control.open()
        except CONNECTION_ERRORS:
            self._next_connect = time.monotonic() + self._connect_wait
            self._connect_wait = min(2 * self._connect_wait, RECONNECT_SECONDS[1])
            return False
        self._selector.register(self._control, selectors.EVENT_READ, self._read_notifications)
        _logger.info("Connected to PostgreSQL again")
        if not still_ours:
            self._start_afresh()
        self._next_heartbeat = self._next_look = 0.0
        return True

    def _start_afresh(self):
        """Another worker declared this one dead: what runs here belongs to others, who run it again."""
        _logger.error("Another worker declared %s dead and took over its jobs: starting afresh", self._control.name)
        self._pool.kill_busy()

    # -- the end --------------------------------------------------------------------

    def _shut_down(self):
        interrupted = self._pool.close()
        try:
            with self._control.cursor() as cursor:
                for pid, job in interrupted:
                    self._end_sessions(cursor, pid)
                    if release_job(cursor, job):
                        _logger.warning("Job %s: stopped by the shutdown and put back, uncharged", job.uuid)
            self._control.leave()
        except psycopg2.Error:
            _logger.info("The connection was lost: other workers will see that this one is gone")
        self._selector.close()
        self._signals.uninstall()
        self._signals.close()
        _logger.info("Worker %s stopped", self._control.name)

    def _end_sessions(self, cursor, pid):
        if name := self._session_name(pid):
            end_sessions(cursor, name)

    def _let_go_in_child(self):
        self._control.detach_in_child()
        self._signals.close()


def _failure(death):
    if death.overran:
        message = f"The job ran longer than its timeout of {death.job.timeout} s and had to be killed."
        return JobFailure("TimeoutJobError", message)
    message = f"The process that ran this job {death.how}."
    if death.job.crashes + 1 >= MAX_CRASHES:
        message += f" That was the {MAX_CRASHES}rd time, so the job is not run again."
    return JobFailure("ExecutorDied", message, crashed=True)


def _in_words(decision):
    if isinstance(decision, Retry):
        return f"runs again in {decision.seconds:g} s"
    return "failed for good"
