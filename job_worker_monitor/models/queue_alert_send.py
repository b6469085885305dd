"""Sending: what needs no worker is sent at once, webhooks through the queue, and by the cron when no worker lives."""

import logging

import psycopg2
import requests
from markupsafe import Markup

from odoo import api, fields, models

from odoo.addons.job_worker.exception import RetryableJobError

from ..alerts.episode import FIRE, RESOLVE
from .queue_alert_delivery import MAX_TRIES

_logger = logging.getLogger(__name__)


class QueueAlertDelivery(models.Model):
    _inherit = "queue.alert.delivery"

    def _try_to_send(self):
        """Send, and write down what came of it; a receiver that can't be reached keeps no other from being told."""
        self.ensure_one()
        try:
            with self.env.cr.savepoint():
                getattr(self, f"_send_{self.method}")()
        except psycopg2.errors.SerializationFailure:
            raise
        except Exception as error:  # noqa: BLE001  (whatever it is, it is shown with the delivery)
            _logger.warning("Alert %s could not be sent to %s: %s", self.subject, self.target, error)
            self._note_failure(str(error).strip() or type(error).__name__)

    def _note_sent(self):
        self.write({"state": "sent", "sent_at": fields.Datetime.now(), "tries": self.tries + 1, "error": False})

    def _note_failure(self, error):
        tries = self.tries + 1
        self.write({"state": "failed" if tries >= MAX_TRIES else "waiting", "tries": tries, "error": error})

    def _send_chat(self):
        bot = self.env.ref("base.partner_root")
        chats = self.env["discuss.channel"].with_user(self.env.ref("base.user_root"))
        chat = chats._get_or_create_chat([self.user_id.partner_id.id])
        self._post_in(chat, bot)

    def _send_discuss(self):
        self._post_in(self.discuss_channel_id, self.env.ref("base.partner_root"))

    def _post_in(self, channel, author):
        body = Markup("<b>%s</b><br/>%s<br/>%s") % (self.subject, self.body, self._link())
        channel.sudo().message_post(
            body=body, author_id=author.id, message_type="comment", subtype_xmlid="mail.mt_comment"
        )
        self._note_sent()

    def _link(self):
        url = f"{self.get_base_url()}/odoo/queue.alert/{self.alert_id.id}"
        return Markup('<a href="%s">%s</a>') % (url, self.env._("Open the alert"))

    def _send_email(self):
        """Hand it over to Odoo's own mail queue, which its scheduler sends."""
        if not self.user_id.email:
            raise ValueError(self.env._("%s has no e-mail address.", self.user_id.name))
        self.mail_id = self.env["mail.mail"].create(
            {
                "subject": self.subject,
                "body_html": Markup("<p>%s</p><p>%s</p>") % (self.body, self._link()),
                "email_to": self.user_id.email_formatted,
                "auto_delete": False,
            }
        )
        self.env.ref("mail.ir_cron_mail_scheduler_action")._trigger()

    def _send_activity(self):
        """A to-do that is there while the alert fires."""
        alert = self.alert_id
        own = alert.activity_ids.filtered(lambda activity: activity.user_id == self.user_id)
        if self.event == RESOLVE:
            own.action_feedback(feedback=self.body)
        elif self.event == FIRE or not own:
            alert.activity_schedule(
                "mail.mail_activity_data_todo", summary=self.subject, note=self.body, user_id=self.user_id.id
            )
        self._note_sent()

    def _send_webhook(self):
        """The job: post it. A failed attempt is the job's own, with its backoff, and is shown here by the cron."""
        if self.exists() and self.state != "sent":
            try:
                self.webhook_id._post(self.uuid, self.event, self.body)
            except requests.RequestException as error:
                raise RetryableJobError(str(error)) from error
            self._note_sent()

    @api.model
    def _follow_up(self):
        """Look what became of what is on its way, and send again what could not be sent."""
        worker_lives = any(worker["alive"] for worker in self.env["queue.metric"]._live_workers(fields.Datetime.now()))
        unreachable = self.env["queue.alert.webhook"]
        for delivery in self.search([("state", "=", "waiting")], order="id", limit=100):
            if delivery.method == "email" and delivery.mail_id:
                delivery._follow_up_mail()
            elif delivery.method != "webhook":
                delivery._try_to_send()
            else:
                delivery._follow_up_job()
                # One that does not answer keeps the cron waiting once in a turn.
                if delivery.state == "waiting" and not worker_lives and delivery.webhook_id not in unreachable:
                    delivery._post_without_worker()
                    if delivery.state == "waiting":
                        unreachable |= delivery.webhook_id

    def _follow_up_mail(self):
        mail = self.mail_id.exists()
        if not mail or mail.state in ("sent", "received"):
            self._note_sent()
        elif mail.state in ("exception", "cancel"):
            self.write({"state": "failed", "error": mail.failure_reason or mail.failure_type, "tries": 1})

    def _follow_up_job(self):
        job = self.job_id.sudo()
        if not job or job.state in ("failed", "cancelled"):
            error = job.exc_message or self.error or self.env._("The job was deleted or cancelled.")
            self.write({"state": "failed", "error": error, "tries": job.attempts or self.tries})
        elif job.attempts > self.tries:
            self.write({"error": job.exc_message, "tries": job.attempts})

    def _post_without_worker(self):
        """The queue can't: no worker lives. The job, when its time comes, finds that it has been sent."""
        try:
            self.webhook_id._post(self.uuid, self.event, self.body)
        except requests.RequestException as error:
            self.write({"error": str(error)})
        else:
            self._note_sent()
