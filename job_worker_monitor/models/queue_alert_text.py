"""What people read of an alert."""

from odoo import models
from odoo.tools.translate import LazyTranslate

from ..alerts.episode import FIRE, REPEAT, RESOLVE

_lt = LazyTranslate(__name__)

SENTENCES = {
    "failed_count": _lt("%(number)s jobs failed in %(minutes)s minutes (limit %(limit)s)"),
    "failure_rate": _lt("%(number)s of the jobs failed in %(minutes)s minutes (limit %(limit)s)"),
    "error_count": _lt("%(number)s attempts failed in %(minutes)s minutes (limit %(limit)s)"),
    "failing_streak": _lt("failed %(number)s times in a row (limit %(limit)s)"),
    "depth": _lt("%(number)s jobs are ready and not running (limit %(limit)s)"),
    "oldest_age": _lt("a job has been ready to run for %(number)s (limit %(limit)s)"),
    "wait_average": _lt("jobs waited %(number)s on average in %(minutes)s minutes (limit %(limit)s)"),
    "duration_p95": _lt("95%% of the jobs took up to %(number)s in %(minutes)s minutes (limit %(limit)s)"),
    "channel_stalled": _lt("jobs are ready but nothing has run for %(number)s (limit %(limit)s)"),
    "dead_workers": _lt("%(number)s workers died in %(minutes)s minutes (limit %(limit)s)"),
    "no_worker": _lt("no worker is running: jobs wait"),
    "worker": _lt("a worker is running"),
    "nothing": _lt("nothing is wrong any more"),
    "domain": _lt("%(number)s jobs match the rule's domain (limit %(limit)s)"),
}
SECONDS = ("oldest_age", "wait_average", "duration_p95", "channel_stalled")


class QueueAlertRule(models.Model):
    _inherit = "queue.alert.rule"

    def _describe(self, value, subject):
        """One sentence: what is wrong, where, by how much.

        :param value: None when nothing could be measured, so nothing is wrong
        """
        scope = subject or self.function or self.channel
        sentence = self._sentence(value)
        return f"{scope}: {sentence}" if scope else sentence

    def _sentence(self, value):
        if value is None:
            return self.env._(SENTENCES["nothing"])
        key = "worker" if self.kind == "no_worker" and not value else self.kind
        numbers = {
            "number": self._format(value),
            "limit": self._format(self.threshold),
            "minutes": self.window_minutes,
        }
        sentence = self.env._(SENTENCES[key])
        return sentence % numbers

    def _format(self, value):
        """A value of this rule with its unit."""
        if self.kind == "failure_rate":
            return f"{value:.3g}%"
        if self.kind in SECONDS:
            return self._format_seconds(value)
        return f"{value:.0f}" if value == int(value) else f"{value:.3g}"

    def _format_seconds(self, value):
        if value < 60:
            return self.env._("%s s", f"{value:.3g}")
        if value < 3600:
            return self.env._("%s min", f"{value / 60:.3g}")
        return self.env._("%s h", f"{value / 3600:.3g}")


class QueueAlert(models.Model):
    _inherit = "queue.alert"

    def _headline(self, event):
        """What is in the subject of a message."""
        self.ensure_one()
        labels = {
            FIRE: dict(self._fields["severity"]._description_selection(self.env))[self.severity],
            REPEAT: self.env._("Still"),
            RESOLVE: self.env._("Resolved"),
        }
        return f"{labels[event]}: {self.display_name}"
