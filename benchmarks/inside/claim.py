"""Claims against tables of different sizes and shapes, by the engine's own code on a connection of its own."""

import contextlib
import json
import os
import time
from statistics import median, quantiles

import psycopg2

from odoo.addons.job_worker.engine.claim import claim_jobs
from odoo.addons.job_worker.engine.memory import ClaimMemory
from odoo.addons.job_worker.engine.workers import prepare_session, register_worker
from odoo.addons.job_worker.runtime import database

from . import RESULT
from .about import about

_READY = 100_000
_BLOCKED = 100_000
_CHANNELS = 4
_EMPTY, _LIMITED = "empty", "empty, the channel limited"
_INSERT = """
    INSERT INTO queue_job (uuid, state, model_name, method_name, payload, user_id, company_id, name, channel, priority,
                           max_retries, scheduled_at, scheduled, attempts, concurrency_key, key_place,
                           completed_at, duration, create_date, write_date)
    SELECT %(prefix)s || lpad(number::text, 28, '0'), %(state)s, 'res.partner', 'write', '{"records": [1]}', 1, 1,
           'Benchmark', %(channel)s || number %% %(channels)s,
           %(priority)s, 5, %(scheduled_at)s, %(scheduled_at)s IS NOT NULL, 0, %(key)s, %(place)s,
           CASE WHEN %(state)s = 'done' THEN moment END, CASE WHEN %(state)s = 'done' THEN 0.01 END, moment, moment
      FROM (SELECT number, now() AT TIME ZONE 'UTC' - (%(count)s - number) * interval '10 ms' AS moment
              FROM generate_series(%(first)s, %(first)s + %(count)s - 1) number) job
"""


class Bench:
    """The table, a worker in it, and the claims that are timed."""

    def __init__(self, db_name, batch, claims):
        self._connection = database.connect(db_name)
        self._connection.autocommit = True
        prepare_session(self._connection, [])
        self._cursor = self._connection.cursor()
        self.execute("SET statement_timeout = 0")  # for the filling
        self.execute("SET synchronous_commit = off")  # the disk's share is the same in all, and varies most
        self._worker_id = register_worker(
            self._connection, name="benchmark", hostname="benchmark", pid=os.getpid(), version="0", concurrency=batch,
            channels=None, status="running",
        )  # fmt: skip
        self._batch = batch
        self._claims = claims
        self._number = 0
        self._db_name = db_name

    def execute(self, sql, **params):
        self._cursor.execute(sql, params)

    def insert(self, count, *, state="pending", channel="bench", channels=1, priority=10, scheduled_at=None, key=None):
        """Insert jobs; ``channels`` of them in turn, from ``bench0`` on."""
        if not count:
            return
        params = {
            "prefix": f"{self._number:08d}", "state": state, "channel": channel, "channels": channels, "first": 0,
            "priority": priority, "scheduled_at": scheduled_at, "key": key, "place": "behind" if key else None,
        }  # fmt: skip
        self._number += 1
        step = 500_000
        for first in range(0, count, step):
            self.execute(_INSERT, **{**params, "first": first, "count": min(step, count - first)})

    def settle(self):
        """Statistics, visibility and dirty pages as after a while of rest."""
        self.execute("VACUUM ANALYZE queue_job")
        with contextlib.suppress(psycopg2.errors.InsufficientPrivilege):
            self.execute("CHECKPOINT")

    def claim(self, memory, count=None):
        """One timed claim, whose jobs are then done; returns ``(seconds, jobs)``."""
        started = time.perf_counter()
        claim = claim_jobs(
            self._cursor, self._worker_id, "benchmark", count or self._batch, 0, memory=memory
        )  # fmt: skip
        seconds = time.perf_counter() - started
        self.execute(
            """UPDATE queue_job SET state = 'done', worker_id = NULL, completed_at = now() AT TIME ZONE 'UTC'
                WHERE id = ANY(%(ids)s)""",
            ids=[job.id for job in claim.jobs],
        )
        return seconds, len(claim.jobs)

    def measure(self, title):
        """Statistics of the claims of the table as it is."""
        memory = ClaimMemory()
        for _warm_up in range(5):
            self.claim(memory)
        return _summary(title, [self.claim(memory) for _claim in range(self._claims)])

    def pass_jobs(self, count, title):
        """Claim ``count`` jobs under a snapshot held open; the row of the first claims and of the last."""
        holder = psycopg2.connect(**database.dsn(self._db_name))
        holder.set_session("REPEATABLE READ")
        holder.cursor().execute("SELECT count(*) FROM queue_job WHERE id = 0")
        memory, passed, results = ClaimMemory(), 0, []
        while passed < count:
            seconds, jobs = self.claim(memory)
            if not jobs:
                break
            passed += jobs
            results.append((seconds, jobs))
        first, last = results[: self._claims], results[-self._claims :]
        holder.close()
        return [
            _summary(f"{title}, first claims", first),
            _summary(f"{title}, after {passed:,} jobs", last),
        ]

    def clean(self):
        self.execute("TRUNCATE queue_job CASCADE")
        self.execute("DELETE FROM queue_limit")


