"""What people change of jobs that have not started: when, where and how soon they run."""

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ..engine import states
from ..exception import JobOptionError
from ..options import check_options

_CHANGEABLE = (states.WAITING, states.PENDING)


class QueueJob(models.Model):
    _inherit = "queue.job"

    def button_run_now(self):
        """Let scheduled jobs, and those between two attempts, run as soon as a worker is free."""
        changed = self._change_unstarted(scheduled_at=None)
        return self._report_change(self.env._("%s jobs run as soon as a worker is free", len(changed)), changed)

    def _button_schedule(self, moment):
        """Let jobs run at ``moment`` (datetime, UTC) instead of when they would."""
        changed = self._change_unstarted(scheduled_at=fields.Datetime.to_datetime(moment))
        return self._report_change(self.env._("%s jobs scheduled", len(changed)), changed)

    def _button_priority(self, priority):
        """Set the priority of jobs; only managers: a user could push in before others."""
        self._check_manage()
        changed = self._change_unstarted(**self._checked(priority=priority))
        return self._report_change(self.env._("%s jobs have a new priority", len(changed)), changed)

    def _button_channel(self, channel):
        """Move jobs to another channel; only managers, for channels have limits."""
        self._check_manage()
        changed = self._change_unstarted(**self._checked(channel=channel))
        return self._report_change(self.env._("%s jobs moved to another channel", len(changed)), changed)

    def _check_manage(self):
        if not (self.env.su or self.env.user.has_group("job_worker.group_queue_job_manager")):
            raise AccessError(self.env._("Only managers of the job queue can change the priority or the channel of jobs."))

    @api.model
    def _checked(self, **options):
        try:
            return check_options(options)
        except JobOptionError as error:
            raise UserError(str(error)) from error

    def _change_unstarted(self, **values):
        """Write ``values`` to those of these jobs that have not started; return the changed jobs.

        A job that is being claimed at this moment is passed over: nothing may touch a started one.
        """
        self._check_operate()
        assignments = [SQL("%s = %s", SQL.identifier(name), value) for name, value in values.items()]
        if "scheduled_at" in values:
            due = "COALESCE(%s::timestamp > now() AT TIME ZONE 'UTC', FALSE)"
            assignments.append(SQL("scheduled = " + due, values["scheduled_at"]))
        # Its place among the jobs of its concurrency key is to be found anew.
        assignments.append(SQL("key_place = CASE WHEN concurrency_key IS NOT NULL THEN 'new' END"))
        statement = SQL(
            """UPDATE queue_job
                  SET %s, write_uid = %s, write_date = now() AT TIME ZONE 'UTC'
                WHERE id IN (SELECT id FROM queue_job WHERE id = ANY(%s) AND state = ANY(%s)
                                FOR UPDATE SKIP LOCKED)
            RETURNING id""",
            SQL(", ").join(assignments),
            self.env.uid,
            self.ids,
            list(_CHANGEABLE),
        )
        changed = self._transition(lambda cr: [id_ for (id_,) in self.env.execute_query(statement)])
        self._wake_workers_after_commit()
        return self.browse(changed)

    def _report_change(self, message, changed):
        return self._report(message, self._count_refused(self - changed))
