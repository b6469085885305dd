from datetime import datetime, timedelta
from uuid import uuid4

from odoo import fields
from odoo.tests.common import TransactionCase

NOW = datetime(2026, 3, 29, 12, 30, 0)


def minutes(count):
    return timedelta(minutes=count)


class MonitorCase(TransactionCase):
    """Jobs as workers leave them, at times that the test chooses."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for table in ("queue_job", "queue_metric", "queue_metric_level", "queue_worker", "queue_monitor_worker"):
            cls.env.cr.execute(f"DELETE FROM {table}")
        cls.env["queue.alert.rule"].search([]).active = False
        cls.env.ref("job_worker_monitor.ir_cron_monitor").nextcall = fields.Datetime.now() + timedelta(hours=1)
        cls.metrics = cls.env["queue.metric"]

    def make_job(self, state="done", ended=NOW, wait=1.0, duration=2.0, **values):
        """Insert a job that waited for ``wait`` seconds and then ran for ``duration``; return its id."""
        started = ended - timedelta(seconds=duration or 0)
        row = {
            "uuid": str(uuid4()),
            "state": state,
            "model_name": "res.partner",
            "method_name": "write",
            "payload": "{}",
            "channel": "root",
            "priority": 10,
            "max_retries": 5,
            "attempts": 1,
            "user_id": self.env.uid,
            "create_date": started - timedelta(seconds=wait),
            "started_at": started,
            "duration": duration,
        }
        if state in ("done", "failed"):
            row["completed_at"] = ended
        elif state == "cancelled":
            row.update(cancelled_at=ended, started_at=None, duration=None)
        elif state == "pending":
            row.update(create_date=ended - timedelta(seconds=wait), started_at=None, duration=None, attempts=0)
        row.update(values)
        self.env.cr.execute(
            f"INSERT INTO queue_job ({', '.join(row)}) VALUES ({', '.join(['%s'] * len(row))}) RETURNING id",
            list(row.values()),
        )
        return self.env.cr.fetchone()[0]

    def make_attempt(self, job_id, ended=NOW, duration=2.0, name="ValueError"):
        self.env.cr.execute(
            "INSERT INTO queue_job_attempt (job_id, number, started_at, duration, exc_name) VALUES (%s, 1, %s, %s, %s)",
            [job_id, ended - timedelta(seconds=duration), duration, name],
        )

    def rows(self, resolution="minute", **conditions):
        """Metrics as dicts of ``(period, channel, function, outcome)`` to the count."""
        domain = [
            ("resolution", "=", resolution),
            ("function", "!=", ""),
            *((name, "=", value) for name, value in conditions.items()),
        ]
        return {(row.period, row.channel, row.function, row.outcome): row.count for row in self.metrics.search(domain)}
