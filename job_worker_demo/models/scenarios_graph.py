"""Scenarios in which jobs wait for others."""

from odoo import models

from odoo.addons.job_worker.delay import chain, group


class QueueDemoTask(models.Model):
    _inherit = "queue.demo.task"

    def _scenario_chain(self):
        order, pick, pack, ship = self._make(4)
        chain(
            order.delayable(description="1. Confirm the order").take_a_while(2),
            pick.delayable(description="2. Pick").take_a_while(2),
            pack.delayable(description="3. Pack").take_a_while(2),
            ship.delayable(description="4. Ship").take_a_while(2),
        ).delay()

    def _scenario_fan_out(self):
        first, last, *parts = self._make(42)
        chain(
            first.delayable(description="Split the file").take_a_while(1),
            group(*[part.delayable(description=f"Import part {n}").take_a_while(0.4) for n, part in enumerate(parts, 1)]),
            last.delayable(description="Report, when all parts are in").say("All parts are in"),
        ).delay()

    def _scenario_compensation(self):
        pay, ship, refund = self._make(3)
        work = pay.delayable(description="Reserve the stock: fails").give_up("Out of stock")
        work.on_done(ship.delayable(description="Ship").say("Shipped"))
        work.on_error(refund.delayable(description="Refund the customer").say("Refunded"))
        work.delay()