def main(env, *, module, distribution, checkpoint_user, done, scheduled, passing, batch, claims):
    """Measure every scenario and print the answer for the harness."""
    bench = Bench(env.cr.dbname, batch, claims)
    env.cr.rollback()
    rows = list(_scenarios(bench, done, scheduled, passing))
    bench.clean()
    print("\n" + RESULT + json.dumps({"about": about(env, module, distribution), "rows": rows}), flush=True)


def _scenarios(bench, done, scheduled, passing):
    yield _rested(bench, _EMPTY)
    yield _rested(bench, f"empty, {_CHANNELS} channels", channels=_CHANNELS)
    _limit(bench, blocked0=0, other0=5)
    yield _rested(bench, "empty, two limits elsewhere")
    _limit(bench, blocked0=0, other0=5)
    bench.insert(_BLOCKED, channel="blocked", priority=0)
    yield _rested(bench, f"{_BLOCKED:,} of a closed channel at the head")
    bench.insert(_BLOCKED, key="one", priority=0)
    bench.execute("UPDATE queue_job SET state = 'started', key_place = NULL WHERE id = (SELECT min(id) FROM queue_job)")
    yield _rested(bench, f"{_BLOCKED:,} of a running key at the head")
    bench.insert(done, state="done", channel="done", channels=_CHANNELS)
    bench.insert(scheduled, channel="bench", channels=_CHANNELS, scheduled_at="2999-01-01")
    yield _rested(bench, f"{done:,} done, {scheduled:,} scheduled, {_READY:,} ready", ready=_READY)
    yield from _held(bench, passing, "snapshot held", _EMPTY)
    _limit(bench, bench0=1000)
    yield _rested(bench, _LIMITED)
    _limit(bench, bench0=1000)
    yield from _held(bench, passing, "snapshot held, limited", _LIMITED)


def _rested(bench, title, channels=1, ready=20_000):
    """Measure with so many ready jobs more, and clean up."""
    bench.insert(ready, channels=channels)
    bench.settle()
    row = {**bench.measure(title), "beside": _EMPTY}
    bench.clean()
    return row


def _held(bench, passing, title, beside):
    bench.insert(passing + 5000)
    bench.settle()
    for row in bench.pass_jobs(passing, title):
        yield {**row, "beside": beside}
    bench.clean()


def _limit(bench, **limits):
    for name, limit in limits.items():
        bench.execute(
            """INSERT INTO queue_limit (name, "limit", rate_limit, burst, paused)
               VALUES (%(name)s, %(limit)s, 0, 1, FALSE)""",
            name=name, limit=limit,
        )  # fmt: skip


def _summary(title, results):
    milliseconds = sorted(1000 * seconds for seconds, _jobs in results)
    total = sum(seconds for seconds, _jobs in results)
    return {
        "scenario": title,
        "claims": len(results),
        "jobs": sum(jobs for _seconds, jobs in results),
        "median_ms": median(milliseconds),
        "p99_ms": quantiles(milliseconds, n=100)[98],
        "rows_per_second": sum(jobs for _seconds, jobs in results) / total,
    }
