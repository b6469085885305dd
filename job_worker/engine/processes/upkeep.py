"""What a supervisor does besides claiming: deaths, dependents, changed modules, cancellations, rescue."""

import logging
import time

from ..cancel import settle_cancellations
from ..dependencies import release_dependents, sweep_dependents
from ..interrupt import CANCEL
from ..job import ClaimRef
from ..limits import release_keys, tell_of_slots
from ..notifier import CHANNEL
from ..rescue import find_dead_workers, rescue_orphans
from ..retry import in_words
from ..store import cancel_started_job
from ..watch import ModuleWatch, look_around
from ..workers import claims_of_worker
from .outcomes import account_for_death, give_back

_logger = logging.getLogger(__name__)

# How often the supervisor looks for changed modules, requests and dead workers; and for ended jobs whose
# dependents a crash has left waiting.
LOOK_AROUND_SECONDS = 1.0
SWEEP_SECONDS = 30.0
# Ends of jobs on which others depend are passed on together while there are other jobs to start: so many, or
# those of so many times what passing on the last ones took, at least and at most so many seconds.
RELEASE_COUNT = 200
RELEASE_PAUSE_FACTOR = 30
RELEASE_SECONDS = (0.02, 0.2)
# Other workers are told of free slots at once, but again only after so many seconds.
TELL_SECONDS = 0.02
_STALE = "the models have changed and are being loaded anew"


class Upkeep:
    """Keeps the queue in order.

    :param settings: :class:`~..config.WorkerSettings`
    :param control: :class:`~.control.ControlConnection`
    :param pool: :class:`~.pool.ExecutorPool`
    :param intake: :class:`~.intake.Intake`
    :param due: :class:`~.schedule.Schedule` with the steps ``look``, ``look_around``, ``heartbeat``, ``sweep``,
        ``release``, ``tell``
    :param loaded_sequence: version of the registry that executors inherit
    :param session_name: callable giving the ``application_name`` of the sessions of a process id, or None
    :param on_stale: callable that asks for a fresh process, with the reason
    """

    def __init__(self, settings, control, pool, intake, due, loaded_sequence, session_name, on_stale):
        # Why nothing is to be claimed, in words; empty when all is well.
        self.paused = ""
        self.ended_parents = []
        # Jobs that run no more: others may have waited for them, under a limit or for a key.
        self._freed = []
        # Whether other workers are still to be told of free slots.
        self.untold = False
        self._settings = settings
        self._control = control
        self._pool = pool
        self._intake = intake
        self._due = due
        self._modules = ModuleWatch(loaded_sequence)
        self._session_name = session_name
        self._on_stale = on_stale

    def account_for_deaths(self):
        """Write what became of the jobs whose executors died; each is dropped once it is written."""
        while self._pool.deaths:
            death = self._pool.deaths[0]
            with self._control.cursor() as cursor:
                name = self._session_name(death.pid)
                account_for_death(cursor, death, self._settings.max_backoff_seconds, name)
            self.ended_parents.append(death.job.id)
            self._freed += [death.job, *death.others]
            self._intake.told()
            del self._pool.deaths[0]

    def release_unknown_claims(self):
        """Give back what was claimed when the connection broke, before the answer had come."""
        ended = {job.id: job.claim_token for job in self._pool.ended}
        known = {**self._intake.ahead.claims, **self._pool.claims, **ended}
        with self._control.cursor() as cursor:
            claims = claims_of_worker(cursor, self._control.worker_id)
            lost = [ClaimRef(id_, token) for id_, token in claims if known.get(id_) != token]
            give_back(cursor, lost, "their claim was cut off")
        if lost:
            self._intake.told()

    def look_around(self):
        """Once a second: changed modules, requests to cancel, dead workers."""
        if not self._due.is_due("look_around"):
            return
        with self._control.cursor() as cursor:
            view = look_around(cursor)
            self._intake.watched = view.watched
            self._heed_modules(view)
            if view.cancellations:
                self._cancel(cursor)
            dead = find_dead_workers(cursor, self._settings.stale_after_seconds)
        if dead or view.orphans:
            self._rescue(dead)
        self._due.again("look_around", LOOK_AROUND_SECONDS)

    def release_slots(self):
        """Let start what had to wait for jobs that run no more."""
        self._freed += [job for job in self._pool.ended if job.holds_slot]
        if self._freed:
            with self._control.cursor() as cursor:
                release_keys(cursor, self._freed, self._intake.memory)
            self._freed = []
            self.untold = True
            self._due.now("look")
        if self.untold and self._due.is_due("tell"):
            with self._control.cursor() as cursor:
                tell_of_slots(cursor)
            self.untold = False
            self._due.again("tell", TELL_SECONDS)

    def release_dependents(self):
        """Pass the ends of jobs on to what waits for them, and forget these ends."""
        self.ended_parents += [job.id for job in self._pool.ended if job.has_dependents]
        if self._pool.ended:
            self._intake.attempts_ended()
            if not self._intake.ahead:
                self._due.now("look")
        self._pool.ended.clear()
        sweep = self._due.is_due("sweep")
        if not (sweep or self._may_release()):
            return
        started = time.monotonic()
        with self._control.cursor() as cursor:
            ready = release_dependents(cursor, self.ended_parents, self._intake.memory)
            if sweep:
                ready += sweep_dependents(cursor, self._intake.memory)
                self._due.again("sweep", SWEEP_SECONDS)
            if ready:
                self._due.now("look")
            if ready > 1:  # one is claimed here in this turn; for more, others may help
                cursor.execute(f"NOTIFY {CHANNEL}")
        self.ended_parents = []
        least, most = RELEASE_SECONDS
        self._due.again("release", min(max(RELEASE_PAUSE_FACTOR * (time.monotonic() - started), least), most))

    def _may_release(self):
        """Whether to release now: while there are other jobs to start, ends are gathered for a moment."""
        if not self.ended_parents:
            return False
        return not self._intake.ahead or len(self.ended_parents) >= RELEASE_COUNT or self._due.is_due("release")

    def _heed_modules(self, view):
        self._modules.update(view)
        stale = self._modules.stale or self._pool.stale
        reason = self._modules.reason or (_STALE if stale else "")
        if reason == self.paused:
            return
        _logger.info("Paused: %s", reason) if reason else _logger.info("Resumed")
        self.paused = reason
        self._due.now("heartbeat", "report", "look")
        if stale and not view.changing_modules:
            self._on_stale(reason)

    def _cancel(self, cursor):
        for request in settle_cancellations(cursor, self._control.worker_id):
            job = self._intake.ahead.take(request.job_id)
            if job is None:
                self._pool.interrupt(request.job_id, CANCEL)
            elif cancel_started_job(cursor, job):
                _logger.info("Job %s: cancelled", job.uuid)
                self.ended_parents.append(job.id)
                self._freed.append(job)

    def _rescue(self, dead_worker_ids):
        rescued = rescue_orphans(self._control.connection, dead_worker_ids, self._settings.max_backoff_seconds)
        for orphan, decision in rescued:
            _logger.warning("Job %s: rescued from a dead worker, %s", orphan.uuid, in_words(decision))
            self.ended_parents.append(orphan.id)
            self._freed.append(orphan)
        if rescued:
            self._intake.told()
