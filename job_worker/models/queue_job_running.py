"""What a job can know of itself, and what opens from it."""

from odoo import api, models
from odoo.exceptions import UserError
from odoo.service.model import get_public_method

from ..runtime import call, payload


class QueueJob(models.Model):
    _inherit = "queue.job"

    @api.model
    @api.private
    def current(self):
        """The job that this code runs in; an empty recordset outside of one."""
        uuid = self.env.context.get("job_uuid")
        if not isinstance(uuid, call.JobUuid):
            return self.sudo().browse()
        return self.sudo().search([("uuid", "=", str(uuid))], limit=1)

    @api.private
    def db_record(self):
        """This job: OCA's ``with_delay()`` returns an object that has its record here."""
        return self

    def action_open_related(self):
        """Open what this job is about: its records, or what its function's related action says."""
        self.ensure_one()
        self.check_access("read")
        function = self.env["queue.job.function"]._get_function(self.model_name, self.method_name)
        related = function.related_action or {}
        if not related.get("enable", True):
            raise UserError(self.env._("Jobs of %s have no related action.", function.name))
        if related.get("func_name") in (None, "", "related_action_open_record"):
            return self.related_action_open_record()
        # Only what RPC could call: a function's settings must not reach further than its editor.
        return get_public_method(self, related["func_name"])(self, **related.get("kwargs", {}))

    @api.private
    def related_records(self):
        """The records of this job that still exist, in the environment of the caller.

        :raise UserError: the model isn't there any more
        """
        self.ensure_one()
        if self.model_name not in self.env:
            raise UserError(self.env._("The model %s does not exist any more.", self.model_name))
        return self.env[self.model_name].browse(call.record_ids(self.sudo().payload)).exists()

    @api.private
    def related_action_open_record(self):
        """The default related action: the form of one record, the list of several."""
        records = self.related_records()
        if not records:
            raise UserError(
                self.env._("The records of this job do not exist any more (%(call)s).", call=self.func_string)
                if self.record_ids
                else self.env._("This job is about no record.")
            )
        action = {
            "type": "ir.actions.act_window",
            "res_model": records._name,
            "name": self.env._("Related Record"),
        }
        if len(records) == 1:
            return {**action, "view_mode": "form", "res_id": records.id}
        return {**action, "view_mode": "list,form", "domain": [("id", "in", records.ids)]}

    @api.private
    def result_value(self):
        """What the job's method returned, as a value; None before it is done or when it isn't stored."""
        self.ensure_one()
        text = self.sudo().result
        return payload.decode(self.env, text) if text else None
