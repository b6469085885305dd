from odoo import fields, models

from .queue_metric import RESOLUTIONS

# The row that tells of the workers rather than of a channel.
FLEET = ""


class QueueMetricLevel(models.Model):
    """How full the queue was: looked at once a minute, by channel and company; and how many workers there were.

    Numbers are sums over ``samples`` looks (one in a minute, at most 60 in an hour), so that an average is a quotient.
    """

    _name = "queue.metric.level"
    _description = "Queue Level"
    _log_access = False
    _order = "period desc, id desc"
    _rec_name = "channel"

    resolution = fields.Selection(RESOLUTIONS, readonly=True, required=True)
    period = fields.Datetime("From", readonly=True, required=True)
    channel = fields.Char(readonly=True, help="Empty for the row of the workers.")
    company_id = fields.Many2one("res.company", "Company", readonly=True, ondelete="cascade", index="btree_not_null")
    samples = fields.Integer(readonly=True, required=True)
    ready = fields.Float(readonly=True, help="Pending jobs that could run.")
    ready_max = fields.Integer("Most Ready", readonly=True, aggregator="max")
    scheduled = fields.Float(readonly=True)
    waiting = fields.Float(readonly=True)
    started = fields.Float(readonly=True)
    started_max = fields.Integer("Most Started", readonly=True, aggregator="max")
    oldest_max = fields.Float("Oldest Ready (s)", readonly=True, aggregator="max")
    aged = fields.Integer("Ready for Long", readonly=True, help="Of a minute only.")
    workers = fields.Float(readonly=True)
    workers_min = fields.Integer("Fewest Workers", readonly=True, aggregator="min")
    capacity = fields.Float(readonly=True, help="Jobs that the workers could run at the same time.")

    _key_unique = models.UniqueIndex(
        "(resolution, period, channel, COALESCE(company_id, 0))",
        "This period has been looked at.",
    )
