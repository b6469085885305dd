"""The supervisor: one event loop that claims jobs of one database and hands them to executors.

One thread, one control connection. Each turn of the loop is the list of steps in
:meth:`Supervisor._turn`; it sleeps on the connection (NOTIFY), the executors' pipes, the manager's
and the signals until something happens or the next thing is due.
"""

import logging
import selectors
import signal
import time

import psycopg2

from ..cancel import CHANNEL as CANCEL_CHANNEL
from ..connection import is_connection_error
from ..dependencies import release_dependents
from ..notifier import CHANNEL
from ..store import release_jobs
from ..workers import end_sessions, make_identity
from . import link as words
from .control import ControlConnection
from .intake import Intake
from .pool import ExecutorPool
from .schedule import Schedule
from .signals import SignalInbox
from .upkeep import Upkeep
from .wakeups import wait_and_call

_logger = logging.getLogger(__name__)


class Supervisor:
    """Serves one database until it is told to stop.

    :param settings: :class:`~..config.WorkerSettings`
    :param link: :class:`~.link.Link` to the manager
    :param connect: callable returning a new psycopg2 connection to the database
    :param perform: callable that runs one claimed job in an executor and writes its outcome
    :param str version: version of job_worker, shown in the workers' list
    :param loaded_sequence: version of the registry that executors inherit, as the database counts them
    :param before_fork: callable that lets go of what a child must not inherit
    :param session_name: callable giving the ``application_name`` of the sessions of a process id, or None
    """

    def __init__(
        self, settings, link, connect, perform, *, version, loaded_sequence=None,
        before_fork=lambda: None, session_name=lambda pid: None,
    ):  # fmt: skip
        self.settings = settings
        self._link = link
        self._session_name = session_name
        identity = make_identity(version, settings.concurrency, settings.channels or None)
        self._control = ControlConnection(connect, identity)
        self._signals = SignalInbox()
        self._selector = selectors.DefaultSelector()
        self._pool = ExecutorPool(self._selector, settings, perform, before_fork, self._let_go_in_child)
        self._due = Schedule("look", "look_around", "heartbeat", "sweep", "report", "release", "tell")
        self._intake = Intake(settings, self._control, self._pool, self._due)
        self._upkeep = Upkeep(
            settings,
            self._control,
            self._pool,
            self._intake,
            self._due,
            loaded_sequence,
            session_name,
            on_stale=lambda reason: link.say(words.REPLACE, reason),
        )
        self._retiring = False
        self._stop_deadline = None

    def run(self):
        """Claim and run jobs until the manager says otherwise, or is gone.

        :raise psycopg2.OperationalError: the database can't be reached at the start
        """
        self._start()
        try:
            while not self._finished():
                try:
                    self._turn()
                except psycopg2.Error as error:
                    if not is_connection_error(error):
                        raise
                    self._note_lost_connection(error)
        finally:
            self._shut_down()

    # -- the loop -------------------------------------------------------------------

    def _turn(self):
        self._wait()
        self._obey_signals()
        self._obey_manager()
        self._report()
        self._pool.reap()
        self._pool.enforce_timeouts()
        self._pool.log_stacks()
        self._spawn_missing()
        if not self._control.is_open and not self._reconnect():
            return
        self._upkeep.account_for_deaths()
        self._beat()
        self._upkeep.look_around()
        self._upkeep.release_slots()
        self._upkeep.release_dependents()
        self._feed_executors()

    def _start(self):
        self._signals.install()
        self._selector.register(self._signals, selectors.EVENT_READ, self._signals.drain)
        self._selector.register(self._link, selectors.EVENT_READ, lambda: None)
        self._control.open()
        self._selector.register(self._control, selectors.EVENT_READ, self._read_notifications)
        self._link.say(words.READY)
        how = "listening" if self._control.is_direct else "polling, for a pooler is in between"
        _logger.info("Worker %s serves with %d executors, %s", self._control.name, self.settings.concurrency, how)

    def _finished(self):
        if self._stop_deadline is None:
            return False
        return not self._pool.busy or time.monotonic() >= self._stop_deadline

    def _wait(self):
        if self._control.is_open:
            due = [self._due.next("look_around", "heartbeat", "sweep", "report"), self._intake.ahead.deadline]
            due.append(self._pool.next_recall)
            if not self._held_back:
                due.append(self._due.next("look"))
            if self._upkeep.ended_parents:
                due.append(self._due.next("release"))
            if self._upkeep.untold:
                due.append(self._due.next("tell"))
        else:
            due = [self._control.next_attempt, self._due.next("report")]
        due += [self._pool.next_deadline, self._pool.next_dump]
        if self._stop_deadline is not None:
            due.append(self._stop_deadline)
        wait_and_call(self._selector, max(0.0, min(due) - time.monotonic()))

    def _obey_signals(self):
        self._signals.take(signal.SIGINT, signal.SIGCHLD)  # the manager knows what Ctrl-C means
        if self._signals.take(signal.SIGTERM):
            self._stop(self.settings.shutdown_grace_seconds)
        if self._signals.take(signal.SIGHUP):
            self._link.say(words.REPLACE, "a SIGHUP asked for it")
        if self._signals.take(signal.SIGUSR1):
            self._dump()

    def _obey_manager(self):
        for word, _text in self._link.listen():
            if word == words.STOP:
                self._stop(self.settings.shutdown_grace_seconds)
            elif word == words.STOP_NOW:
                self._stop_deadline = 0.0
            elif word == words.RETIRE:
                self._retiring = True
                self._stop(float("inf"))
            elif word == words.DUMP:
                self._dump()
        if self._link.closed and self._stop_deadline is None:
            self._selector.unregister(self._link)
            _logger.error("The manager of this worker is gone")
            self._stop(0.0)

    def _stop(self, grace_seconds):
        """Claim no more and let the running jobs end, for ``grace_seconds`` at most."""
        deadline = time.monotonic() + grace_seconds
        if self._stop_deadline is not None:
            self._stop_deadline = min(self._stop_deadline, deadline)
            return
        self._stop_deadline = deadline
        grace = "to end" if self._retiring else f"{grace_seconds:g} s to end"
        _logger.info("Draining: %d running jobs get %s", len(self._pool.busy), grace)
        self._due.now("heartbeat")

    def _dump(self):
        counts = f"{len(self._pool.busy)} jobs running, {len(self._intake.ahead)} claimed ahead"
        _logger.info("Worker %s is %s: %s", self._control.name, self._status, counts)
        self._pool.ask_for_stacks()

    def _report(self):
        """Tell the manager that this loop turns."""
        if self._due.is_due("report"):
            self._link.say(words.ALIVE, self._status)
            self._due.again("report", self.settings.heartbeat_interval_seconds)

    @property
    def _status(self):
        if self._stop_deadline is not None:
            return "draining"
        if not self._control.is_open:
            return "not connected"
        return f"paused: {self._held_back}" if self._held_back else "running"

    @property
    def _held_back(self):
        """Why nothing may be claimed and started now; empty when all is well."""
        if self._stop_deadline is not None:
            return "the worker is stopping"
        return self._upkeep.paused or ("the models have changed" if self._pool.stale else "")

    def _spawn_missing(self):
        if self._stop_deadline is None and self._pool.fill(self.settings.concurrency):
            self._due.now("look")

    def _beat(self):
        if not self._due.is_due("heartbeat"):
            return
        if not self._control.beat(self._status):
            self._control.register_again()
            self._start_afresh()
        self._upkeep.release_unknown_claims()
        self._due.again("heartbeat", self.settings.heartbeat_interval_seconds)

    def _feed_executors(self):
        """Hand out what is claimed, claim more, and give back what can't start soon."""
        if self._held_back:
            self._intake.give_back_all(self._held_back)
            return
        self._intake.hand_out()
        self._intake.look_for_jobs()
        self._intake.give_back_late()

    def _read_notifications(self):
        channels = self._control.drain()
        if CHANNEL in channels:
            self._intake.told()
        if CANCEL_CHANNEL in channels:
            self._due.now("look_around")

    # -- losing and finding the database, and the place in it -------------------------

    def _note_lost_connection(self, error):
        if self._control.is_open:
            _logger.error("Lost the connection to PostgreSQL, reconnecting: %s", str(error).strip())
            self._selector.unregister(self._control)
            self._control.drop()

    def _reconnect(self):
        """Try to connect when it is time; True when it worked."""
        still_ours = self._control.reopen()
        if still_ours is None:
            return False
        self._selector.register(self._control, selectors.EVENT_READ, self._read_notifications)
        _logger.info("Connected to PostgreSQL again")
        if not still_ours:
            self._start_afresh()
        self._due.now("heartbeat", "look_around", "look")
        return True

    def _start_afresh(self):
        """Another worker declared this one dead: what runs here belongs to others, who run it again."""
        _logger.error("Another worker declared %s dead and took over its jobs: starting afresh", self._control.name)
        self._intake.ahead.take_all()
        self._pool.kill_busy()

    # -- the end --------------------------------------------------------------------

    def _shut_down(self):
        interrupted = self._pool.close()
        try:
            with self._control.cursor() as cursor:
                release_jobs(cursor, self._intake.ahead.take_all())
                for pid, jobs in interrupted:
                    if name := self._session_name(pid):
                        end_sessions(cursor, name)
                    for job_id in release_jobs(cursor, jobs):
                        _logger.warning("Job with id %d: stopped by the shutdown and put back, uncharged", job_id)
                release_dependents(cursor, self._upkeep.ended_parents + [job.id for job in self._pool.ended])
            self._control.leave()
        except psycopg2.Error:
            _logger.info("The connection was lost: other workers will see that this one is gone")
        self._selector.close()
        self._signals.uninstall()
        self._signals.close()
        _logger.info("Worker %s stopped", self._control.name)

    def _let_go_in_child(self):
        self._control.detach_in_child()
        self._signals.close()
        self._link.close()
