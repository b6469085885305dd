"""The supervisor: one event loop that claims jobs of one database and hands them to executors.

One thread, one control connection. Each turn of the loop is the list of steps in
:meth:`Supervisor._turn`; it sleeps on the connection (NOTIFY), the executors' pipes, the manager's
and the signals until something happens or the next thing is due.
"""

import logging
import os
import selectors
import signal
import socket
import time

import psycopg2

from ..cancel import CHANNEL as CANCEL_CHANNEL, settle_cancellations
from ..channels import ChannelFilter
from ..claim import claim_jobs, promote_due_jobs
from ..connection import CONNECTION_ERRORS
from ..dependencies import release_dependents, sweep_dependents
from ..interrupt import CANCEL
from ..job import ClaimRef
from ..notifier import CHANNEL
from ..rescue import find_dead_workers, rescue_orphans
from ..retry import in_words
from ..store import cancel_started_job, release_job, release_jobs
from ..watch import ModuleWatch, look_around
from ..workers import claims_of_worker, end_sessions
from . import link as words
from .control import ControlConnection
from .lookahead import Lookahead, wanted_ahead
from .outcomes import account_for_death, give_back
from .pool import ExecutorPool
from .schedule import Schedule
from .signals import SignalInbox

_logger = logging.getLogger(__name__)

