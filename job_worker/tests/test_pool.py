import os
import selectors
import signal

from odoo.tests.common import BaseCase

from ..engine.config import WorkerSettings
from ..engine.processes.pool import ExecutorPool
from ..engine.processes.wakeups import wait_and_call
from .test_lookahead import make_job

PATIENCE_SECONDS = 30


def perform(order, at):
    """In the child: what the job's method is called happens."""
    if order.jobs[0].method_name == "kill":
        os.kill(os.getpid(), signal.SIGKILL)


class TestPool(BaseCase):
    """Executors forked by this process."""

    def setUp(self):
        super().setUp()
        self.selector = selectors.DefaultSelector()
        self.addCleanup(self.selector.close)
        settings = WorkerSettings(limit_memory_soft=0, limit_memory_hard=0)
        self.pool = ExecutorPool(self.selector, settings, perform, lambda: None, lambda: None)
        self.addCleanup(self.pool.close)
        self.pool.fill(1)
        (self.executor,) = self.pool

    def test_an_executor_that_dies_before_its_parent_looks_again_is_noted_once(self):
        first, second = make_job(1), make_job(2, method_name="kill")
        self.executor.start([first])
        wait_and_call(self.selector, PATIENCE_SECONDS)
        self.assertEqual(self.pool.ended, [first])
        # Its pipe was ready a moment ago, so at its end that one comes before the pipe for stacks.
        self.executor.start([second])
        os.waitid(os.P_PID, self.executor.pid, os.WEXITED | os.WNOWAIT)
        wait_and_call(self.selector, PATIENCE_SECONDS)
        self.assertEqual([death.job for death in self.pool.deaths], [second])
        self.assertEqual(self.selector.get_map().keys(), set(), "Nothing of it is listened to any more")
