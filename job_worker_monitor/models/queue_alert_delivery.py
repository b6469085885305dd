import json
from datetime import timedelta
from uuid import uuid4

from odoo import api, fields, models

from ..alerts.episode import FIRE, REPEAT, RESOLVE

METHODS = [
    ("chat", "Chat"),
    ("discuss", "Discuss Channel"),
    ("email", "E-Mail"),
    ("activity", "Activity"),
    ("webhook", "Webhook"),
]
EVENTS = [(FIRE, "Fired"), (REPEAT, "Repeated"), (RESOLVE, "Resolved")]
MAX_TRIES = 5
KEEP_DAYS = 90


class QueueAlertDelivery(models.Model):
    """One message of an alert to one receiver, and what became of it."""

    _name = "queue.alert.delivery"
    _description = "Queue Alert Delivery"
    _order = "id desc"
    _rec_name = "target"

    uuid = fields.Char("UUID", readonly=True, required=True, default=lambda self: str(uuid4()), copy=False)
    alert_id = fields.Many2one("queue.alert", readonly=True, required=True, ondelete="cascade", index=True)
    event = fields.Selection(EVENTS, readonly=True, required=True)
    method = fields.Selection(METHODS, readonly=True, required=True)
    target = fields.Char("To", readonly=True)
    user_id = fields.Many2one("res.users", "User", readonly=True, ondelete="cascade")
    discuss_channel_id = fields.Many2one("discuss.channel", "Discuss Channel", readonly=True, ondelete="set null")
    webhook_id = fields.Many2one("queue.alert.webhook", "Webhook", readonly=True, ondelete="set null")
    subject = fields.Char(readonly=True)
    body = fields.Text(readonly=True)
    state = fields.Selection(
        [("waiting", "On Its Way"), ("sent", "Sent"), ("failed", "Failed")],
        readonly=True,
        required=True,
        default="waiting",
        index=True,
    )
    tries = fields.Integer(readonly=True, aggregator=False)
    error = fields.Char(readonly=True)
    sent_at = fields.Datetime("Sent", readonly=True)
    mail_id = fields.Many2one("mail.mail", readonly=True, ondelete="set null", index="btree_not_null")
    # Indexed for the deletion of jobs.
    job_id = fields.Many2one("queue.job", "Job", readonly=True, ondelete="set null", index="btree_not_null")

    @api.model
    def _announce(self, alert, event, value):
        """Tell all receivers of an alert's rule; ``value`` is what was measured, or None."""
        rule = alert.rule_id
        receivers = [
            *({"method": "chat", "user_id": user.id, "target": user.name} for user in rule.chat_user_ids),
            *({"method": "email", "user_id": user.id, "target": user.email} for user in rule.email_user_ids),
            *({"method": "activity", "user_id": user.id, "target": user.name} for user in rule.activity_user_ids),
            *(
                {"method": "webhook", "webhook_id": webhook.id, "target": webhook.url}
                for webhook in rule.webhook_ids.filtered("active")
            ),
        ]
        if channel := rule.discuss_channel_id:
            receivers.append({"method": "discuss", "discuss_channel_id": channel.id, "target": channel.display_name})
        for receiver in receivers:
            self._deliver_to(alert, event, value, receiver)

    @api.model
    def _deliver_to(self, alert, event, value, receiver):
        reader = self.env["res.users"].browse(receiver.get("user_id"))
        localized = alert.with_context(lang=reader.lang or self.env.lang)
        delivery = self.create(
            {
                **receiver,
                "alert_id": alert.id,
                "event": event,
                "subject": localized._headline(event),
                "body": localized.rule_id._describe(value, alert.subject),
            }
        )
        if delivery.method == "webhook":
            delivery.body = json.dumps(delivery._payload())
            delivery.job_id = delivery.with_delay(
                channel="root.monitor", priority=0, description=delivery.subject
            )._send_webhook()
        else:
            delivery._try_to_send()

    def _payload(self):
        """What a webhook gets: see docs/monitoring.md."""
        alert = self.alert_id
        fields_of_alert = ("severity", "subject", "state", "value", "peak", "threshold", "text")
        times = ("since", "fired_at", "resolved_at")
        return {
            "event": self.event,
            "delivery": self.uuid,
            "database": self.env.cr.dbname,
            "headline": self.subject,
            "url": f"{self.get_base_url()}/odoo/queue.alert/{alert.id}",
            "alert": {
                "id": alert.id,
                "rule": alert.rule_id.name,
                "kind": alert.rule_id.kind,
                **{name: alert[name] or None for name in fields_of_alert},
                **{name: alert[name].isoformat() + "Z" if alert[name] else None for name in times},
                "value": alert.value,
            },
        }

    @api.autovacuum
    def _gc_alerts(self):
        before = fields.Datetime.now() - timedelta(days=KEEP_DAYS)
        old = self.env["queue.alert"].search([("state", "=", "resolved"), ("resolved_at", "<", before)], limit=1000)
        count = len(old)
        old.unlink()
        return count, count == 1000
