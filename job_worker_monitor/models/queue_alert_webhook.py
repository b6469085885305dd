import hashlib
import hmac
import time
from urllib.parse import urlsplit

import requests

from odoo import api, fields, models
from odoo.exceptions import ValidationError

TIMEOUT_SECONDS = 10
SIGNATURE_HEADER = "X-Job-Worker-Signature"
TIMESTAMP_HEADER = "X-Job-Worker-Timestamp"
DELIVERY_HEADER = "X-Job-Worker-Delivery"
EVENT_HEADER = "X-Job-Worker-Event"


class QueueAlertWebhook(models.Model):
    """A URL that alerts are posted to, signed."""

    _name = "queue.alert.webhook"
    _description = "Queue Alert Webhook"
    _order = "name, id"

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    url = fields.Char("URL", required=True)
    secret = fields.Char(
        groups="job_worker.group_queue_job_manager",
        copy=False,
        help="Signs what is sent (HMAC-SHA256), so that the receiver knows where it is from. Empty for no signature.",
    )

    @api.constrains("url")
    def _check_url(self):
        for webhook in self:
            parts = urlsplit(webhook.url or "")
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValidationError(
                    self.env._("%(name)s: %(url)s is no URL of the web.", name=webhook.name, url=webhook.url)
                )

    def _post(self, delivery_uuid, event, body):
        """Send ``body`` (text of JSON) and return the status of the answer.

        :raise requests.RequestException: there was no answer, or one that is not 2xx; redirects are not followed
        """
        self.ensure_one()
        data = body.encode()
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "job_worker",
            EVENT_HEADER: event,
            DELIVERY_HEADER: delivery_uuid,
            TIMESTAMP_HEADER: timestamp,
        }
        secret = self.sudo().secret
        if secret:
            headers[SIGNATURE_HEADER] = f"sha256={sign(secret, timestamp, data)}"
        answer = requests.post(self.url, data=data, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        if not 200 <= answer.status_code < 300:
            raise requests.HTTPError(f"{self.url} answered {answer.status_code} {answer.reason}", response=answer)
        return answer.status_code


def sign(secret, timestamp, data):
    """The signature of a request: HMAC-SHA256 in hex of ``timestamp.body`` with the webhook's secret.

    :param str timestamp: seconds since 1970, as in the header
    :param bytes data: the body as sent
    """
    return hmac.new(secret.encode(), timestamp.encode() + b"." + data, hashlib.sha256).hexdigest()