# How often the supervisor looks for changed modules, requests and dead workers; and for ended jobs whose
# dependents a crash has left waiting.
LOOK_AROUND_SECONDS = 1.0
SWEEP_SECONDS = 30.0


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
        hostname = socket.gethostname()
        self._control = ControlConnection(
            connect,
            {
                "name": f"{hostname}:{os.getpid()}",
                "hostname": hostname,
                "pid": os.getpid(),
                "version": version,
                "concurrency": settings.concurrency,
                "channels": settings.channels or None,
            },
        )
        self._channels = ChannelFilter.parse(settings.channels)
        self._signals = SignalInbox()
        self._selector = selectors.DefaultSelector()
        self._pool = ExecutorPool(self._selector, settings, perform, before_fork, self._let_go_in_child)
        self._ahead = Lookahead()
        self._modules = ModuleWatch(loaded_sequence)
        self._due = Schedule("look", "look_around", "heartbeat", "sweep", "report")
        self._ended_parents = []
        self._more = False
        self._paused = ""
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
                except CONNECTION_ERRORS as error:
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
        self._account_for_deaths()
        self._beat()
        self._look_around()
        self._release_dependents()
        self._give_back_idle_claims()
        self._look_for_jobs()

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
            due = [self._due.next("look_around", "heartbeat", "sweep", "report"), self._ahead.deadline]
            if self._may_claim:
                due.append(self._due.next("look"))
        else:
            due = [self._control.next_attempt, self._due.next("report")]
        due += [self._pool.next_deadline, self._pool.next_dump]
        if self._stop_deadline is not None:
            due.append(self._stop_deadline)
        for key, _events in self._selector.select(max(0.0, min(due) - time.monotonic())):
            key.data()

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
        counts = f"{len(self._pool.busy)} jobs running, {len(self._ahead)} claimed ahead"
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
        return f"paused: {self._paused}" if self._paused else "running"

    def _spawn_missing(self):
        if self._stop_deadline is None and self._pool.fill(self.settings.concurrency):
            self._due.now("look")

    def _account_for_deaths(self):
        """Write what became of the jobs whose executors died; each is dropped once it is written."""
        while self._pool.deaths:
            death = self._pool.deaths[0]
            with self._control.cursor() as cursor:
                name = self._session_name(death.pid)
                account_for_death(cursor, death, self.settings.max_backoff_seconds, name)
            self._ended_parents.append(death.job.id)
            del self._pool.deaths[0]

    def _beat(self):
        if not self._due.is_due("heartbeat"):
            return
        if not self._control.beat(self._status):
            self._control.register_again()
            self._start_afresh()
        self._release_unknown_claims()
        self._due.again("heartbeat", self.settings.heartbeat_interval_seconds)

    def _release_unknown_claims(self):
        """Give back what was claimed when the connection broke, before the answer had come."""
        known = {**self._ahead.claims, **self._pool.claims, **{job.id: job.claim_token for job in self._pool.ended}}
        with self._control.cursor() as cursor:
            claims = claims_of_worker(cursor, self._control.worker_id)
            lost = [ClaimRef(id_, token) for id_, token in claims if known.get(id_) != token]
            give_back(cursor, lost, "their claim was cut off")

    def _look_around(self):
        """Once a second: changed modules, requests to cancel, dead workers."""
        if not self._due.is_due("look_around"):
            return
        with self._control.cursor() as cursor:
            view = look_around(cursor)
            self._heed_modules(view)
            if view.cancellations:
                self._cancel(cursor)
            dead = find_dead_workers(cursor, self.settings.stale_after_seconds)
        if dead or view.orphans:
            self._rescue(dead)
        self._due.again("look_around", LOOK_AROUND_SECONDS)

    def _heed_modules(self, view):
        self._modules.update(view)
        stale = self._modules.stale or self._pool.stale
        reason = self._modules.reason or ("the models have changed and are being loaded anew" if stale else "")
        if reason and reason != self._paused:
            _logger.info("Paused: %s", reason)
        elif self._paused and not reason:
            _logger.info("Resumed")
        if reason != self._paused:
            self._paused = reason
            self._due.now("heartbeat", "report", "look")
            if stale and not view.changing_modules:
                self._link.say(words.REPLACE, reason)

    def _cancel(self, cursor):
        for request in settle_cancellations(cursor, self._control.worker_id):
            job = self._ahead.take(request.job_id)
            if job is None:
                self._pool.interrupt(request.job_id, CANCEL)
            elif cancel_started_job(cursor, job):
                _logger.info("Job %s: cancelled", job.uuid)
                self._ended_parents.append(job.id)

    def _rescue(self, dead_worker_ids):
        rescued = rescue_orphans(self._control.connection, dead_worker_ids, self.settings.max_backoff_seconds)
        for orphan, decision in rescued:
            _logger.warning("Job %s: rescued from a dead worker, %s", orphan.uuid, in_words(decision))
            self._ended_parents.append(orphan.id)
        if rescued:
            self._due.now("look")

    def _release_dependents(self):
        self._ended_parents += [job.id for job in self._pool.ended if job.has_dependents]
        if self._pool.ended and not self._ahead:
            self._due.now("look")
        self._pool.ended.clear()
        sweep = self._due.is_due("sweep")
        if not (sweep or self._ended_parents):
            return
        with self._control.cursor() as cursor:
            ready = release_dependents(cursor, self._ended_parents)
            if sweep:
                ready += sweep_dependents(cursor)
                self._due.again("sweep", SWEEP_SECONDS)
            if ready:
                self._due.now("look")
            if ready > 1:  # one is claimed here in this turn; for more, others may help
                cursor.execute(f"NOTIFY {CHANNEL}")
        self._ended_parents = []

    def _give_back_idle_claims(self):
        """Hand out what was claimed ahead, and give back what would wait or must not start any more."""
        if self._may_claim:
            self._ahead.hand_out(self._pool.idle)
        if self._ahead and not (self._may_claim and time.monotonic() < self._ahead.deadline):
            with self._control.cursor() as cursor:
                give_back(cursor, self._ahead.take_all(), self._paused or self._why_not_claiming())

    def _why_not_claiming(self):
        return "the worker is stopping" if self._stop_deadline is not None else "all executors are busy with long jobs"

    @property
    def _may_claim(self):
        return self._stop_deadline is None and not self._paused and not self._pool.stale

    def _look_for_jobs(self):
        """Claim when there is a reason to: a notification, an end, a due job, more where the last came from."""
        if not self._may_claim:
            return
        free, ahead = self._room()
        if not (self._due.is_due("look") or (self._more and free + ahead > 0)):
            return
        sleep = [self.settings.poll_timeout]
        if free + ahead > 0:
            with self._control.cursor() as cursor:
                sleep += [promote_due_jobs(cursor), self._claim(cursor, free, ahead)]
        self._due.again("look", max(0.0, min(seconds for seconds in sleep if seconds is not None)))

    def _room(self):
        """How many jobs to claim for idle executors, and how many more ahead of the others."""
        free = len(self._pool.idle)
        wanted = wanted_ahead(self._pool.count_quick(), self._pool.average_seconds)
        # Not for each job that went: a claim costs about the same for one job as for ten.
        missing = wanted - len(self._ahead)
        return free, missing if missing > wanted // 2 else 0

    def _claim(self, cursor, free, ahead):
        """Claim jobs and hand them out; return the seconds until a rate limit allows another, or None."""
        claim = claim_jobs(
            cursor, self._control.worker_id, self._control.name, free, ahead,
            channels=self._channels, fair=self.settings.fair,
        )  # fmt: skip
        self._more = len(claim.jobs) == free + ahead
        self._ahead.add(claim.jobs)
        self._ahead.hand_out(self._pool.idle)
        return claim.retry_in

    def _read_notifications(self):
        channels = self._control.drain()
        if CHANNEL in channels:
            self._due.now("look")
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
        self._ahead.take_all()
        self._pool.kill_busy()

    # -- the end --------------------------------------------------------------------

    def _shut_down(self):
        interrupted = self._pool.close()
        try:
            with self._control.cursor() as cursor:
                release_jobs(cursor, self._ahead.take_all())
                for pid, job in interrupted:
                    if name := self._session_name(pid):
                        end_sessions(cursor, name)
                    if release_job(cursor, job):
                        _logger.warning("Job %s: stopped by the shutdown and put back, uncharged", job.uuid)
                release_dependents(cursor, self._ended_parents + [job.id for job in self._pool.ended])
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
