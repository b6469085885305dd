import math

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import SQL

from ..engine.channels import ROOT, check_channel, lineage
from ..engine.claim import unserved_channels
from ..engine.config import WorkerSettings
from ..engine.limits import rate_sequence
from ..engine.rooms import UNLIMITED

# The slowest rate: about once in twelve days. Below, a mistake is more likely than an intention.
MIN_RATE = 1e-6


class QueueLimit(models.Model):
    """What the jobs of a channel, and of all below it, may take. Workers read it at each claim."""

    _name = "queue.limit"
    _description = "Queue Limit"
    _order = "name"

    name = fields.Char("Channel", required=True, help="With all below it; root is above all channels.")
    limit = fields.Integer(
        required=True, default=UNLIMITED, help="Jobs that may run at the same time; 0 for none, -1 for any number."
    )
    rate_limit = fields.Float("Rate (jobs/s)", help="Jobs that may start per second, such as 0.1; 0 for any number.")
    burst = fields.Integer(required=True, default=1, help="Jobs that may start at once after a pause.")
    paused = fields.Boolean(help="Nothing starts; what runs goes on.")
    running_count = fields.Integer("Running", compute="_compute_running_count")
    ready_without_worker = fields.Boolean(
        "Unserved", compute="_compute_ready_without_worker", help="Jobs are ready, but no worker serves their channel."
    )

    _name_unique = models.Constraint("UNIQUE(name)", "This channel has its limit already.")

    @api.constrains("name", "limit", "rate_limit", "burst")
    def _check_limit(self):
        for limit in self:
            try:
                check_channel(limit.name)
            except ValueError as error:
                raise ValidationError(str(error)) from error
            if reason := limit._find_fault():
                raise ValidationError(
                    self.env._("Limit of channel %(channel)s: %(reason)s", channel=limit.name, reason=reason)
                )

    def _find_fault(self):
        if self.limit < UNLIMITED:
            return self.env._("Limit must be a number of jobs, 0 for none or -1 for any number, not %s.", self.limit)
        if not math.isfinite(self.rate_limit) or (self.rate_limit and self.rate_limit < MIN_RATE):
            return self.env._(
                "Rate must be jobs per second, %(minimum)s at least or 0 for any number, not %(rate)s.",
                minimum=MIN_RATE,
                rate=self.rate_limit,
            )
        if self.burst < 1:
            return self.env._("Burst must be a number of jobs, 1 at least, not %s.", self.burst)
        return None

    def _compute_running_count(self):
        groups = self.env["queue.job"].sudo()._read_group([("state", "=", "started")], ["channel"], ["__count"])
        for limit in self:
            limit.running_count = sum(count for channel, count in groups if limit.name in lineage(channel))

    def _compute_ready_without_worker(self):
        unserved = self.env["queue.limit"]._unserved_channels()
        for limit in self:
            limit.ready_without_worker = any(limit.name in lineage(channel) for channel in unserved)

    @api.model
    def _unserved_channels(self):
        """Channels that have ready jobs, and that no worker serves."""
        self.env["queue.job"].flush_model()
        return unserved_channels(self.env.cr, WorkerSettings().stale_after_seconds)

    @api.model_create_multi
    def create(self, vals_list):
        limits = super().create(vals_list)
        self._tell_workers()
        return limits

    def write(self, vals):
        result = super().write(vals)
        self._tell_workers()
        return result

    def unlink(self):
        for limit in self:
            self.env.cr.execute(SQL("DROP SEQUENCE IF EXISTS %s", SQL.identifier(rate_sequence(limit.id))))
        result = super().unlink()
        self._tell_workers()
        return result

    def _tell_workers(self):
        self.env["queue.job"]._wake_workers_after_commit()

    def button_pause(self):
        """Start no more jobs of these channels, nor of any below them."""
        self.write({"paused": True})

    def button_resume(self):
        self.write({"paused": False})

    @api.model
    def pause(self, channel=None):
        """Start no more jobs of ``channel`` and all below it; without one, of the whole queue.

        :return: the ``queue.limit`` record of the channel, made if there is none
        """
        return self._set_paused(channel or ROOT, True)

    @api.model
    def resume(self, channel=None):
        """Undo :meth:`pause` of the same channel. What is paused above or below it stays so."""
        return self._set_paused(channel or ROOT, False)

    def _set_paused(self, channel, paused):
        limit = self.search([("name", "=", channel)])
        if limit:
            limit.paused = paused
        elif paused:
            limit = self.create({"name": channel, "paused": True})
        return limit
