"""Scenarios in jobs per second."""

import time

from .scenario import Metric, Scenario, Skipped, drain, drain_kind

_BATCH = 100
_BATCH_SIZE = 50  # of jobs that share a transaction


class Drain(Scenario):
    """A backlog of jobs of one kind."""

    def __init__(self, kind, title):
        self.key = f"drain-{kind}"
        self._kind = kind
        self.metrics = {"rate": Metric(f"drain, {title}", "jobs/s")}

    def measure(self, queue, options):
        return {"rate": drain_kind(queue, self._kind, self.jobs(queue, options))}


class Batches(Scenario):
    """No-op jobs that share transactions where a queue lets them; else one by one."""

    key = "drain-batch"
    metrics = {"rate": Metric(f"drain, no-op jobs in batches of {_BATCH_SIZE}", "jobs/s")}

    def measure(self, queue, options):
        batch = {"batch_size": _BATCH_SIZE} if "batch" in queue.can else {}
        return {"rate": drain_kind(queue, "noop", self.jobs(queue, options), **batch)}


class History(Scenario):
    """A table with many finished jobs and a long backlog, against an empty one with a short backlog.

    :param twin: function giving a queue of the same product whose table is full
    """

    key = "history"
    needs = "backlog"
    metrics = {
        "rate": Metric("drain, no-op jobs, long history and backlog", "jobs/s"),
        "part": Metric("... part of the rate in an empty table", "", form=".2f"),
    }

    def __init__(self, twin):
        self._twin = twin

    def measure(self, queue, options):
        jobs = self.jobs(queue, options)
        empty = drain_kind(queue, "noop", jobs)
        full = self._twin(options.finished)
        backlog = max(jobs, options.backlog)
        rate = drain(full, backlog, lambda: full.agent.call("enqueue", kind="noop", jobs=backlog), first=jobs)
        return {"rate": rate, "part": rate / empty}


class Limited(Scenario):
    key = "limited"
    needs = "limit"
    metrics = {"rate": Metric("drain, no-op jobs, 2 at a time in a channel", "jobs/s")}

    def measure(self, queue, options):
        if reason := queue.limit():
            raise Skipped(reason)
        return {"rate": drain_kind(queue, "noop", self.jobs(queue, options), channel=queue.channel)}


class Enqueue(Scenario):
    """No worker runs."""

    key = "enqueue"
    metrics = {
        "each": Metric("enqueue, one by one with a commit each", "jobs/s"),
        "bulk": Metric("enqueue, in bulk", "jobs/s"),
    }

    def measure(self, queue, options):
        jobs = self.jobs(queue, options)
        each = max(1, jobs // 5)
        queue.clear()
        queue.agent.call("enqueue_each", kind="noop", jobs=20)
        rates = {"each": each / queue.agent.call("enqueue_each", kind="noop", jobs=each)}
        queue.clear()
        rates["bulk"] = jobs / queue.agent.call("enqueue", kind="noop", jobs=jobs)
        return rates


class Simultaneous(Scenario):
    """From the first enqueueing to the last end, in batches, with a worker that runs already."""

    key = "simultaneous"
    metrics = {"rate": Metric(f"enqueue by {_BATCH} and drain at the same time", "jobs/s")}

    def measure(self, queue, options):
        jobs = self.jobs(queue, options)
        queue.clear()
        with queue.worker():
            queue.warm_up()
            mark = queue.mark()
            begin = time.monotonic()
            queue.agent.call("enqueue_batches", kind="noop", jobs=jobs, size=_BATCH)
            _first, last = queue.wait(mark, jobs)
        return {"rate": jobs / (last - begin)}


class Chain(Scenario):
    key = "chain"
    needs = "chain"
    metrics = {"rate": Metric("chain of no-op jobs", "jobs/s")}

    def measure(self, queue, options):
        jobs = max(20, self.jobs(queue, options) // 5)
        return {"rate": drain(queue, jobs, lambda: queue.agent.call("chain", jobs=jobs))}


class FanIn(Scenario):
    key = "fan-in"
    needs = "fan-in"
    metrics = {
        "rate": Metric("fan-in of no-op jobs", "jobs/s"),
        "part": Metric("... part of the rate of plain jobs", "", form=".2f"),
    }

    def measure(self, queue, options):
        jobs = 2 * self.jobs(queue, options)
        plain = drain_kind(queue, "noop", jobs)
        rate = drain(queue, jobs + 1, lambda: queue.agent.call("fan_in", jobs=jobs))
        return {"rate": rate, "part": rate / plain}
