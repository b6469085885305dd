from odoo import api, fields, models
from odoo.exceptions import ValidationError


class QueueAlertMaintenance(models.Model):
    """A time in which nobody is told of alerts, for all rules or some."""

    _name = "queue.alert.maintenance"
    _description = "Queue Maintenance Window"
    _order = "start desc"

    name = fields.Char("Reason", required=True)
    start = fields.Datetime(required=True, default=fields.Datetime.now)
    stop = fields.Datetime("End", required=True)
    rule_ids = fields.Many2many("queue.alert.rule", string="Rules", help="Empty for all.")

    @api.constrains("start", "stop")
    def _check_order(self):
        for window in self:
            if window.stop <= window.start:
                raise ValidationError(self.env._("%s: it must end after it starts.", window.name))

    @api.model
    def _running(self, now):
        return self.search([("start", "<=", now), ("stop", ">", now)])


class QueueAlertRule(models.Model):
    _inherit = "queue.alert.rule"

    def _is_muted(self, now, maintenance):
        """Whether nobody is to be told now.

        :param maintenance: the ``queue.alert.maintenance`` windows that are running
        """
        self.ensure_one()
        if self.muted_until and now < self.muted_until:
            return True
        return any(not window.rule_ids or self in window.rule_ids for window in maintenance)
