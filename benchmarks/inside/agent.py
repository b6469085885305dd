"""Enqueues on command, as a long-running process with Odoo's models: `agent.py MODULE ODOO-OPTIONS`.

The same lines for each queue of Odoo: they share `with_delay`, `delayable`, `group` and `chain`.
"""

import importlib
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import odoo.init  # noqa: F401  (sets Odoo up; must come before anything else of it)
from odoo import api
from odoo.modules.registry import Registry
from odoo.tools import config

from inside.pace import paced
from inside.protocol import serve

_RECORDS = 1000
SLEEP_SECONDS = 0.005


class Commands:
    """What the harness may ask for.

    :param env: environment of a user with a person's rights
    :param str module: the queue's module
    """

    def __init__(self, env, module):
        self._env = env
        self._bench = env["queue.bench"].with_context(tracking_disable=True)
        self._records = self._bench.search([], limit=_RECORDS) or self._bench.create([{}] * _RECORDS)
        self._delay = importlib.import_module(f"odoo.addons.{module}.delay")
        self._env.cr.commit()

    def about(self, module, distribution):
        about = importlib.import_module("inside.about").about(self._env, module, distribution)
        self._env.cr.commit()
        return about

    def enqueue(self, kind, jobs, **options):
        """Store `jobs` calls in the fastest way that the queue has; returns the seconds with the commit.

        :param options: of the jobs, such as their channel
        """
        begin = time.perf_counter()
        calls = [self._call(kind, number) for number in range(jobs)]
        if hasattr(self._env["queue.job"], "enqueue_many"):
            self._env["queue.job"].enqueue_many(
                [
                    {"model_name": "queue.bench", "method_name": method, "record_ids": records.ids, "args": args}
                    for records, method, args in calls
                ],
                **options,
            )
        else:
            self._delay.group(*(self._delayable(call, **options) for call in calls)).delay()
        self._env.cr.commit()
        return time.perf_counter() - begin

    def enqueue_each(self, kind, jobs):
        """Store `jobs` calls one by one with a commit each; returns the seconds."""
        begin = time.perf_counter()
        for number in range(jobs):
            records, method, args = self._call(kind, number)
            getattr(records.with_delay(), method)(*args)
            self._env.cr.commit()
        return time.perf_counter() - begin

    def enqueue_batches(self, kind, jobs, size):
        """Store `jobs` calls, a commit for each `size` of them; returns the seconds."""
        return sum(self.enqueue(kind, min(size, jobs - done)) for done in range(0, jobs, size))

    def enqueue_paced(self, jobs, rate, path):
        """Store jobs that stamp the file `path`, `rate` per second; returns when each was committed."""
        return paced(lambda number: self._commit_stamp(number, path), jobs, rate)

    def chain(self, jobs):
        self._delay.chain(*(self._delayable(self._call("noop", 0)) for _number in range(jobs))).delay()
        self._env.cr.commit()

    def fan_in(self, jobs):
        last = self._bench.delayable().do_nothing()
        calls = (self._delayable(self._call("noop", number)) for number in range(jobs))
        self._delay.group(*calls).on_done(last).delay()
        self._env.cr.commit()

    def limit(self, channel, limit):
        """Let `limit` jobs of a channel run at a time; returns why that can't be, or None."""
        if "queue.limit" not in self._env:
            return "this checkout has no queue.limit yet"
        limits = self._env["queue.limit"].sudo()
        if not limits.search_count([("name", "=", channel)]):
            limits.create({"name": channel, "limit": limit})
        self._env.cr.commit()
        return None

    def _call(self, kind, number):
        """`(records, method, args)`"""
        return {
            "noop": lambda: (self._bench, "do_nothing", []),
            "write": lambda: (self._records[number % _RECORDS], "write_one", [number]),
            "sleep": lambda: (self._bench, "sleep", [SLEEP_SECONDS]),
        }[kind]()

    def _delayable(self, call, **options):
        records, method, args = call
        return getattr(records.delayable(**options), method)(*args)

    def _commit_stamp(self, number, path):
        committed = []
        # The first hook: what the queue itself does after the commit counts as pick-up.
        self._env.cr.postcommit.add(lambda: committed.append(time.time()))
        self._bench.with_delay().stamp(number, path)
        self._env.cr.commit()
        return committed[0]


def main(argv):
    module, *options = argv
    config.parse_config(options, setup_logging=True)
    (name,) = config["db_name"]
    threading.current_thread().dbname = name
    with Registry(name).cursor() as cr:
        env = api.Environment(cr, api.SUPERUSER_ID, {})
        serve(Commands(env(user=env.ref("base.user_admin")), module))


if __name__ == "__main__":
    main(sys.argv[1:])
