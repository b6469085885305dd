"""Scenarios in which something goes wrong."""

import os
import signal
import time

from odoo import models

from odoo.addons.job_worker.exception import FailedJobError, RetryableJobError


class QueueDemoTask(models.Model):
    _inherit = "queue.demo.task"

    def _scenario_flaky(self):
        self._make(1).with_delay(
            description="Fails twice, then succeeds", retry_pattern={1: 3, 2: 5}
        ).succeed_at_attempt(3)

    def succeed_at_attempt(self, wanted):
        """A service that is down at first: any exception is retried."""
        attempt = self.env["queue.job"].current().attempts + 1
        self.note = "This is rolled back with the attempt"
        if attempt < wanted:
            raise ConnectionError(f"Attempt {attempt}: the service does not answer")
        self.note = f"Succeeded at attempt {attempt}"

    def _scenario_failure(self):
        self._make(1).with_delay(description="Fails for good").give_up("The invoice has no customer")

    def give_up(self, reason):
        """No further attempt could help, so none is made."""
        raise FailedJobError(reason)

    def _scenario_own_delay(self):
        self._make(1).with_delay(description="Asks to be called again in 4 seconds").ask_again(4)

    def ask_again(self, seconds):
        """The other side said when to come again."""
        if not self.env["queue.job"].current().attempts:
            raise RetryableJobError("Too many requests: retry after 4 s", seconds=seconds)
        self.note = "The second call was answered"

    def _scenario_timeout(self):
        self._make(1).with_delay(
            description="May take 2 seconds, wants 60", timeout=2, max_retries=1, retry_pattern={1: 1}
        ).hang(60)

    def hang(self, seconds):
        """A call that doesn't come back."""
        time.sleep(seconds)

    def _scenario_kill(self):
        self._make(1).with_delay(description="Kills its own process", retry_pattern={1: 1, 2: 1}).kill_itself()

    def kill_itself(self):
        """As a crash in a C library, or the kernel when memory runs out, would."""
        os.kill(os.getpid(), signal.SIGKILL)
