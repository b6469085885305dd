import os
import selectors
import signal
import threading
import time

from odoo.tests.common import BaseCase

from ..engine.config import WorkerSettings
from ..engine.job import Order
from ..engine.processes.pool import ExecutorPool
from ..engine.processes.wakeups import wait_and_call
from .test_lookahead import make_job

PATIENCE_SECONDS = 30


def perform(order, at, may_follow):
    """In the child: what the jobs' methods are called happens."""
    for index, job in enumerate(order.jobs):
        if index and not may_follow():
            return
        at(index)
        if job.method_name == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if job.method_name == "hang":
            threading.Event().wait()
        if job.method_name == "tell":
            os.write(int(job.payload), f"{job.id} ".encode())
            threading.Event().wait(0.2)


class TestPool(BaseCase):
    """Executors forked by this process."""

    def setUp(self):
        super().setUp()
        self.reader, self.writer = os.pipe()  # for children to tell what they do
        self.addCleanup(os.close, self.reader)
        self.addCleanup(os.close, self.writer)
        self.selector = selectors.DefaultSelector()
        self.addCleanup(self.selector.close)
        settings = WorkerSettings(limit_memory_soft=0, limit_memory_hard=0)
        self.pool = ExecutorPool(self.selector, settings, perform, lambda: None, lambda: None)
        self.addCleanup(self.pool.close)
        self.pool.fill(1)
        (self.executor,) = self.pool

    def test_an_executor_that_dies_before_its_parent_looks_again_is_noted_once(self):
        first, second = make_job(1), make_job(2, method_name="kill")
        self.executor.start(Order([first]))
        wait_and_call(self.selector, PATIENCE_SECONDS)
        self.assertEqual(self.pool.ended, [first])
        # Its pipe was ready a moment ago, so at its end that one comes before the pipe for stacks.
        self.executor.start(Order([second]))
        os.waitid(os.P_PID, self.executor.pid, os.WEXITED | os.WNOWAIT)
        wait_and_call(self.selector, PATIENCE_SECONDS)
        self.assertEqual([death.job for death in self.pool.deaths], [second])
        self.assertEqual(self.selector.get_map().keys(), set(), "Nothing of it is listened to any more")

    def wait_for(self, condition):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            self.assertLess(time.monotonic(), deadline, "Waited in vain")
            wait_and_call(self.selector, 0.01)

    def test_what_waits_for_a_long_job_is_taken_back_and_what_has_begun_is_not(self):
        quick, long, *waiting = [
            make_job(number, method_name="hang" if number == 2 else "write") for number in range(1, 6)
        ]
        self.executor.start(Order([quick, long, *waiting]))
        self.wait_for(lambda: self.executor.job is long)
        recalled = []
        self.wait_for(lambda: recalled.extend(self.pool.recall()) or recalled)
        self.assertEqual(recalled, waiting)
        self.assertEqual((self.pool.ended, self.pool.claims), ([quick], {2: 102}))
        self.assertEqual((self.pool.recall(at_once=True), self.pool.next_recall), ([], float("inf")))

    def test_each_job_either_begins_or_is_taken_back(self):
        jobs = [make_job(number, method_name="tell", payload=str(self.writer)) for number in range(1, 9)]
        self.executor.start(Order(jobs))
        self.wait_for(lambda: self.executor.job.id > 2)
        recalled = self.pool.recall(at_once=True)
        self.wait_for(lambda: self.executor.idle)
        begun = [int(number) for number in os.read(self.reader, 100).split()]
        self.assertEqual(begun + [job.id for job in recalled], list(range(1, 9)))
        self.assertEqual([job.id for job in self.pool.ended], begun)

    def test_a_death_in_a_line_ends_one_job_only(self):
        before, killer, after = make_job(1), make_job(2, method_name="kill"), make_job(3)
        self.executor.start(Order([before, killer, after]))
        self.wait_for(lambda: self.pool.deaths)
        (death,) = self.pool.deaths
        self.assertEqual((self.pool.ended, death.job, death.others), ([before], killer, [after]))

    def test_a_death_in_a_batch_leaves_none_of_it(self):
        before, killer, after = make_job(1), make_job(2, method_name="kill"), make_job(3)
        self.executor.start(Order([before, killer, after], together=True))
        os.write(self.executor._permits[1], b"..")
        self.wait_for(lambda: self.pool.deaths)
        (death,) = self.pool.deaths
        self.assertEqual((self.pool.ended, death.job, death.others), ([], killer, [before, after]))
