"""From the commit of a job to the first line of its method."""

import math
import time

from sandbox.errors import SandboxError

from .scenario import Metric, Scenario, Skipped

_IDLE_RATE = 10
_WAIT_SECONDS = 60
_SETTLE_SECONDS = 1.0


class Latency(Scenario):
    """Jobs that are enqueued at a steady rate, a commit each, and tell when they began.

    :param float rate: jobs per second
    :param int jobs: of a full run
    """

    def __init__(self, key, title, rate, jobs):
        self.key = key
        self._rate = rate
        self._jobs = jobs
        self.metrics = {
            part: Metric(f"pick-up, {title}, {part}", "ms", more_is_better=False, form=",.1f")
            for part in ("p50", "p99")
        }

    def measure(self, queue, options):
        if self._rate > _IDLE_RATE and queue.share < 0.2:
            raise Skipped(f"it doesn't keep up with {self._rate} jobs/s, so that its backlog would be measured")
        jobs = max(30, int(self._jobs * options.jobs / type(options).jobs))
        queue.clear()
        with queue.worker():
            queue.warm_up()
            time.sleep(_SETTLE_SECONDS)
            committed, started = self._stamps(queue, jobs)
        waits = sorted(1000 * (started[number] - committed[number]) for number in range(jobs))
        return {"p50": quantile(waits, 0.5), "p99": quantile(waits, 0.99)}

    def _stamps(self, queue, jobs):
        path = queue.stamp_file()
        path.write_text("")
        committed = queue.agent.call("enqueue_paced", jobs=jobs, rate=self._rate, path=str(path))
        deadline = time.monotonic() + _WAIT_SECONDS
        while len(lines := path.read_text().splitlines()) < jobs:
            if time.monotonic() > deadline:
                raise SandboxError(f"{queue.title}: {len(lines)} of {jobs} jobs began within {_WAIT_SECONDS} s.")
            time.sleep(0.1)
        return committed, {int(number): float(moment) for number, moment in map(str.split, lines)}


def idle():
    return Latency("pick-up-idle", "idle", _IDLE_RATE, 100)


def busy():
    return Latency("pick-up-busy", "500 jobs/s", 500, 5000)


def quantile(values, part):
    """The smallest of the sorted `values` that at least `part` of them don't exceed."""
    return values[max(0, math.ceil(len(values) * part) - 1)]
