from ast import literal_eval

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..models.queue_job_bulk import BATCH_SIZE, OPERATIONS

# Counting goes on to here: the exact number of millions is of no use to a person.
COUNT_LIMIT = 100000


class QueueJobBulk(models.TransientModel):
    """Asks what to do with the selected jobs, or with all that match the filter of the list."""

    _name = "queue.job.bulk"
    _description = "Operate Many Jobs"

    scope = fields.Selection(
        [("selection", "The selected jobs"), ("filter", "All jobs that match the filter")],
        string="Which Jobs",
        required=True,
        default="filter",
    )
    domain = fields.Char(readonly=True, required=True, default="[]")
    domain_text = fields.Char("Filter", compute="_compute_domain_text")
    job_ids = fields.Json(readonly=True)
    selected_count = fields.Integer("Selected", compute="_compute_count")
    operation = fields.Selection(
        [
            ("requeue", "Requeue failed and cancelled jobs"),
            ("cancel", "Cancel unfinished jobs"),
            ("done", "Set done"),
            ("failed", "Set failed"),
            ("run_now", "Run now"),
            ("schedule", "Schedule"),
            ("priority", "Change the priority"),
            ("channel", "Change the channel"),
        ],
        string="What to Do",
        required=True,
        default="requeue",
    )
    scheduled_at = fields.Datetime("Run At")
    priority = fields.Integer(default=10, help="Lower runs first.")
    channel = fields.Char(default="root")
    count = fields.Integer("Jobs That Will Change", compute="_compute_count")
    count_text = fields.Char("Jobs That Change", compute="_compute_count")

    @api.model
    def default_get(self, fields_list):
        """The selection and the filter of the list that the button was clicked in."""
        values = super().default_get(fields_list)
        context = self.env.context
        if context.get("active_model") != "queue.job":
            return values
        ids = context.get("active_ids") or []
        return {
            **values,
            "domain": repr(context.get("active_domain") or []),
            "job_ids": ids,
            "scope": "selection" if ids else "filter",
        }

    @api.depends("domain")
    def _compute_domain_text(self):
        for wizard in self:
            empty = not wizard._parse_domain()
            wizard.domain_text = self.env._("None: all jobs that you see") if empty else wizard.domain

    @api.depends("scope", "operation", "domain", "job_ids")
    def _compute_count(self):
        for wizard in self:
            domain = self.env["queue.job"]._bulk_domain(wizard.operation or "requeue", wizard._scope_domain())
            count = self.env["queue.job"].search_count(domain, limit=COUNT_LIMIT + 1)
            wizard.count = count
            wizard.count_text = f"{COUNT_LIMIT}+" if count > COUNT_LIMIT else str(count)
            wizard.selected_count = len(wizard.job_ids or [])

    def _scope_domain(self):
        if self.scope == "selection":
            return [("id", "in", self.job_ids or [])]
        return self._parse_domain()

    def _parse_domain(self):
        # Made by default_get, but a client may send another: no code, and searched as its user.
        try:
            domain = literal_eval(self.domain or "[]")
            Domain(domain)
        except (ValueError, SyntaxError, TypeError) as error:
            raise UserError(self.env._("The filter can't be read: %s", error)) from error
        return domain

    def action_apply(self):
        """Do it: few jobs at once, many by a job of the queue that goes on in batches."""
        self.ensure_one()
        Job = self.env["queue.job"]
        Job._check_operate()
        if self.operation in ("priority", "channel"):
            Job._check_manage()
        domain, args = self._scope_domain(), self._operation_args()
        jobs = Job.search(Job._bulk_domain(self.operation, domain), limit=BATCH_SIZE + 1)
        if len(jobs) <= BATCH_SIZE:
            return self._apply_at_once(jobs, args)
        job = Job._start_bulk(self.operation, domain, args, self._describe())
        return {
            "type": "ir.actions.act_window",
            "res_model": "queue.job",
            "res_id": job.id,
            "view_mode": "form",
            "views": [(False, "form")],
        }

    def _apply_at_once(self, jobs, args):
        method, _changeable = OPERATIONS[self.operation]
        action = getattr(jobs, method)(*args)
        action["params"]["next"] = {"type": "ir.actions.act_window_close"}
        return action

    def _operation_args(self):
        if self.operation == "schedule":
            if not self.scheduled_at:
                raise UserError(self.env._("Say when the jobs are to run."))
            return [fields.Datetime.to_string(self.scheduled_at)]
        return {"priority": [self.priority], "channel": [self.channel]}.get(self.operation, [])

    def _describe(self):
        label = dict(self._fields["operation"]._description_selection(self.env))[self.operation]
        return self.env._("%(operation)s: %(count)s jobs", operation=label, count=self.count_text)
