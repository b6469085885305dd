from odoo import fields, models

from ..metrics import periods

RESOLUTIONS = [
    (periods.MINUTE, "Minute"),
    (periods.HOUR, "Hour"),
    (periods.DAY, "Day"),
    (periods.TOTAL, "Before"),
]
OUTCOMES = [
    ("done", "Done"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
    ("error", "Failed Attempt"),
]


class QueueMetric(models.Model):
    """What ended in a minute, an hour or a day (UTC) in a channel, by function, company and outcome.

    Rows without channel and function (empty text) are the sums of the others. They outlive the jobs themselves,
    and are written by ``queue.metric._collect`` alone, in SQL.
    """

    _name = "queue.metric"
    _description = "Queue Metric"
    _log_access = False
    _order = "period desc, id desc"
    _rec_name = "function"

    resolution = fields.Selection(RESOLUTIONS, readonly=True, required=True)
    period = fields.Datetime("From", readonly=True, required=True, help="Start of the period; days are those of UTC.")
    channel = fields.Char(readonly=True, help="Empty in the sum of all.")
    function = fields.Char(readonly=True, help="Model and method; empty in the sum of all.")
    company_id = fields.Many2one("res.company", "Company", readonly=True, ondelete="cascade", index="btree_not_null")
    outcome = fields.Selection(
        OUTCOMES, readonly=True, required=True, help="Failed attempts are counted beside the jobs that failed for good."
    )
    count = fields.Integer(readonly=True, required=True)
    wait_count = fields.Integer(readonly=True, required=True)
    wait_sum = fields.Float("Waited (s)", readonly=True, required=True)
    wait_histogram = fields.Json(readonly=True, required=True)
    duration_count = fields.Integer(readonly=True, required=True)
    duration_sum = fields.Float("Ran (s)", readonly=True, required=True)
    duration_histogram = fields.Json(readonly=True, required=True)

    _key_unique = models.UniqueIndex(
        "(resolution, period, channel, function, COALESCE(company_id, 0), outcome)",
        "This period has been counted.",
    )
