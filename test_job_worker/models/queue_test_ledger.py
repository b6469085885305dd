import itertools
import os
import signal
import time
from collections import deque

import psutil

from odoo import api, fields, models

from odoo.addons.job_worker.exception import FailedJobError, RetryableJobError

_kept = []


class QueueTestLedger(models.Model):
    """What jobs did, one row each: a job that took effect twice would break the constraint."""

    _name = "queue.test.ledger"
    _description = "Queue Test Ledger"

    name = fields.Char(required=True)
    pid = fields.Integer()
    transaction = fields.Char(help="The transaction of PostgreSQL that wrote the row.")

    _name_unique = models.Constraint("UNIQUE(name)", "This job took effect twice.")

    @api.model
    def act(self, name, fate="done", seconds=0.0):
        """A job whose arguments choose its fate; its effect is one ledger row.

        :param str fate: ``done``, ``error``, ``fail``, ``retry``, ``sleep``, ``block`` (sleeps
            in C code, out of reach for exceptions), ``touched`` (its row is changed by another
            transaction), ``progress`` (shows half, then sleeps), ``exit`` (ends its own process),
            ``kill`` (by SIGKILL), ``kill_worker`` (the whole worker), ``loop`` (for ever, in Python),
            ``hold`` (for ever, in C code that holds the interpreter's lock), ``hog`` (takes memory until
            it is refused), ``grow`` (takes 200 MB and keeps them), ``commit`` (by itself, then sleeps) or ``set``
            (changes a parameter, which invalidates caches)
        :param float seconds: how long to sleep, or to wait before the next attempt
        """
        self.env.cr.execute("SELECT pg_current_xact_id()::text")
        (transaction,) = self.env.cr.fetchone()
        self.create({"name": name, "pid": os.getpid(), "transaction": transaction})
        getattr(self, f"_act_{fate}")(seconds)
        return name

    @api.model
    def act_at_the_end(self, name, seconds):
        """A job that sleeps first, and whose effect is a row of this very process: two attempts would leave two."""
        time.sleep(seconds)
        self.create({"name": f"{name} {os.getpid()}", "pid": os.getpid()})

    def _act_done(self, seconds):
        pass

    def _act_error(self, seconds):
        raise ValueError("This job always raises")

    def _act_fail(self, seconds):
        raise FailedJobError("This job can't succeed")

    def _act_retry(self, seconds):
        raise RetryableJobError("Not yet", seconds=seconds)

    def _act_sleep(self, seconds):
        self.flush_model()
        time.sleep(seconds)

    def _act_block(self, seconds):
        self.env.cr.execute("SELECT pg_sleep(%s)", [seconds])

    def _act_touched(self, seconds):
        job = self.env["queue.job"].current()
        if not job.exc_message:  # the other transaction is of the first try only
            with self.env.registry.cursor() as cr:
                cr.execute("UPDATE queue_job SET exc_message = 'touched' WHERE id = %s", [job.id])

    def _act_progress(self, seconds):
        self.env["queue.job"].current().set_progress(1, 2, "half of it")
        time.sleep(seconds)

    def _act_kill_worker(self, seconds):
        manager = psutil.Process(os.getppid()).ppid()
        os.kill(manager, signal.SIGKILL)
        time.sleep(60)

    def _act_loop(self, seconds):
        while True:
            pass

    def _act_hold(self, seconds):
        # Endless, and never back in Python, where signals are handled.
        deque(itertools.repeat(None), maxlen=0)

    def _act_hog(self, seconds):
        taken = []
        while True:
            taken.append(bytearray(2**24))

    def _act_grow(self, seconds):
        _kept.append(bytearray(200 * 2**20))

    def _act_commit(self, seconds):
        self.env.cr.commit()  # pylint: disable=invalid-commit
        time.sleep(seconds)

    def _act_set(self, seconds):
        self.env["ir.config_parameter"].set_param("queue_test.parameter", time.monotonic())

    def _act_exit(self, seconds):
        os._exit(3)

    def _act_kill(self, seconds):
        os.kill(os.getpid(), signal.SIGKILL)
