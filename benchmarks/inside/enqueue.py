"""The ways to enqueue that are measured.

Both modules have `with_delay`, `delayable` and `group` by the same names, so both run the same lines;
only `enqueue_many` has no equal on the other side.
"""

import importlib
import json
from dataclasses import dataclass
from functools import partial

from . import RESULT
from .about import about
from .stopwatch import Stopwatch

_RECORDS_PER_JOB = 100
_WARM_UP_JOBS = 20


@dataclass(frozen=True)
class Scenario:
    """One row of the report.

    :param dict ways: how to do it, to the `Enqueuer` method of it; the fastest way of a side counts
    :param int jobs: of a full run
    :param int extra: jobs that come on top, such as a barrier
    """

    title: str
    ways: dict
    jobs: int
    extra: int = 0


_BULK = {"enqueue_many": "bulk_enqueue_many", "group": "bulk_group", "with_delay in a loop": "bulk_loop"}
SCENARIOS = (
    Scenario("with_delay one by one, one commit", {"with_delay": "one_by_one"}, 2000),
    Scenario("with_delay one by one, a commit each", {"with_delay": "commit_each"}, 500),
    Scenario("bulk", _BULK, 10_000),
    Scenario("split, 100 records per job", {"split": "split"}, 1000),
    Scenario("group with a barrier", {"on_done": "barrier"}, 10_000, extra=1),
)


class Enqueuer:
    """Enqueues jobs that would each write three values; they never run."""

    def __init__(self, env, module):
        self._env = env
        self._partner = env.user.partner_id.sudo(False)
        # What a mass import sets anyway; OCA's jobs have chatter, and are stored somewhat faster with it.
        self._partner_in_bulk = self._partner.with_context(tracking_disable=True)
        self._group = importlib.import_module(f"odoo.addons.{module}.delay").group

    def ways(self, scenario):
        """`(way, function of a number of jobs)` of those that this side knows."""
        known = self._has_enqueue_many()
        return [(way, getattr(self, name)) for way, name in scenario.ways.items() if way != "enqueue_many" or known]

    def one_by_one(self, jobs):
        for values in _payloads(jobs):
            self._partner.with_delay().write(values)

    def commit_each(self, jobs):
        for values in _payloads(jobs):
            self._partner.with_delay().write(values)
            self._env.cr.commit()

    def bulk_loop(self, jobs):
        for values in _payloads(jobs):
            self._partner_in_bulk.with_delay().write(values)

    def bulk_group(self, jobs):
        self._group_of(self._partner_in_bulk, jobs).delay()

    def bulk_enqueue_many(self, jobs):
        call = {"model_name": "res.partner", "method_name": "write", "record_ids": self._partner.ids}
        self._env["queue.job"].enqueue_many([{**call, "args": [values]} for values in _payloads(jobs)])

    def split(self, jobs):
        # Neither side looks whether the records exist before the job runs.
        records = self._partner.browse(range(1, jobs * _RECORDS_PER_JOB + 1))
        records.delayable().write(next(_payloads(1))).split(_RECORDS_PER_JOB).delay()

    def barrier(self, jobs):
        last = self._partner.delayable().write({"comment": "All are imported"})
        self._group_of(self._partner, jobs).on_done(last).delay()

    def _group_of(self, partner, jobs):
        return self._group(*(partner.delayable().write(values) for values in _payloads(jobs)))

    def _has_enqueue_many(self):
        return hasattr(self._env["queue.job"], "enqueue_many")


def main(env, *, module, distribution, divisor, checkpoint_user):
    """Measure every scenario once and print the answer for the harness.

    :param int divisor: of the numbers of jobs; 1 for a full run
    """
    env = env(user=env.ref("base.user_admin"))  # a person's rights: the shell's own user passes by every check
    enqueuer, stopwatch = Enqueuer(env, module), Stopwatch(env, checkpoint_user)
    for scenario in SCENARIOS:
        _measure(enqueuer, stopwatch, scenario, _WARM_UP_JOBS)
    rows = [row for scenario in SCENARIOS for row in _measure(enqueuer, stopwatch, scenario, scenario.jobs // divisor)]
    stopwatch.clean()
    answer = {"about": about(env, module, distribution), "checkpoints": stopwatch.may_checkpoint, "rows": rows}
    print("\n" + RESULT + json.dumps(answer), flush=True)


def _measure(enqueuer, stopwatch, scenario, jobs):
    return [
        {
            "scenario": scenario.title,
            "way": way,
            **stopwatch.measure(partial(enqueue, jobs), jobs + scenario.extra),
        }
        for way, enqueue in enqueuer.ways(scenario)
    ]


def _payloads(jobs):
    """Values of a realistic size, different in each job."""
    for number in range(jobs):
        yield {"name": f"Customer {number}", "comment": "Imported from the web shop", "color": number % 12}
