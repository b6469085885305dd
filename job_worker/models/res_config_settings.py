from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .queue_job_function import GENERAL_DEFAULTS
from .queue_job_retention import RETENTION_DAYS


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    # Not by config_parameter: that stores 0 as "not set", and here 0 means for ever.
    job_retention_days_done = fields.Integer("Keep Done Jobs")
    job_retention_days_cancelled = fields.Integer("Keep Cancelled Jobs")
    job_retention_days_failed = fields.Integer("Keep Failed Jobs")
    job_default_priority = fields.Integer("Default Priority")
    job_default_max_retries = fields.Integer("Default Retries")
    job_default_timeout = fields.Integer("Default Timeout (s)")

    @api.constrains("job_retention_days_done", "job_retention_days_cancelled", "job_retention_days_failed")
    def _check_job_retention_days(self):
        for settings in self:
            if any(settings[f"job_retention_days_{state}"] < 0 for state in RETENTION_DAYS):
                raise ValidationError(self.env._("Jobs can't be kept for a negative number of days."))

    @api.constrains(*(f"job_default_{name}" for name in GENERAL_DEFAULTS))
    def _check_job_defaults(self):
        for settings in self:
            for field in (f"job_default_{name}" for name in GENERAL_DEFAULTS):
                if settings[field] < 0:
                    raise ValidationError(
                        self.env._(
                            "%(field)s can't be %(value)s: it must be a whole number from 0.",
                            field=self._fields[field].get_description(self.env, ["string"])["string"],
                            value=settings[field],
                        )
                    )

    @api.model
    def get_values(self):
        days = self.env["queue.job"]._get_retention_days
        default = self.env["queue.job.function"]._get_general_default
        return {
            **super().get_values(),
            **{f"job_retention_days_{state}": days(state) for state in RETENTION_DAYS},
            **{f"job_default_{name}": default(name) for name in GENERAL_DEFAULTS},
        }

    def set_values(self):
        self.check_access("write")  # RPC can call this on no record at all, which no rule looks at
        result = super().set_values()
        parameters = self.env["ir.config_parameter"].sudo()
        for state in RETENTION_DAYS:
            days = str(self[f"job_retention_days_{state}"])
            parameters.set_param(f"job_worker.retention_days_{state}", days)
        for name in GENERAL_DEFAULTS:
            parameters.set_param(f"job_worker.default_{name}", str(self[f"job_default_{name}"]))
        return result
