from ipaddress import ip_network

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .queue_metric_collect import KEEP_DAYS

TOKEN = "job_worker_monitor.metrics_token"
NETWORKS = "job_worker_monitor.metrics_networks"


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    job_keep_minute_days = fields.Integer("Keep Minutes")
    job_keep_hour_days = fields.Integer("Keep Hours")
    job_keep_day_days = fields.Integer("Keep Days")
    job_metrics_token = fields.Char("Metrics Token", config_parameter=TOKEN)
    job_metrics_networks = fields.Char("Metrics Networks", config_parameter=NETWORKS)

    @api.constrains("job_keep_minute_days", "job_keep_hour_days", "job_keep_day_days")
    def _check_job_keep_days(self):
        for settings in self:
            for resolution, (_default, least) in KEEP_DAYS.items():
                if settings[f"job_keep_{resolution}_days"] < least:
                    field = self._fields[f"job_keep_{resolution}_days"].get_description(self.env, ["string"])["string"]
                    raise ValidationError(
                        self.env._(
                            "%(field)s: at least %(least)s days, for longer periods are made of them.",
                            field=field,
                            least=least,
                        )
                    )

    @api.constrains("job_metrics_networks")
    def _check_job_metrics_networks(self):
        for settings in self:
            for text in parse_networks(settings.job_metrics_networks):
                try:
                    ip_network(text)
                except ValueError as error:
                    raise ValidationError(
                        self.env._("%(text)s is no network: %(error)s", text=text, error=error)
                    ) from error

    @api.model
    def get_values(self):
        days = self.env["queue.metric"]._get_keep_days
        return {**super().get_values(), **{f"job_keep_{resolution}_days": days(resolution) for resolution in KEEP_DAYS}}

    def set_values(self):
        self.check_access("write")  # RPC can call this on no record at all, which no rule looks at
        result = super().set_values()
        parameters = self.env["ir.config_parameter"].sudo()
        for resolution in KEEP_DAYS:
            parameters.set_param(f"job_worker_monitor.keep_{resolution}_days", str(self[f"job_keep_{resolution}_days"]))
        return result


def parse_networks(text):
    """The texts in a list such as ``10.0.0.0/8, 192.168.1.7``."""
    return [part for part in (text or "").replace(",", " ").split() if part]
