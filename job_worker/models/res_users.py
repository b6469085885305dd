from markupsafe import Markup

from odoo import fields, models

# So many failed jobs are opened from a notification.
IDS_LIMIT = 1000


class ResUsers(models.Model):
    _inherit = "res.users"

    job_failure_notification = fields.Selection(
        [("screen", "On screen"), ("inbox", "In the inbox of Discuss"), ("none", "Not at all")],
        string="Failed Jobs",
        default="screen",
        required=True,
        help="How you are told of your background jobs that failed for good.",
    )

    @property
    def SELF_READABLE_FIELDS(self):
        return [*super().SELF_READABLE_FIELDS, "job_failure_notification"]

    @property
    def SELF_WRITEABLE_FIELDS(self):
        return [*super().SELF_WRITEABLE_FIELDS, "job_failure_notification"]

    def _notify_job_failures(self, jobs):
        """Tell this user of failed jobs, all in one message, in the way that they prefer.

        :param jobs: ``queue.job`` records that the user may read
        """
        self.ensure_one()
        if not jobs or self.job_failure_notification == "none":
            return
        subject, message = self.with_context(lang=self.lang)._describe_job_failures(jobs)
        if self.job_failure_notification == "inbox" and "mail.thread" in self.env:
            self._post_to_inbox(subject, message, jobs)
        else:
            payload = {"title": subject, "message": message, "ids": jobs.ids[:IDS_LIMIT]}
            self._bus_send("job_worker/failed", payload)

    def _describe_job_failures(self, jobs):
        first = jobs[0]
        text = f"{first.name or first.function}: {first.exc_message or first.exc_name or ''}"
        if len(jobs) == 1:
            return self.env._("A background job failed"), text
        more = self.env._("%(first)s; and %(count)s more", first=text, count=len(jobs) - 1)
        return self.env._("%s background jobs failed", len(jobs)), more

    def _post_to_inbox(self, subject, message, jobs):
        link = Markup("<p>%s</p><p><a href='/odoo/action-job_worker.action_queue_job/%s'>%s</a></p>") % (
            message,
            jobs[0].id,
            self.env._("Open the job"),
        )
        self.env["mail.thread"].sudo().message_notify(partner_ids=self.partner_id.ids, subject=subject, body=link)
