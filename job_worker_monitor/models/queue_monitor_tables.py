"""The tables of the dashboard."""

from collections import defaultdict

from odoo import api, models
from odoo.tools import SQL

from odoo.addons.job_worker.engine.channels import ChannelFilter, lineage

from ..metrics.histogram import percentiles
from ..metrics.queries import query
from .queue_monitor_dashboard import iso

TABLE_ROWS = 10


class QueueMonitor(models.AbstractModel):
    _inherit = "queue.monitor"

    @api.model
    def _channels(self, scope, live, functions):
        """Each channel with what it did in the span, and how it is."""
        ended = defaultdict(lambda: defaultdict(float))
        for row in functions:
            for name in ("done", "failed", "busy"):
                ended[row["channel"]][name] += float(row[name])
        elapsed = (scope["now"] - scope["start"]).total_seconds()
        is_held = self.env["queue.alert.rule"]._held_channels()
        capacity_of = self._channel_capacities(live)
        empty = dict.fromkeys(("ready", "scheduled", "waiting", "started", "oldest"), 0)
        channels = [
            {
                "channel": channel,
                "done": int(ended[channel]["done"]),
                "failed": int(ended[channel]["failed"]),
                **{name: live["levels"].get(channel, empty)[name] for name in empty},
                "busy": ended[channel]["busy"] / elapsed,
                "held": is_held(channel),
                "capacity": capacity_of(channel),
            }
            for channel in sorted(ended.keys() | live["levels"].keys())
        ]
        return sorted(channels, key=lambda row: (-row["ready"], -row["done"] - row["failed"]))[:50]

    @api.model
    def _channel_capacities(self, live):
        """A function: how many jobs of a channel can run at once, None when nothing says so.

        It is the least of the limits of the channel and of those above it, and of the executors that serve it. While no
        worker lives, the limits alone count: they tell what there will be room for.
        """
        limits = {limit.name: limit.limit for limit in self.env["queue.limit"].sudo().search([("limit", ">", 0)])}
        workers = self._living_workers(live)

        def capacity(channel):
            bounds = [limits[name] for name in lineage(channel) if name in limits]
            if workers:
                bounds.append(sum(worker["concurrency"] or 0 for served, worker in workers if served.serves(channel)))
            return min(bounds, default=None)

        return capacity

    @api.model
    def _functions(self, scope, by_channel):
        rows = self._sum_functions(by_channel)
        slowest = sorted((row for row in rows if row["count"]), key=lambda row: -row["average"])[:TABLE_ROWS]
        failing = sorted(
            (row for row in rows if row["failed"] or row["errors"]), key=lambda row: (-row["failed"], -row["errors"])
        )
        failing = failing[:TABLE_ROWS]
        names = sorted({row["function"] for row in (*slowest, *failing)})
        histograms = defaultdict(dict)
        for row in self._query_span("function_histograms", scope, functions=names):
            histograms[row["function"]][row["bucket"]] = int(row["times"])
        for row in rows:
            row["p95"] = percentiles(histograms.get(row["function"], {}), [0.95])[0]
        return {"slowest": slowest, "failing": failing}

    @api.model
    def _sum_functions(self, by_channel):
        sums = defaultdict(lambda: defaultdict(float))
        for row in by_channel:
            for name in ("done", "failed", "errors", "duration_sum", "duration_count"):
                sums[row["function"]][name] += float(row[name])
        return [
            {
                "function": function,
                "done": int(row["done"]),
                "failed": int(row["failed"]),
                "errors": int(row["errors"]),
                "count": int(row["duration_count"]),
                "average": row["duration_sum"] / row["duration_count"] if row["duration_count"] else None,
            }
            for function, row in sums.items()
        ]

    @api.model
    def _errors(self, scope):
        rows = self.env["queue.metric"]._query_dicts(query("recent_errors", **scope))
        return [{**row, "last": iso(row["last"]), "message": (row["message"] or "")[:200]} for row in rows]

    @api.model
    def _workers(self, live):
        counts = dict(
            self.env.execute_query(
                SQL("SELECT worker_id, count(*) FROM queue_job WHERE state = 'started' GROUP BY worker_id")
            )
        )
        return [
            {
                **{name: worker[name] for name in ("id", "name", "version", "concurrency", "alive")},
                "started_at": iso(worker["started_at"]),
                "heartbeat": iso(worker["heartbeat"]),
                "running": counts.get(worker["id"], 0),
            }
            for worker in live["workers"]
        ]

    @api.model
    def _living_workers(self, live):
        """Pairs of the :class:`ChannelFilter` of a living worker and the worker."""
        return [(ChannelFilter.parse(worker["channels"]), worker) for worker in live["workers"] if worker["alive"]]

    @api.model
    def _alerts(self):
        alerts = self.env["queue.alert"].search([("state", "=", "firing")], limit=20)
        return [
            {
                "id": alert.id,
                "name": alert.rule_id.name,
                "text": alert.rule_id._describe(alert.value, alert.subject),
                "severity": alert.severity,
                "fired_at": iso(alert.fired_at),
            }
            for alert in alerts
        ]
