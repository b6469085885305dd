"""What a worker takes when it does nothing, and what a job costs the server."""

import time
from statistics import mean

from . import processes
from .queues import EXECUTORS
from .scenario import Metric, Scenario

_MEGABYTE = 2**20
_WARM_UP_JOBS = 400
_SETTLE_SECONDS = 3.0


class Footprint(Scenario):
    """Memory after some hundred no-op jobs, and CPU while there are none."""

    key = "footprint"
    metrics = {
        "private": Metric("executor's private memory", "MB", more_is_better=False, form=",.1f"),
        "shared": Metric("executor's shared memory", "MB", more_is_better=False, form=",.1f"),
        "worker": Metric("whole worker's memory (PSS)", "MB", more_is_better=False, form=",.0f"),
        "cpu": Metric("idle worker's CPU", "%", more_is_better=False, form=".2f"),
    }

    def measure(self, queue, options):
        queue.clear()
        with queue.worker():
            queue.warm_up(_WARM_UP_JOBS)
            time.sleep(_SETTLE_SECONDS)
            family = processes.family(queue.worker_pid)
            found = {"worker": sum(processes.memory(pid).proportional for pid in family) / _MEGABYTE}
            if queue.executors_are_processes:
                found.update(_executors(queue.worker_pid))
            found["cpu"] = _idle_cpu(family, options.idle_seconds)
        return found


def _executors(pid):
    """Of the processes that run jobs: of the forked ones without children, those that have most for themselves."""
    sizes = sorted(map(processes.memory, processes.leaves(pid)), key=lambda size: size.private)[-EXECUTORS:]
    return {
        "private": mean(size.private for size in sizes) / _MEGABYTE,
        "shared": mean(size.shared for size in sizes) / _MEGABYTE,
    }


def _idle_cpu(pids, seconds):
    before = processes.cpu_seconds(pids)
    time.sleep(seconds)
    return 100 * (processes.cpu_seconds(pids) - before) / seconds


class Cost(Scenario):
    """Statements, commits and WAL per no-op job, from its claim to its end; enqueueing isn't among it.

    A worker without jobs is measured as well and taken off, so that what the start costs doesn't count.
    """

    key = "cost"
    metrics = {
        "statements": Metric("statements per job", "", more_is_better=False, form=".2f"),
        "commits": Metric("transactions per job", "", more_is_better=False, form=".2f"),
        "wal": Metric("WAL per job", "bytes", more_is_better=False),
    }
    _POLL_SECONDS = 0.5  # each look at the queue is a transaction, too

    def measure(self, queue, options):
        jobs = max(200, self.jobs(queue, options) // 2)
        found = self._per_job(queue, jobs, _Transactions)
        if queue.can_log_statements:
            with queue.logged_statements():
                found.update(self._per_job(queue, jobs, _Statements))
        return found

    def _per_job(self, queue, jobs, meter):
        queue.clear()
        idle = self._measured(queue, meter, lambda: time.sleep(4))
        mark = queue.mark()
        queue.agent.call("enqueue", kind="noop", jobs=jobs)
        queue.settle()
        busy = self._measured(queue, meter, lambda: queue.wait(mark, jobs))
        return {key: (busy[key] - idle[key]) / jobs for key in busy}

    def _measured(self, queue, meter, wait):
        poll_seconds, queue.poll_seconds = queue.poll_seconds, self._POLL_SECONDS
        before = meter.read(queue)
        try:
            with queue.worker():
                wait()
        finally:
            queue.poll_seconds = poll_seconds
        time.sleep(1)  # a session reports its transactions when it has ended
        after = meter.read(queue)
        return {key: after[key] - before[key] for key in after}


class _Transactions:
    @staticmethod
    def read(queue):
        ((commits, wal),) = queue.execute(
            """SELECT xact_commit, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint
                 FROM pg_stat_database WHERE datname = current_database()"""
        )
        return {"commits": commits, "wal": wal}


class _Statements:
    @staticmethod
    def read(queue):
        return {"statements": queue.count_statements()}


