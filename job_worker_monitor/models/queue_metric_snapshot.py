from collections import defaultdict
from datetime import timezone

from odoo import api, fields, models
from odoo.tools import SQL

from ..metrics.queries import query


class QueueMetric(models.Model):
    _inherit = "queue.metric"

    @api.model
    def _snapshot(self):
        """All companies' metrics at this moment, for :func:`~..metrics.exposition.expose`."""
        now = fields.Datetime.now()
        added_up = self._get_added_up()
        collected_at = self._last_collected()
        levels = SQL(
            """SELECT channel, sum(ready) AS ready, sum(scheduled) AS scheduled, sum(waiting) AS waiting,
                      sum(started) AS started, max(oldest) AS oldest
                 FROM (%s) live GROUP BY channel ORDER BY channel""",
            self._recent_levels(now),
        )
        histograms = defaultdict(dict)
        rows = self.env.execute_query(query("counter_histograms", added_up=added_up))
        for channel, outcome, kind, bucket, times in rows:
            histograms[channel, outcome, kind][bucket] = int(times)
        counters = self._query_dicts(query("counters", added_up=added_up))
        return {
            "levels": self._query_dicts(levels),
            "counters": {(row["channel"], row["outcome"]): row for row in counters},
            "histograms": histograms,
            "workers": self._live_workers(now),
            "alerts": self._count_firing(),
            "collected_at": collected_at and collected_at.replace(tzinfo=timezone.utc).timestamp(),
        }

    @api.model
    def _count_firing(self):
        alerts = self.env["queue.alert"].sudo()
        groups = alerts._read_group([("state", "=", "firing")], ["severity"], ["__count"])
        return {severity: 0 for severity, _label in alerts._fields["severity"].selection} | dict(groups)
