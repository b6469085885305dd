from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..alerts.episode import Policy

KINDS = [
    ("failed_count", "Failed jobs"),
    ("failure_rate", "Failure rate (%)"),
    ("error_count", "Failed attempts"),
    ("failing_streak", "A function's failures in a row"),
    ("depth", "Jobs ready to run"),
    ("oldest_age", "Age of the oldest ready job (s)"),
    ("wait_average", "Average wait (s)"),
    ("duration_p95", "95th percentile of durations (s)"),
    ("channel_stalled", "Channel stalled (s)"),
    ("dead_workers", "Dead workers"),
    ("no_worker", "No worker"),
    ("domain", "Number of jobs in a domain"),
]
SEVERITIES = [("info", "Information"), ("warning", "Warning"), ("critical", "Critical")]
# What these are measured by is in their nature.
MEASURED_BY = {
    "channel_stalled": "channel",
    "failing_streak": "function",
    "dead_workers": "all",
    "no_worker": "all",
    "domain": "all",
}
# Who changes one of these says what is looked at.
SCOPE_FIELDS = {"kind", "domain", "channel", "function", "company_id", "measured_by"}
LONGEST_WINDOW_MINUTES = 24 * 60


class QueueAlertRule(models.Model):
    """When people are told that something is wrong with the queue, and who."""

    _name = "queue.alert.rule"
    _description = "Queue Alert Rule"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    kind = fields.Selection(KINDS, "Watches", required=True, default="failed_count")
    severity = fields.Selection(SEVERITIES, required=True, default="warning")

    channel = fields.Char(help="Only this channel and those below it. Empty for all.")
    function = fields.Char(help="Only this method: res.partner.write. Empty for all.")
    company_id = fields.Many2one("res.company", "Company", ondelete="cascade")
    measured_by = fields.Selection(
        [("all", "All together"), ("channel", "Channel"), ("function", "Function")],
        required=True,
        compute="_compute_measured_by",
        precompute=True,
        store=True,
        readonly=False,
        help="An alert for all of the scope together, or one for each channel or function in it.",
    )
    domain = fields.Char(default="[]", help="Jobs that are counted, as the person who wrote the domain sees them.")
    author_id = fields.Many2one(
        "res.users",
        "Measures As",
        readonly=True,
        ondelete="restrict",
        help="Who wrote down what is looked at: it is measured with their rights and in their companies.",
    )

    threshold = fields.Float(required=True, default=1.0, help="It is bad when the value is at least this.")
    window_minutes = fields.Integer("Window", required=True, default=10, help="Minutes that are looked at.")
    min_jobs = fields.Integer("Minimum", default=1, help="Of fewer jobs, averages and rates say nothing.")
    hold_minutes = fields.Integer("Fires After", help="Minutes that it must be bad without a break; 0 for at once.")
    clear_percent = fields.Float(
        "Recovery Margin (%)", help="It has recovered when the value is this far below the threshold."
    )
    clear_minutes = fields.Integer("Resolves After", help="Minutes that it must be recovered; 0 for at once.")
    repeat_minutes = fields.Integer("Repeats Every", help="Minutes between reminders while it fires; 0 for none.")
    muted_until = fields.Datetime(help="Until then nobody is told. Alerts are recorded all the same.")

    chat_user_ids = fields.Many2many("res.users", "queue_alert_rule_chat_rel", "rule_id", "user_id", "Chat With")
    discuss_channel_id = fields.Many2one("discuss.channel", "Discuss Channel", ondelete="set null")
    email_user_ids = fields.Many2many("res.users", "queue_alert_rule_email_rel", "rule_id", "user_id", "E-Mail To")
    activity_user_ids = fields.Many2many(
        "res.users", "queue_alert_rule_activity_rel", "rule_id", "user_id", "Activity For"
    )
    webhook_ids = fields.Many2many("queue.alert.webhook", string="Webhooks")

    alert_ids = fields.One2many("queue.alert", "rule_id", "Alerts")
    firing_count = fields.Integer(compute="_compute_firing_count")
    evaluated_at = fields.Datetime("Last Looked At", readonly=True, copy=False)
    last_error = fields.Char("Could Not Be Measured", readonly=True, copy=False)

    @api.depends("kind")
    def _compute_measured_by(self):
        for rule in self:
            rule.measured_by = MEASURED_BY.get(rule.kind, rule.measured_by or "all")

    def _compute_firing_count(self):
        groups = self.env["queue.alert"]._read_group(
            [("rule_id", "in", self.ids), ("state", "=", "firing")], ["rule_id"], ["__count"]
        )
        counts = {rule.id: count for rule, count in groups}
        for rule in self:
            rule.firing_count = counts.get(rule.id, 0)

    @api.constrains("kind", "measured_by")
    def _check_measured_by(self):
        for rule in self:
            natural = MEASURED_BY.get(rule.kind)
            if natural and rule.measured_by != natural:
                labels = dict(self._fields["measured_by"]._description_selection(self.env))
                raise ValidationError(
                    self.env._("%(rule)s can only be measured by: %(by)s", rule=rule.name, by=labels[natural])
                )

    @api.constrains("window_minutes", "hold_minutes", "clear_minutes", "repeat_minutes", "min_jobs")
    def _check_minutes(self):
        for rule in self:
            if not 1 <= rule.window_minutes <= LONGEST_WINDOW_MINUTES:
                raise ValidationError(
                    self.env._(
                        "%(rule)s: the window must be 1 to %(longest)s minutes, not %(given)s.",
                        rule=rule.name,
                        longest=LONGEST_WINDOW_MINUTES,
                        given=rule.window_minutes,
                    )
                )
            if min(rule.hold_minutes, rule.clear_minutes, rule.repeat_minutes, rule.min_jobs) < 0:
                raise ValidationError(self.env._("%s: numbers of minutes and jobs can't be negative.", rule.name))

    @api.constrains("threshold", "clear_percent")
    def _check_threshold(self):
        for rule in self:
            if rule.threshold <= 0:
                raise ValidationError(
                    self.env._(
                        "%(rule)s: the threshold must be above 0, not %(given)s: else all is always bad.",
                        rule=rule.name,
                        given=rule.threshold,
                    )
                )
            if not 0 <= rule.clear_percent < 100:
                raise ValidationError(
                    self.env._("%s: the recovery margin must be from 0 to below 100 percent.", rule.name)
                )

    @api.constrains("domain", "kind")
    def _check_domain(self):
        for rule in self:
            if rule.kind == "domain":
                rule._parse_domain()

    @api.model_create_multi
    def create(self, vals_list):
        # Nobody else can be named, so nobody sees by a rule what they could not see themselves.
        return super().create([{**vals, "author_id": self.env.uid} for vals in vals_list])

    def write(self, vals):
        vals = {name: value for name, value in vals.items() if name != "author_id"}
        if not vals.keys().isdisjoint(SCOPE_FIELDS):
            vals["author_id"] = self.env.uid
        return super().write(vals)

    def _policy(self):
        """The rule's numbers as a :class:`~..alerts.episode.Policy`."""
        self.ensure_one()
        return Policy(
            threshold=self.threshold,
            clear_below=self.threshold * (1 - self.clear_percent / 100),
            hold=timedelta(minutes=self.hold_minutes),
            clear_hold=timedelta(minutes=self.clear_minutes),
            repeat=timedelta(minutes=self.repeat_minutes),
        )

    def action_open_alerts(self):
        self.ensure_one()
        return {
            **self.env["ir.actions.act_window"]._for_xml_id("job_worker_monitor.action_queue_alert"),
            "domain": [("rule_id", "=", self.id)],
            "context": {},
        }

    def action_mute(self):
        """Tell nobody for an hour."""
        self.muted_until = fields.Datetime.now() + timedelta(hours=1)

    def action_unmute(self):
        self.muted_until = False
