"""What needs somebody's attention, in words, with where to look."""

from datetime import timedelta

from odoo import api, fields, models

from ..metrics.queries import query
from .queue_metric_collect import AGED_AFTER

# A job that has been running for so long is worth a look.
STUCK_AFTER = timedelta(hours=1)
FAILED_WITHIN = timedelta(hours=24)
# Odoo looks each minute, and other scheduled actions may keep it.
OVERDUE_AFTER = timedelta(minutes=5)
LEVELS = ("danger", "warning", "info")


class QueueMonitor(models.AbstractModel):
    _inherit = "queue.monitor"

    @api.model
    def _attention(self, scope, live, data):
        """What is wrong, the worst first.

        :return: list of dicts: ``level`` (one of :data:`LEVELS`), ``text``, ``model`` and ``domain`` of what to open;
            no model when this user may not open it
        """
        items = [
            *self._attend_to_itself(scope["now"]),
            *self._attend_to_workers(live, data),
            *self._attend_to_alerts(data),
            *self._attend_to_channels(live, data),
            *self._attend_to_jobs(scope, live),
        ]
        return sorted(items, key=lambda item: LEVELS.index(item["level"]))

    @api.model
    def _attend_to_itself(self, now):
        """Nobody is told of anything while the scheduled action is off or Odoo runs none."""
        cron = self.env.ref("job_worker_monitor.ir_cron_monitor").sudo()
        if not cron.active:
            text = self.env._("The scheduled action of the monitor is switched off: no alert fires.")
        elif now - cron.nextcall > OVERDUE_AFTER:
            minutes = int((now - cron.nextcall).total_seconds() // 60)
            text = self.env._(
                "The scheduled action of the monitor is %s minutes overdue: no alert fires. Restart Odoo, and see that"
                " it runs scheduled actions.",
                minutes,
            )
        else:
            return
        model = "ir.cron" if self.env["ir.cron"].has_access("read") else False
        yield self._item("danger", text, model, [("id", "=", cron.id), ("active", "in", [True, False])])

    @api.model
    def _attend_to_workers(self, live, data):
        tiles = data["tiles"]
        if not tiles["workers_alive"]:
            yield self._item("danger", self.env._("No worker is running: nothing is run."), "queue.worker", [])
        if tiles["workers_dead"]:
            dead = [worker["id"] for worker in live["workers"] if not worker["alive"]]
            text = self.env._("%s workers are dead, and their jobs are not rescued yet.", len(dead))
            yield self._item("danger", text, "queue.worker", [("id", "in", dead)])

    @api.model
    def _attend_to_alerts(self, data):
        for alert in data["alerts"]:
            level = {"critical": "danger", "warning": "warning"}.get(alert["severity"], "info")
            text = self.env._("Alert %(name)s: %(text)s.", name=alert["name"], text=alert["text"])
            yield self._item(level, text, "queue.alert", [("id", "=", alert["id"])])

    @api.model
    def _attend_to_channels(self, live, data):
        served = self._served_channels(live)
        for row in data["channels"]:
            domain = [("channel", "=", row["channel"]), ("state", "=", "pending"), ("scheduled", "=", False)]
            if row["held"] and row["ready"]:
                text = self.env._(
                    "Channel %(channel)s is paused: %(count)s jobs wait.", channel=row["channel"], count=row["ready"]
                )
                yield self._item("info", text, "queue.job", domain)
            elif row["ready"] and not served(row["channel"]):
                text = self.env._(
                    "No worker serves the channel %(channel)s: %(count)s jobs wait.",
                    channel=row["channel"],
                    count=row["ready"],
                )
                yield self._item("danger", text, "queue.job", domain)

    @api.model
    def _served_channels(self, live):
        """A function: whether one of the living workers takes jobs of a channel."""
        filters = [served for served, _worker in self._living_workers(live)]
        # That there is no worker at all is said once, not for each channel.
        return lambda channel: not filters or any(served.serves(channel) for served in filters)

    @api.model
    def _attend_to_jobs(self, scope, live):
        now = scope["now"]
        stuck_before, failed_since = now - STUCK_AFTER, now - FAILED_WITHIN
        params = {**scope, "stuck_before": stuck_before, "failed_since": failed_since}
        ((stuck, exhausted),) = self.env.execute_query(query("troubled_jobs", **params))
        if stuck:
            text = self.env._("%s jobs have been running for more than an hour.", stuck)
            domain = [("state", "=", "started"), ("started_at", "<", _text(stuck_before))]
            yield self._item("warning", text, "queue.job", domain)
        if aged := sum(level["aged"] for level in live["levels"].values()):
            text = self.env._("%s jobs have been ready for more than 15 minutes.", aged)
            before = _text(now - AGED_AFTER)
            domain = ["&", "&", ("state", "=", "pending"), ("scheduled", "=", False)]
            domain += [
                "|",
                ("scheduled_at", "<", before),
                "&",
                ("scheduled_at", "=", False),
                ("create_date", "<", before),
            ]
            yield self._item("warning", text, "queue.job", domain)
        if exhausted:
            text = self.env._("%s jobs used up all their retries within a day.", exhausted)
            domain = [("state", "=", "failed"), ("completed_at", ">=", _text(failed_since)), ("max_retries", ">", 0)]
            yield self._item("warning", text, "queue.job", domain)

    @api.model
    def _item(self, level, text, model, domain):
        return {"level": level, "text": text, "model": model, "domain": domain}

    @api.model
    def _health(self, live, data):
        """``{"level", "text"}``: one sentence for those who read no more."""
        tiles, attention = data["tiles"], data["attention"]
        if attention and attention[0]["level"] != "info":
            text, more = attention[0]["text"], len(attention) - 1
            if more:
                text = self.env._("%(first)s And %(count)s more.", first=text, count=more)
            return {"level": attention[0]["level"], "text": text}
        text = self.env._(
            "All is well: %(busy)s of %(capacity)s executors are busy, %(ready)s jobs are ready.",
            busy=tiles["started"],
            capacity=tiles["capacity"],
            ready=tiles["ready"],
        )
        return {"level": "success", "text": text}


def _text(moment):
    return fields.Datetime.to_string(moment)
