"""Run jobs inside of a cron, where no process of our own can be started (Odoo.sh, shared hosting).

The same claims and the same :class:`~.perform.JobRunner` as in a worker, one job at a time. What needs a
process apart is missing: a job that overruns its timeout is not stopped by us, but by Odoo's limits
of the cron process, and is then rescued like the job of any dead worker.
"""

import contextlib
import logging
import time

from odoo.modules.registry import Registry

from ..engine.cancel import settle_cancellations
from ..engine.claim import claim_jobs, promote_due_jobs
from ..engine.config import WorkerSettings
from ..engine.dependencies import release_dependents, sweep_dependents
from ..engine.job import Order
from ..engine.limits import release_slots
from ..engine.memory import ClaimMemory
from ..engine.processes.control import ControlConnection
from ..engine.rescue import find_dead_workers, rescue_orphans
from ..engine.workers import make_identity
from .database import code_version, connect
from .perform import JobRunner

_logger = logging.getLogger(__name__)

# How often the cron's progress is committed, dead workers are looked for, and the heart beats.
PAUSE_SECONDS = 1.0


def drain(db_name, report):
    """Run ready jobs until there are none or the time is up.

    :param report: callable ``(processed)`` that records so many ended jobs and returns the seconds left
    :return: True when it stopped for the time, with jobs left
    """
    settings = WorkerSettings(concurrency=1)
    perform = JobRunner(lambda: Registry(db_name), settings, lambda: Registry(db_name).cursor())
    with _place_among_workers(db_name) as control:
        _keep_house(control, settings)
        deadline = time.monotonic() + report(0)
        memory = ClaimMemory()
        processed, next_report = 0, time.monotonic() + PAUSE_SECONDS
        while time.monotonic() < deadline:
            job = _claim_one(control, memory)
            if job is None or perform(Order([job])):
                report(processed)
                return False
            processed += 1
            _pass_on(control, job, memory)
            if time.monotonic() >= next_report:
                deadline = time.monotonic() + report(processed)
                _keep_house(control, settings)
                processed, next_report = 0, time.monotonic() + PAUSE_SECONDS
        report(processed)
        return True


@contextlib.contextmanager
def _place_among_workers(db_name):
    """A registered worker, so that jobs are rescued when the cron process is killed."""
    identity = make_identity(code_version(), 1, note=" (cron)")
    control = ControlConnection(lambda: connect(db_name), identity)
    control.open()
    try:
        yield control
    finally:
        control.leave()


def _claim_one(control, memory):
    with control.cursor() as cursor:
        promote_due_jobs(cursor, memory)
        jobs = claim_jobs(cursor, control.worker_id, control.name, 1, memory=memory).jobs
    return jobs[0] if jobs else None


def _pass_on(control, job, memory):
    """Let start what had to wait for ``job``."""
    with control.cursor() as cursor:
        if job.holds_slot:
            release_slots(cursor, [job], memory)
        if job.has_dependents:
            release_dependents(cursor, [job.id], memory)


def _keep_house(control, settings):
    """What a supervisor does beside claiming: heartbeat, rescue, cancellations, dependents that a crash has left."""
    control.beat("running in a cron")
    with control.cursor() as cursor:
        dead = find_dead_workers(cursor, settings.stale_after_seconds)
        settle_cancellations(cursor, control.worker_id)
        sweep_dependents(cursor)
    rescue_orphans(control.connection, dead, settings.max_backoff_seconds)
