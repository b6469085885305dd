from markupsafe import Markup

from odoo import fields, models

# So many failed jobs are opened from a notification.
IDS_LIMIT = 1000
# So many are listed in a message.
LISTED_LIMIT = 20


class ResUsers(models.Model):
    _inherit = "res.users"

    job_failure_notification = fields.Selection(
        [("screen", "On screen"), ("inbox", "By message"), ("none", "Not at all")],
        string="Failed Jobs",
        default="screen",
        required=True,
        help="How you are told of your background jobs that failed for good. A message comes as your other ones do: in"
        " Odoo's inbox or by email. Without the app Discuss there are none: then it is told on screen.",
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
        user = self.with_context(lang=self.lang)
        if self.job_failure_notification == "inbox" and "mail.thread" in self.env:
            user._send_job_failures(jobs)
        else:
            payload = {**user._describe_job_failures(jobs), "ids": jobs.ids[:IDS_LIMIT]}
            self._bus_send("job_worker/failed", payload)

    def _describe_job_failures(self, jobs):
        first = _in_words(jobs[0])
        if len(jobs) == 1:
            return {"title": self.env._("A background job failed"), "message": first}
        more = self.env._("%(first)s; and %(count)s more", first=first, count=len(jobs) - 1)
        return {"title": self.env._("%s background jobs failed", len(jobs)), "message": more}

    def _send_job_failures(self, jobs):
        """As a message of Odoo: whether it shows in Odoo or is an email is up to the user's other preference."""
        # Who is no user of the queue may know of the failure, but can't open the job.
        link = "<li><a href='/odoo/queue-jobs/%(id)s'>%(text)s</a></li>"
        line = Markup(link if self.has_group("job_worker.group_queue_job_user") else "<li>%(text)s</li>")
        lines = [line % {"id": job.id, "text": _in_words(job)} for job in jobs[:LISTED_LIMIT]]
        if len(jobs) > LISTED_LIMIT:
            lines.append(Markup("<li>%s</li>") % self.env._("and %s more", len(jobs) - LISTED_LIMIT))
        self.env["mail.thread"].sudo().message_notify(
            partner_ids=self.partner_id.ids,
            subject=self._describe_job_failures(jobs)["title"],
            body=Markup("<ul>%s</ul>") % Markup("").join(lines),
            email_add_signature=False,
        )


def _in_words(job):
    return f"{job.name or job.function}: {job.exc_message or job.exc_name or ''}"
