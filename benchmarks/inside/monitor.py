"""How long the monitor takes in a database with many jobs."""

import json
import statistics
import time
from datetime import timedelta
from functools import partial

from odoo import fields

from . import RESULT
from .about import about

SPANS = ("1h", "24h", "7d", "30d")
_FUNCTIONS, _CHANNELS, _DAYS = 40, 8, 30

# Ended jobs of 30 days, more of them lately; 2% have failed. Durations and waits are skewed, as they are.
_FILL_ENDED = """
    INSERT INTO queue_job (uuid, state, model_name, method_name, payload, channel, priority, max_retries, attempts,
                           user_id, company_id, create_date, started_at, completed_at, duration, exc_name, write_date)
    SELECT 'ended-' || n, CASE WHEN failed THEN 'failed' ELSE 'done' END, 'res.partner',
           '_export_' || n %% %(functions)s, '{}', 'root.channel_' || n %% %(channels)s, 10, 5, 1, %(uid)s, %(company)s,
           ended - (duration + wait) * interval '1 second', ended - duration * interval '1 second', ended, duration,
           CASE WHEN failed THEN 'ValueError' END, ended
      FROM (
        SELECT n, random() < 0.02 AS failed, exp(random() * 6 - 3) AS duration, exp(random() * 8 - 4) AS wait,
               now() AT TIME ZONE 'UTC' - %(days)s * power(random(), 1.5) * interval '1 day' AS ended
          FROM generate_series(1, %(jobs)s) n
      ) job"""
_FILL_READY = """
    INSERT INTO queue_job (uuid, state, model_name, method_name, payload, channel, priority, max_retries, attempts,
                           user_id, company_id, create_date, write_date)
    SELECT 'ready-' || n, 'pending', 'res.partner', '_export_' || n %% %(functions)s, '{}',
           'root.channel_' || n %% %(channels)s, 10, 5, 0, %(uid)s, %(company)s, now() AT TIME ZONE 'UTC',
           now() AT TIME ZONE 'UTC'
      FROM generate_series(1, %(jobs)s) n"""
_FILL_ATTEMPTS = """
    INSERT INTO queue_job_attempt (job_id, number, started_at, duration, exc_name)
    SELECT id, 1, started_at, duration, exc_name FROM queue_job WHERE state = 'failed'"""


def main(env, *, module, distribution, checkpoint_user, ended, ready, repeat):
    """Fill, collect, and time each thing that the monitor does; print the answer for the harness.

    :param int ended: jobs that have ended
    :param int ready: jobs that could run
    :param int repeat: how often each is timed
    """
    _fill(env, ended, ready)
    rows = [{"what": "Collecting 30 days at once", "seconds": [_backfill(env)]}]
    for what, act in _actions(env):
        rows.append({"what": what, "seconds": [_time(env, act) for _number in range(repeat)]})
    for row in rows:
        row["median"] = statistics.median(row["seconds"])
    sizes = {"ended": ended, "ready": ready, "metrics": env["queue.metric"].search_count([])}
    answer = {"about": about(env, module, distribution), "checkpoints": True, "sizes": sizes, "rows": rows}
    print("\n" + RESULT + json.dumps(answer), flush=True)


def _actions(env):
    monitor, metrics = env["queue.monitor"], env["queue.metric"]
    for span in SPANS:
        yield f"Dashboard, {span}", partial(monitor.get_dashboard, span)
    yield "Collecting, each minute", metrics._collect
    env["queue.alert.rule"].with_context(active_test=False).search([("active", "=", False)]).active = True
    yield "All default rules, each minute", env["queue.alert"]._evaluate
    yield "Metrics for Prometheus", metrics._snapshot


def _fill(env, ended, ready):
    params = {
        "functions": _FUNCTIONS,
        "channels": _CHANNELS,
        "days": _DAYS,
        "uid": env.ref("base.user_admin").id,
        "company": env.company.id,
    }
    env.cr.execute(_FILL_ENDED, {**params, "jobs": ended})
    env.cr.execute(_FILL_READY, {**params, "jobs": ready})
    env.cr.execute(_FILL_ATTEMPTS)
    env.cr.commit()
    connection = env.cr._cnx
    connection.autocommit = True
    try:
        env.cr.execute("VACUUM ANALYZE queue_job")
        env.cr.execute("VACUUM ANALYZE queue_job_attempt")
    finally:
        connection.autocommit = False


def _backfill(env):
    """As if the monitor had been there for all the time; returns seconds."""
    parameters, metrics = env["ir.config_parameter"], env["queue.metric"]
    now = fields.Datetime.now()
    parameters.set_param("job_worker_monitor.keep_minute_days", str(_DAYS + 1))
    started = time.perf_counter()
    metrics._collect(now)
    seconds = time.perf_counter() - started
    parameters.set_param("job_worker_monitor.keep_minute_days", "2")
    metrics._prune(now)
    # Levels are looked at, not computed later: those of the time before are made up.
    env.cr.execute(
        """INSERT INTO queue_metric_level (resolution, period, channel, samples, ready, ready_max, scheduled, waiting,
                                           started, started_max, oldest_max, workers, workers_min, capacity)
           SELECT 'hour', period, channel, 60, 600, 20, 0, 0, 120, 4, 30, 60, 1, 240
             FROM generate_series(%s::timestamp, %s::timestamp, '1 hour') period,
                  (SELECT '' AS channel UNION ALL SELECT 'root.channel_' || n FROM generate_series(0, %s) n) channel
               ON CONFLICT DO NOTHING""",
        [now - timedelta(days=_DAYS), now, _CHANNELS - 1],
    )
    env.cr.execute("ANALYZE queue_metric")
    env.cr.execute("ANALYZE queue_metric_level")
    env.cr.commit()
    return seconds


def _time(env, act):
    """Seconds of one call with its writes, in a transaction of its own as a request has."""
    env.invalidate_all()
    started = time.perf_counter()
    act()
    env.flush_all()
    seconds = time.perf_counter() - started
    env.cr.commit()
    return seconds
