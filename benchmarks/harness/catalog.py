"""All scenarios, and all queues that can be had."""

from . import footprint, latency, peer, rivals, throughput
from .odoo_queues import FullJobWorker, JobWorker, OcaQueueJob
from .peer import Unavailable

SCENARIOS = (
    "drain-noop", "drain-write", "drain-sleep", "drain-batch", "history", "limited", "enqueue", "simultaneous",
    "pick-up-idle", "pick-up-busy", "chain", "fan-in", "footprint", "cost",
)  # fmt: skip
PEERS = ("oca", "procrastinate", "pgqueuer", "graphile")


def make_scenarios(names, full):
    """The scenarios of these names, in the order of the catalog.

    :param full: function of a number of finished jobs, see :class:`.throughput.History`
    """
    made = [
        throughput.Drain("noop", "no-op jobs"),
        throughput.Drain("write", "jobs that write one record"),
        throughput.Drain("sleep", "jobs of 5 ms"),
        throughput.Batches(),
        throughput.History(full),
        throughput.Limited(),
        throughput.Enqueue(),
        throughput.Simultaneous(),
        latency.idle(),
        latency.busy(),
        throughput.Chain(),
        throughput.FanIn(),
        footprint.Footprint(),
        footprint.Cost(),
    ]
    return [scenario for scenario in made if scenario.key in names]


def make_queues(sandbox, server, names, console, cleanup):
    """Ours and the peers of these names, each with its database; `cleanup` removes them.

    One that can't be had is left out, and a line says why.
    """
    queues = [_make(JobWorker(sandbox, server), console, cleanup)]
    for name in names:
        try:
            queue = _peer(name, sandbox, server, console)
        except Unavailable as reason:
            console.say(f"  {name} is left out: {reason}")
            continue
        queues.append(_make(queue, console, cleanup))
    return queues


def _peer(name, sandbox, server, console):
    if name == "oca":
        return OcaQueueJob(sandbox, server, peer.fetch(sandbox, console))
    kind = {"procrastinate": rivals.Procrastinate, "pgqueuer": rivals.PgQueuer, "graphile": rivals.Graphile}[name]
    return kind(sandbox, server, kind.install(sandbox, console))


def _make(queue, console, cleanup):
    cleanup.callback(queue.remove)
    queue.make(console)
    return queue


class FullTwin:
    """Makes the queue with the long history when it is first asked for."""

    def __init__(self, sandbox, server, console, cleanup):
        self._place = (sandbox, server)
        self._console = console
        self._cleanup = cleanup
        self._queue = None

    def __call__(self, finished):
        if self._queue is None:
            queue = _make(FullJobWorker(*self._place), self._console, self._cleanup)
            with queue.worker():
                queue.warm_up(1)
            queue.fill(finished)
            self._queue = queue
        return self._queue
