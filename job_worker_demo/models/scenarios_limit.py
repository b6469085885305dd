"""Scenarios about limits. Data of this module limits the channel demo.api: see Queue / Channels."""

import time

from odoo import models


class QueueDemoTask(models.Model):
    _inherit = "queue.demo.task"

    def _scenario_rate(self):
        for number, task in enumerate(self._make(20), start=1):
            task.with_delay(description=f"Call {number} of the remote API", channel="demo.api").call_api()

    def call_api(self):
        """At most 2 calls per second, whatever the number of workers."""
        self.note = f"Called at {time.strftime('%H:%M:%S')}"

    def _scenario_key(self):
        for number, task in enumerate(self._make(12), start=1):
            customer = "ABC"[number % 3]
            task.with_delay(
                description=f"Update customer {customer}", concurrency_key=f"demo-customer-{customer}"
            ).take_a_while(1)
