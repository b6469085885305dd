"""Gives the pictures of the monitor a month to show. Put before fill.py, which calls it.

The jobs are those of `many_jobs.sql`, moved so that days have mornings and nights; their metrics and alerts are
made of them by the module itself, as if it had been there all the time.
"""

from datetime import timedelta

from odoo import fields

_DAYS = 31
# More happens by day than by night; jobs wait and run longer in some channels; each function fails in its own way.
_VARY = """
    UPDATE queue_job job
       SET completed_at = ended, started_at = ended - duration * interval '1 second', write_date = ended,
           create_date = ended - (duration + wait) * interval '1 second', exc_name = error,
           exc_message = CASE WHEN error IS NOT NULL THEN message END
      FROM (
        SELECT id,
               exp(random() * 6 - 3)
                   * CASE channel WHEN 'root.report' THEN 20 WHEN 'root.import' THEN 4 ELSE 1 END AS wait,
               now() AT TIME ZONE 'UTC' - abs(EXTRACT(EPOCH FROM now() AT TIME ZONE 'UTC' - completed_at)
                   + 9000 * sin(EXTRACT(EPOCH FROM completed_at) * pi() / 43200) + 40000 * (random() - 0.5)
               ) * interval '1 second' AS ended,
               CASE WHEN state = 'failed' THEN (ARRAY[
                   'odoo.exceptions.ValidationError', 'requests.exceptions.Timeout', 'odoo.exceptions.UserError',
                   'KeyError'])[1 + id % 7 % 4] END AS error,
               (ARRAY['The customer has no address', 'shop.example.com did not answer within 30 seconds',
                      'The period is closed', '''vat'''])[1 + id % 7 % 4] AS message
          FROM queue_job
         WHERE state IN ('done', 'failed') AND model_name = 'res.partner'
      ) new
     WHERE new.id = job.id"""
# A quarter of an hour in which the mail server was down.
_OUTAGE = """
    UPDATE queue_job
       SET state = 'failed', exc_name = 'smtplib.SMTPServerDisconnected', exc_message = 'Connection closed',
           completed_at = at, started_at = at - interval '2 seconds', duration = 2,
           create_date = at - interval '9 seconds'
      FROM (SELECT id AS job_id,
                   now() AT TIME ZONE 'UTC' - interval '40 minutes' + random() * interval '15 minutes' AS at
              FROM queue_job
             WHERE state = 'done' AND channel = 'root.mail'
             ORDER BY id DESC LIMIT 60) job
     WHERE id = job_id"""
# The number of jobs that wait or run at a time is the time that they all together wait or run in a period, divided
# by its length (Little's law).
_LEVELS = """
    INSERT INTO queue_metric_level (resolution, period, channel, samples, ready, ready_max, scheduled, waiting, started,
                                    started_max, oldest_max, workers, workers_min, capacity)
    SELECT resolution, period, channel, looks, looks * ready, ceil(ready), 0, 0, looks * busy, ceil(busy), 60,
           looks * fleet, fleet, looks * fleet * 2
      FROM (SELECT resolution, period, channel, (channel = '')::int AS fleet,
                   CASE WHEN channel <> '' THEN wait_sum / length ELSE 0 END AS ready,
                   CASE WHEN channel <> '' THEN duration_sum / length ELSE 0 END AS busy, looks
              FROM (SELECT resolution, period, channel, sum(wait_sum) AS wait_sum, sum(duration_sum) AS duration_sum,
                           CASE resolution WHEN 'minute' THEN 1 WHEN 'hour' THEN 60 ELSE 1440 END AS looks,
                           CASE resolution WHEN 'minute' THEN 60 WHEN 'hour' THEN 3600 ELSE 86400 END AS length
                      FROM queue_metric WHERE (function <> '') = (channel <> '') GROUP BY resolution, period, channel
                   ) metric
           ) level
        ON CONFLICT DO NOTHING"""


def fill_month(env):
    """Metrics of all the jobs, and the levels that there must have been."""
    env.cr.execute(_VARY)
    env.cr.execute(_OUTAGE)
    env.cr.execute("DELETE FROM queue_metric")
    env.cr.execute("DELETE FROM queue_metric_level")
    parameters, metrics = env["ir.config_parameter"], env["queue.metric"]
    parameters.set_param("job_worker_monitor.keep_minute_days", str(_DAYS))
    metrics._collect()
    parameters.set_param("job_worker_monitor.keep_minute_days", "2")
    env.cr.execute(_LEVELS)
    metrics._prune()


def play_alerts(env):
    """Let the last hour pass minute by minute under some rules."""
    env["queue.alert.rule"].search([("active", "=", False)]).active = True
    told = env["res.users"].search([("login", "=", "fill-0")])  # not who is in the pictures: a chat would cover them
    env["queue.alert.rule"].create(
        [
            {
                "name": "E-mails fail", "kind": "failed_count", "channel": "root.mail", "severity": "critical",
                "threshold": 5, "window_minutes": 60, "repeat_minutes": 15, "chat_user_ids": told.ids,
            },
            {"name": "Syncs fail", "kind": "failed_count", "channel": "root.sync", "threshold": 3, "window_minutes": 15,
             "company_id": env.company.id, "hold_minutes": 3, "clear_percent": 50},
            {"name": "Exports are slow", "kind": "duration_p95", "channel": "root.export", "severity": "info",
             "threshold": 20, "window_minutes": 60, "min_jobs": 5},
        ]
    )  # fmt: skip
    now = fields.Datetime.now()
    for minutes in range(60, -1, -1):
        moment = now - timedelta(minutes=minutes)
        env["queue.alert"].sudo()._evaluate(moment)
        env.flush_all()
        env.cr.execute("UPDATE queue_alert_delivery SET create_date = %s WHERE create_date >= now()", [moment])
