"""What the dashboard shows, computed by a few aggregate queries."""

from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ..metrics import periods
from ..metrics.histogram import merge, percentiles
from ..metrics.queries import query

# Length, the resolution that is read, and the length of a bin in the charts.
SPANS = {
    "1h": (timedelta(hours=1), periods.MINUTE, timedelta(minutes=1)),
    "24h": (timedelta(hours=24), periods.HOUR, timedelta(hours=1)),
    "7d": (timedelta(days=7), periods.HOUR, timedelta(hours=4)),
    "30d": (timedelta(days=30), periods.DAY, timedelta(days=1)),
}
# The throughput of "now" is that of the last whole minutes.
NOW_MINUTES = 5


class QueueMonitor(models.AbstractModel):
    _inherit = "queue.monitor"

    @api.model
    def get_dashboard(self, span="24h", company_id=False):
        """All that the dashboard shows.

        :param str span: ``1h``, ``24h``, ``7d`` or ``30d``
        :param company_id: only jobs of this company; False for all active companies of the user
        :return: dict of JSON values: times are ISO 8601 in UTC, durations seconds
        """
        self._check_dashboard_access()
        now = fields.Datetime.now()
        self._collect_for_dashboard(now)
        scope = self._dashboard_scope(span, company_id, now)
        live = self._live(scope)
        charts, sums = self._charts(scope)
        functions = self._query_span("by_function", scope)
        data = {
            "span": span,
            "now": iso(now),
            "companies": [{"id": company.id, "name": company.name} for company in self.env.companies],
            "tiles": self._tiles(scope, live, sums),
            "charts": charts,
            "channels": self._channels(scope, live, functions),
            **self._functions(scope, functions),
            "errors": self._errors(scope),
            "workers": self._workers(live),
            "alerts": self._alerts(),
        }
        data["attention"] = self._attention(scope, live, data)
        data["health"] = self._health(live, data)
        data["is_empty"] = not (functions or live["levels"] or live["workers"])
        return data

    @api.model
    def _check_dashboard_access(self):
        if not self.env.user.has_group("job_worker.group_queue_job_manager"):
            raise AccessError(self.env._("Only managers of the job queue can see the dashboard."))

    @api.model
    def _collect_for_dashboard(self, now):
        """When the cron does not: what is live is read live, so a minute more or less does not matter."""
        last = self.env["queue.metric"]._last_collected()
        if last is None or now - last > 2 * periods.LENGTH[periods.MINUTE]:
            self.env["queue.metric"]._collect(now)

    @api.model
    def _dashboard_scope(self, span, company_id, now):
        """The parameters of all queries: times, and the companies that the user may see."""
        if span not in SPANS:
            raise UserError(
                self.env._("%(span)s is no span of the dashboard: it has %(spans)s.", span=span, spans=", ".join(SPANS))
            )
        length, resolution, step = SPANS[span]
        # Whole bins, the running one included.
        end = _floor(now, step) + step
        start = end - length
        times = {"resolution": resolution, "start": start, "end": end}
        return {
            **times,
            "now": now,
            "previous": start - length,
            "length": length,
            "step": int(step.total_seconds()),
            "whole_span": query("whole_span", days_from=_first_day(start, end), **times),
            "companies": self._sql_companies(company_id),
        }

    @api.model
    def _sql_companies(self, company_id):
        if not company_id:
            return SQL("(company_id IS NULL OR company_id = ANY(%s))", self.env.companies.ids)
        if company_id not in self.env.companies.ids:
            raise AccessError(self.env._("Company %s is none of your active companies.", company_id))
        return SQL("company_id = %s", company_id)

    @api.model
    def _live(self, scope):
        """How the queue is at this moment: levels by channel, and workers."""
        metrics, now = self.env["queue.metric"], scope["now"]
        levels = metrics._query_dicts(
            SQL(
                """SELECT channel, sum(ready)::bigint AS ready, sum(scheduled)::bigint AS scheduled,
                          sum(waiting)::bigint AS waiting, sum(started)::bigint AS started,
                          sum(aged)::bigint AS aged, max(oldest) AS oldest
                     FROM (%s) live
                    WHERE %s
                    GROUP BY channel""",
                metrics._recent_levels(now),
                scope["companies"],
            )
        )
        return {"levels": {level["channel"]: level for level in levels}, "workers": metrics._live_workers(now)}

    @api.model
    def _query_span(self, name, scope, **params):
        """Rows of a query of ``whole_span``, as dicts.

        Most rows of late are minutes. The planner doesn't know that, expects many times the hours that there are,
        and would read the whole table for them.
        """
        ((before,),) = self.env.execute_query(SQL("SELECT current_setting('enable_seqscan')"))
        self.env.execute_query(SQL("SELECT set_config('enable_seqscan', 'off', TRUE)"))
        rows = self.env["queue.metric"]._query_dicts(query(name, **scope, **params))
        # An error before it rolls the setting back.
        self.env.execute_query(SQL("SELECT set_config('enable_seqscan', %s, TRUE)", before))
        return rows

    # -- tiles and charts -------------------------------------------------------------

    @api.model
    def _charts(self, scope):
        """``(charts, sums)``: lists of numbers, one for each bin; and sums of the span and the one before."""
        bins = _bins(scope)
        counts, sums = self._counts(scope, bins)
        histograms = self._histograms(scope)
        levels = {row["bin"]: row for row in self.env["queue.metric"]._query_dicts(query("chart_levels", **scope))}
        charts = {
            "labels": [iso(periods.EPOCH + timedelta(seconds=bin_ * scope["step"])) for bin_ in bins],
            "step": scope["step"],
            **{
                outcome: [counts[bin_, outcome] for bin_ in bins]
                for outcome in ("done", "failed", "cancelled", "error")
            },
            **{name: [levels.get(bin_, {}).get(name) for bin_ in bins] for name in ("ready", "busy", "capacity")},
        }
        for kind in ("wait", "duration"):
            points = [percentiles(histograms.get((bin_, kind), {})) for bin_ in bins]
            charts[kind] = dict(zip(("p50", "p95", "p99"), map(list, zip(*points, strict=True)), strict=True))
            whole = merge(histogram for (_bin, of_kind), histogram in histograms.items() if of_kind == kind)
            sums[kind] = dict(zip(("p50", "p95", "p99"), percentiles(whole), strict=True))
        return charts, sums

    @api.model
    def _counts(self, scope, bins):
        counts, sums = defaultdict(int), {"current": defaultdict(int), "previous": defaultdict(int)}
        for row in self.env["queue.metric"]._query_dicts(query("chart_counts", **scope)):
            counts[row["bin"], row["outcome"]] += int(row["count"])
            of_span = "current" if row["bin"] >= bins[0] else "previous"
            sums[of_span][row["outcome"]] += int(row["count"])
        return counts, sums

    @api.model
    def _histograms(self, scope):
        histograms = defaultdict(dict)
        for bin_, kind, bucket, times in self.env.execute_query(query("chart_histograms", **scope)):
            histograms[bin_, kind][bucket] = int(times)
        return histograms

    @api.model
    def _tiles(self, scope, live, sums):
        alive = [worker for worker in live["workers"] if worker["alive"]]
        levels = live["levels"].values()
        current, previous = sums["current"], sums["previous"]
        return {
            "throughput": self._throughput(scope),
            "ended": current["done"] + current["failed"],
            "ended_change": self._change(scope, current, previous),
            "failed": current["failed"],
            "failure_rate": _rate(current),
            "failure_rate_before": _rate(previous),
            "ready": sum(level["ready"] for level in levels),
            "scheduled": sum(level["scheduled"] for level in levels),
            "waiting": sum(level["waiting"] for level in levels),
            "started": sum(level["started"] for level in levels),
            "oldest": max((level["oldest"] for level in levels), default=0.0),
            "duration": sums["duration"],
            "wait": sums["wait"],
            "capacity": sum(worker["concurrency"] or 0 for worker in alive),
            "workers_alive": len(alive),
            "workers_dead": len(live["workers"]) - len(alive),
        }

    @api.model
    def _change(self, scope, current, previous):
        """By how many percent more jobs ended per minute than in the span before; None without such a span."""
        ended, before = (sums["done"] + sums["failed"] for sums in (current, previous))
        if not before or not self._is_covered(scope):
            return None
        # The last bin is not full yet.
        elapsed = (scope["now"] - scope["start"]) / scope["length"]
        return 100 * (ended / elapsed / before - 1)

    @api.model
    def _is_covered(self, scope):
        """Whether metrics reach back to the begin of the span before."""
        sql = SQL("SELECT min(period) FROM queue_metric WHERE resolution = %s", scope["resolution"])
        ((first,),) = self.env.execute_query(sql)
        return first is not None and first <= scope["previous"] + timedelta(seconds=scope["step"])

    @api.model
    def _throughput(self, scope):
        """Jobs ended per minute in the last whole minutes."""
        end = periods.floor(scope["now"], periods.MINUTE)
        ((count,),) = self.env.execute_query(
            SQL(
                """SELECT COALESCE(sum(count), 0) FROM queue_metric
                    WHERE resolution = 'minute' AND period >= %s AND period < %s AND channel = '' AND function = ''
                      AND outcome IN ('done', 'failed') AND %s""",
                end - timedelta(minutes=NOW_MINUTES),
                end,
                scope["companies"],
            )
        )
        return int(count) / NOW_MINUTES


def _rate(sums):
    """Failed jobs in percent; None when no job ended."""
    ended = sums["done"] + sums["failed"]
    return 100 * sums["failed"] / ended if ended else None


def _floor(moment, length):
    return periods.EPOCH + (moment - periods.EPOCH) // length * length


def _first_day(start, end):
    """The first midnight of a span, or its end: the day that is running counts as whole up to now."""
    midnight = periods.floor(start, periods.DAY)
    if midnight < start:
        midnight += periods.LENGTH[periods.DAY]
    return min(midnight, end)


def _bins(scope):
    first = int((scope["start"] - periods.EPOCH).total_seconds()) // scope["step"]
    return list(range(first, first + int(scope["length"].total_seconds()) // scope["step"]))


def iso(moment):
    """A time as JSON has it, UTC."""
    return moment.isoformat(timespec="seconds") + "Z" if moment else None
