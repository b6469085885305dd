"""What a scenario is, and the drains that most of them are made of."""

from dataclasses import dataclass

from sandbox.errors import SandboxError

MIN_JOBS = 20


class Skipped(Exception):
    """Why a queue can't be measured in a scenario, in words."""


@dataclass(frozen=True)
class Metric:
    """One row of the report.

    :param bool more_is_better: decides which way a ratio is taken
    :param str form: format of a value
    """

    title: str
    unit: str
    more_is_better: bool = True
    form: str = ",.0f"


@dataclass(frozen=True)
class Options:
    """Sizes of a run.

    :param int jobs: of most scenarios
    :param int finished: rows of finished jobs, for the scenario with a history
    :param int backlog: ready jobs in that scenario
    :param float idle_seconds: for how long an idle worker is watched
    """

    jobs: int = 5000
    finished: int = 1_000_000
    backlog: int = 100_000
    idle_seconds: float = 30.0


class Scenario:
    """`metrics` by key, and how to measure them; `needs` is what a queue must be able to do."""

    key = None
    needs = None
    metrics = {}

    def jobs(self, queue, options):
        return max(MIN_JOBS, int(options.jobs * queue.share))

    def measure(self, queue, options):
        """`{metric's key: value}` of one repetition; raises :class:`Skipped`."""
        raise NotImplementedError


def drain(queue, jobs, enqueue, first=None):
    """Enqueue while no worker runs, then let one work; jobs per second from the first start to the last end.

    :param enqueue: function that stores `jobs` jobs
    :param first: measure only so many, and leave the rest
    """
    queue.clear()
    mark = queue.mark()
    enqueue()
    queue.settle()
    with queue.worker():
        seen = queue.wait(mark, first or jobs)
    return _rate(queue, mark, first or jobs, seen)


def _rate(queue, mark, jobs, seen):
    span = queue.span(mark, jobs)
    if span is None:
        return jobs / (seen[1] - seen[0])
    done, seconds = span
    if done != jobs:
        raise SandboxError(f"{queue.title}: {done} of {jobs} jobs were done, the others failed.")
    return jobs / seconds


def drain_kind(queue, kind, jobs, **options):
    """The rate of a drain of `jobs` jobs of a kind."""
    return drain(queue, jobs, lambda: queue.agent.call("enqueue", kind=kind, jobs=jobs, **options))
