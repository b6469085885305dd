import logging

import psycopg2

from odoo import api, fields, models

from ..alerts import episode as episodes
from ..metrics import periods
from .queue_alert_rule import SEVERITIES

_logger = logging.getLogger(__name__)

OPEN = (episodes.PENDING, episodes.FIRING)
STATES = [(episodes.PENDING, "Watched"), (episodes.FIRING, "Firing"), (episodes.RESOLVED, "Resolved")]
_EPISODE_FIELDS = ("state", "since", "value", "peak", "fired_at", "notified_at", "clear_since", "resolved_at")


class QueueAlert(models.Model):
    """One time that a rule was broken, from the first bad value to its end. Written by the evaluation alone."""

    _name = "queue.alert"
    _description = "Queue Alert"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "since desc, id desc"
    _mail_post_access = "read"  # managers comment on alerts, though nobody writes them

    rule_id = fields.Many2one("queue.alert.rule", "Rule", readonly=True, required=True, ondelete="cascade", index=True)
    company_id = fields.Many2one(related="rule_id.company_id", store=True)
    severity = fields.Selection(SEVERITIES, readonly=True, required=True)
    subject = fields.Char(readonly=True, help="The channel or function that it is about; empty for all.")
    state = fields.Selection(STATES, readonly=True, required=True)
    since = fields.Datetime("Bad Since", readonly=True, required=True)
    fired_at = fields.Datetime("Fired", readonly=True)
    notified_at = fields.Datetime("Last Told", readonly=True)
    clear_since = fields.Datetime("Recovered Since", readonly=True)
    resolved_at = fields.Datetime("Resolved", readonly=True)
    value = fields.Float(readonly=True, aggregator=False)
    peak = fields.Float("Worst", readonly=True, aggregator="max")
    threshold = fields.Float(readonly=True, aggregator=False, help="That of the rule when it fired.")
    text = fields.Char("What Is Wrong", readonly=True)
    delivery_ids = fields.One2many("queue.alert.delivery", "alert_id", "Deliveries", readonly=True)

    _open_unique = models.UniqueIndex(
        "(rule_id, COALESCE(subject, '')) WHERE state IN ('pending', 'firing')",
        "A rule has one open alert for a subject.",
    )

    @api.depends("rule_id.name", "subject")
    def _compute_display_name(self):
        for alert in self:
            alert.display_name = f"{alert.rule_id.name}: {alert.subject}" if alert.subject else alert.rule_id.name

    # -- evaluation -----------------------------------------------------------------

    @api.model
    def _evaluate(self, now=None):
        """Look at all rules and tell people what has changed. Metrics must have been collected.

        :param datetime now: for tests. What is measured is of this moment, but an alert's course is counted in whole
            minutes: a cron that is a second late must not cost a minute.
        """
        now = now or fields.Datetime.now()
        minute = periods.floor(now, periods.MINUTE)
        self._close_orphans(minute)
        maintenance = self.env["queue.alert.maintenance"]._running(minute)
        for rule in self.env["queue.alert.rule"].search([("active", "=", True)]):
            self._evaluate_rule(rule, now, minute, rule._is_muted(minute, maintenance))

    @api.model
    def _evaluate_rule(self, rule, now, minute, muted):
        """One rule; what is wrong with it is written on it and keeps no other from being looked at."""
        try:
            with self.env.cr.savepoint():
                values = rule._measure(now)
                open_alerts = {alert.subject or "": alert for alert in self._open_of(rule)}
                for subject in sorted(values.keys() | open_alerts.keys()):
                    alert = open_alerts.get(subject, self.browse())
                    alert._advance(rule, subject, values.get(subject), minute, muted)
            error = False
        except psycopg2.errors.SerializationFailure:
            raise
        except Exception as exception:  # noqa: BLE001  (a rule that can't be measured says so itself)
            _logger.warning("Alert rule %s (%d) could not be measured: %s", rule.name, rule.id, exception)
            error = str(exception).strip() or type(exception).__name__
        rule.write({"evaluated_at": now, "last_error": error})

    @api.model
    def _open_of(self, rule):
        return self.search([("rule_id", "=", rule.id), ("state", "in", OPEN)])

    def _advance(self, rule, subject, value, now, muted):
        """Let time pass for this open alert (none: all was well)."""
        episode, event = episodes.advance(rule._policy(), self._episode(), value, now, muted)
        if episode is None:
            self.unlink()  # bad for too short a time to fire
            return
        values = {name: getattr(episode, name) or False for name in _EPISODE_FIELDS}
        values.update(value=value or 0.0, peak=episode.peak, threshold=rule.threshold, severity=rule.severity)
        # What was wrong, for those who read of it later; that all is well again is said by the state.
        shown = episode.peak if episode.state == episodes.RESOLVED else value
        values["text"] = rule._describe(shown, subject)
        if self:
            self.write(values)
        else:
            self = self._create_silently({**values, "rule_id": rule.id, "subject": subject})
        if event:
            self.env["queue.alert.delivery"]._announce(self, event, value)

    @api.model
    def _create_silently(self, values):
        return self.with_context(mail_create_nolog=True, mail_create_nosubscribe=True, tracking_disable=True).create(
            values
        )

    def _episode(self):
        if not self:
            return None
        values = {name: self[name] or None for name in _EPISODE_FIELDS}
        return episodes.Episode(**{**values, "value": self.value, "peak": self.peak})

    @api.model
    def _close_orphans(self, now):
        """End the alerts of rules that were archived: nobody looks at them any more, and nobody is told."""
        orphans = self.search([("state", "in", OPEN), ("rule_id.active", "=", False)])
        fired = orphans.filtered("fired_at")
        fired.write({"state": episodes.RESOLVED, "resolved_at": now})
        (orphans - fired).unlink()
