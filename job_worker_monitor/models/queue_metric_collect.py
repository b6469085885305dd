"""Collecting: from jobs to minutes, from minutes to hours, from hours to days, and forgetting in that order."""

from datetime import timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..metrics import periods
from ..metrics.queries import count_minutes, fold_metrics, query, sum_minutes
from .queue_metric_level import FLEET

COLLECT_LOCK = 0x6A6F626D  # "jobm"
# By how much the commit of a job may come after the time that is stamped on it.
OVERLAP = timedelta(minutes=5)
# With more live jobs than this, people see how many there were at the last look, if it was not too long ago.
MANY_JOBS = 100_000
SAMPLE_LASTS = timedelta(minutes=3)
ADDED_UP = "job_worker_monitor.added_up_until"
# From when on a job that could run has waited for long.
AGED_AFTER = timedelta(minutes=15)
# Days that each resolution is kept: default, and what the longer periods need at least.
KEEP_DAYS = {periods.MINUTE: (2, 1), periods.HOUR: (60, 2), periods.DAY: (800, 1)}


class QueueMetric(models.Model):
    _inherit = "queue.metric"

    @api.model
    def _collect(self, now=None):
        """Bring the metrics up to date; harmless to repeat. False when another transaction is just doing it."""
        now = now or fields.Datetime.now()
        ((ours,),) = self.env.execute_query(SQL("SELECT pg_try_advisory_xact_lock(%s)", COLLECT_LOCK))
        if not ours:
            return False
        self.env["queue.job"].flush_model()
        horizon = timedelta(days=self._get_keep_days(periods.MINUTE))
        start = periods.collection_start(self._last_collected(), now, OVERLAP, horizon)
        end = now + timedelta(hours=1)
        self.env.cr.execute(count_minutes(start, end))
        self.env.cr.execute(sum_minutes(start, end))
        self._sample_levels(now)
        for resolution in (periods.HOUR, periods.DAY):
            self._fold(resolution, start, now)
        self._forget_cache()
        return True

    @api.model
    def _last_collected(self):
        """When it was last collected, to the minute; None for never."""
        ((period,),) = self.env.execute_query(
            SQL(
                "SELECT max(period) FROM queue_metric_level WHERE resolution = %s AND channel = %s",
                periods.MINUTE,
                FLEET,
            )
        )
        return period

    @api.model
    def _live_levels(self, now):
        """SQL of the jobs that have not ended, by channel and company."""
        return query("live_levels", now=now, aged_before=now - AGED_AFTER)

    @api.model
    def _recent_levels(self, now):
        """As :meth:`_live_levels`, but of the last minute when so many jobs are live that counting takes long."""
        last = self._last_collected()
        if last is None or now - last > SAMPLE_LASTS or self._count_sampled(last) <= MANY_JOBS:
            return self._live_levels(now)
        return self._sampled_levels(last)

    @api.model
    def _levels_of_turn(self, now):
        """As :meth:`_live_levels`, but not counted again in a turn that has just done it: in the same minute."""
        last = self._last_collected()
        return self._sampled_levels(last) if last == periods.floor(now, periods.MINUTE) else self._live_levels(now)

    @api.model
    def _count_sampled(self, period):
        """How many jobs had not ended at the look of this minute."""
        ((count,),) = self.env.execute_query(
            SQL(
                "SELECT COALESCE(sum(ready + scheduled + waiting + started), 0) FROM (%s) level",
                self._sampled_levels(period),
            )
        )
        return count

    @api.model
    def _sampled_levels(self, period):
        """SQL of what was seen in a minute, with the columns of :meth:`_live_levels`."""
        return SQL(
            """SELECT channel, company_id, ready, scheduled, waiting, started, oldest_max AS oldest, aged
                 FROM queue_metric_level
                WHERE resolution = %s AND channel <> %s AND period = %s""",
            periods.MINUTE,
            FLEET,
            period,
        )

    @api.model
    def _live_workers(self, now):
        """The registered workers as dicts, ``alive`` or not."""
        return self._query_dicts(query("live_workers", now=now, stale_after=self._get_stale_after()))

    @api.model
    def _get_stale_after(self):
        value = self.env["ir.config_parameter"].sudo().get_param("job_worker_monitor.stale_after_seconds")
        return int(value) if value and value.isdecimal() else 60

    @api.model
    def _query_dicts(self, sql):
        self.env.cr.execute(sql)
        return self.env.cr.dictfetchall()

    @api.model
    def _sample_levels(self, now):
        """Store how full the queue is now as the sample of this minute."""
        alive = [worker for worker in self._live_workers(now) if worker["alive"]]
        params = {
            "period": periods.floor(now, periods.MINUTE),
            "fleet": FLEET,
            "workers": len(alive),
            "capacity": sum(worker["concurrency"] or 0 for worker in alive),
            "live": self._live_levels(now),
        }
        self.env.cr.execute(
            SQL("DELETE FROM queue_metric_level WHERE resolution = 'minute' AND period = %s", params["period"])
        )
        self.env.cr.execute(
            SQL(
                """INSERT INTO queue_metric_level (
                       resolution, period, channel, company_id, samples, ready, ready_max, scheduled, waiting,
                       started, started_max, oldest_max, aged, workers, workers_min, capacity)
                   SELECT 'minute', %(period)s, channel, company_id, 1, ready, ready, scheduled, waiting,
                          started, started, oldest, aged, 0, 0, 0
                     FROM (%(live)s) live
                UNION ALL
                   SELECT 'minute', %(period)s, %(fleet)s, NULL, 1, 0, 0, 0, 0, 0, 0, 0, 0,
                          %(workers)s, %(workers)s, %(capacity)s""",
                **params,
            )
        )

    @api.model
    def _fold(self, resolution, start, now):
        """Count the hours or days again that something from ``start`` on belongs to."""
        params = {
            "resolution": resolution,
            "part": periods.PART_OF[resolution],
            "start": periods.floor(start, resolution),
            "end": now + timedelta(minutes=1),
        }
        self.env.cr.execute(fold_metrics(unit=resolution, **params))
        self.env.cr.execute(query("fold_levels", **params))

    @api.model
    def _prune(self, now=None):
        """Delete what is older than the settings say; days are added up before they go."""
        now = now or fields.Datetime.now()
        before = {
            resolution: periods.floor(now, periods.DAY) - timedelta(days=self._get_keep_days(resolution))
            for resolution in KEEP_DAYS
        }
        self._add_up(before[periods.MINUTE])
        for table in ("queue_metric", "queue_metric_level"):
            for resolution, moment in before.items():
                self.env.cr.execute(
                    SQL(
                        "DELETE FROM %s WHERE resolution = %s AND period < %s",
                        SQL.identifier(table),
                        resolution,
                        moment,
                    )
                )
        self._forget_cache()

    @api.model
    def _add_up(self, until):
        """Count days before ``until``, which nothing changes any more, into the totals: counters read few rows."""
        params = {"start": self._get_added_up(), "end": until}
        if params["start"] < until:
            self.env.cr.execute(fold_metrics(periods.TOTAL, periods.DAY, periods.DAY, **params))
            self.env["ir.config_parameter"].sudo().set_param(ADDED_UP, fields.Datetime.to_string(until))

    @api.model
    def _get_added_up(self):
        """Up to when days are in the totals."""
        return fields.Datetime.to_datetime(self.env["ir.config_parameter"].sudo().get_param(ADDED_UP)) or periods.EPOCH

    @api.model
    def _get_keep_days(self, resolution):
        """Days that the rows of a resolution are kept."""
        default, least = KEEP_DAYS[resolution]
        value = self.env["ir.config_parameter"].sudo().get_param(f"job_worker_monitor.keep_{resolution}_days")
        return max(int(value), least) if value and value.isdecimal() else default

    @api.model
    def _forget_cache(self):
        self.env["queue.metric"].invalidate_model()
        self.env["queue.metric.level"].invalidate_model()
