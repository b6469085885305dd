"""Scenarios about when and how often a job runs. Each method enqueues; what it enqueues is below it."""

import time
from datetime import timedelta

from odoo import models


class QueueDemoTask(models.Model):
    _inherit = "queue.demo.task"

    def _scenario_simple(self):
        self._make(1).with_delay(description="Says hello").say("Hello from a worker")

    def _scenario_bulk(self):
        tasks = self._make(1000)
        calls = [
            {
                "model_name": tasks._name,
                "method_name": "say",
                "record_ids": task.ids,
                "args": [f"Number {number}"],
                "description": f"Number {number} of 1,000",
            }
            for number, task in enumerate(tasks, start=1)
        ]
        self.env["queue.job"].enqueue_many(calls, channel="root.demo")

    def _scenario_progress(self):
        self._make(1).with_delay(description="Works in 60 steps").work_in_steps(60)

    def work_in_steps(self, steps):
        """Show how far it is, at each step."""
        job = self.env["queue.job"].current()
        for step in range(1, steps + 1):
            time.sleep(0.25)
            job.set_progress(step, steps, f"Step {step} of {steps}")
        self.note = f"{steps} steps made"

    def _scenario_identity(self):
        tasks = self._make(1)
        for click in range(1, 6):
            tasks.with_delay(
                description=f"Click {click}: only one of five is stored",
                identity_key=f"demo-identity-{tasks.id}",
                scheduled_at=timedelta(seconds=3),
            ).say(f"I am click {click}")

    def _scenario_scheduled(self):
        for seconds, task in zip((5, 10, 20, 3600), self._make(4), strict=True):
            task.with_delay(description=f"In {seconds} seconds", scheduled_at=seconds).say(f"{seconds} s later")

    def _scenario_priority(self):
        for number, task in enumerate(self._make(30), start=1):
            urgent = number > 25
            task.with_delay(
                description=f"{'Urgent' if urgent else 'Patient'}, enqueued as number {number}",
                priority=1 if urgent else 50,
            ).take_a_while(0.5)

    def take_a_while(self, seconds):
        """Work for some seconds."""
        time.sleep(seconds)
        self.note = f"Took {seconds} s"

    def say(self, note):
        """Write a note on the task."""
        self.note = note
        return note
