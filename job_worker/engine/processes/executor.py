"""An executor as its parent sees it: a forked child that runs one job at a time.

An order goes down a pipe, one byte comes back when its jobs have ended, whatever their outcome. Before each job of
a line but the first the child takes a byte, a permit, from a second pipe. The parent takes back what is left in
there, so that of each job it is certain whether it has begun.
"""

import contextlib
import os
import signal
import time
from multiprocessing import Pipe

from .. import interrupt
from .child import JOB, REASON, Position, run_child

# Jobs of a line don't wait longer than so for the one that runs.
RECALL_SECONDS = 0.05


class Executor:
    """The parent's view of one child."""

    def __init__(self, pid, pipe, position, permits, stack_reader, recycle_after_jobs):
        self.pid = pid
        # What it was told to run: in one transaction, or one after the other.
        self.jobs = []
        self.together = False
        # How many jobs of the order were before those in `jobs`.
        self._offset = 0
        # How many more it may run before it is replaced.
        self.jobs_left = recycle_after_jobs or float("inf")
        # When those that have not begun are to be taken back (monotonic seconds).
        self.recall_at = float("inf")
        # Why the running job is being stopped: a reason of interrupt.py, or None.
        self.stopping = None
        self._stopping_id = None
        # When enforce_timeout has something to do next (monotonic seconds), or None.
        self.deadline = None
        # No more jobs for it: it ends after the one it has.
        self.retired = False
        self.stack_reader = stack_reader
        self._started = 0.0
        self._pipe = pipe
        self._position = position
        self._permits = permits

    @classmethod
    def fork(cls, perform, in_child, rules, recycle_after_jobs=0):
        """Fork a child that calls ``perform`` for each order sent to it; see :func:`~.child.run_child`."""
        parent_pid = os.getpid()
        ours, theirs = Pipe()
        position = Position()
        permits = os.pipe()
        os.set_blocking(permits[0], False)
        stack_reader, stack_writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            ours.close()
            os.close(stack_reader)
            os.close(permits[1])
            run_child(parent_pid, theirs, position, permits[0], stack_writer, perform, in_child, rules)
        theirs.close()
        os.close(stack_writer)
        return cls(pid, ours, position, permits, stack_reader, recycle_after_jobs)

    @property
    def idle(self):
        return not self.jobs and not self.retired

    @property
    def busy(self):
        return bool(self.jobs)

    @property
    def job(self):
        """The job that runs now."""
        return self.jobs[self._position.index - self._offset]

    @property
    def seconds(self):
        """How long it has been at its jobs."""
        return time.monotonic() - self._started

    def fileno(self):
        return self._pipe.fileno()

    def start(self, order):
        """Send an :class:`~..job.Order` down the pipe. If the child is gone, its death is accounted for with it."""
        self._position.index = self._offset = 0
        self.jobs, self.together = list(order.jobs), order.together
        self.stopping = None
        self._started = time.monotonic()
        self.deadline = self._started + self.job.timeout if self.job.timeout else None
        if len(self.jobs) > 1 and not self.together:
            self.recall_at = self._started + RECALL_SECONDS
            os.write(self._permits[1], b"." * (len(self.jobs) - 1))
        with contextlib.suppress(OSError):
            self._pipe.send_bytes(JOB + order.to_bytes())

    def recall(self):
        """Take back the jobs of a line that have not begun, and now never will; return them."""
        self.recall_at = float("inf")
        try:
            count = len(os.read(self._permits[0], len(self.jobs)))
        except BlockingIOError:
            return []
        recalled = self.jobs[-count:]
        del self.jobs[-count:]
        return recalled

    def take_ended(self):
        """The jobs of a line that ended before the one that runs; they are its own no more."""
        count = 0 if self.together else self._position.index - self._offset
        ended = self.jobs[:count]
        del self.jobs[:count]
        self._offset += count
        self.jobs_left -= count
        return ended

    def collect(self):
        """Read the end of its jobs: what the child says of it, or None when the child is gone instead."""
        try:
            word = self._pipe.recv_bytes()
        except (EOFError, OSError):
            return None
        self.jobs_left -= len(self.jobs)
        self.jobs = []
        self.deadline = self.stopping = None
        self.recall_at = float("inf")
        return word

    def enforce_timeout(self, grace_seconds):
        """Interrupt a job past its deadline; kill it when that didn't help within the grace time."""
        if self.deadline is None or time.monotonic() < self.deadline:
            return
        if self.stopping and self.job.id != self._stopping_id:
            self.stopping = self.deadline = None  # that one has ended, and the next of its batch runs
        elif self.stopping:
            self.deadline = None  # its death is on the way
            self.kill()
        else:
            self.interrupt(interrupt.TIMEOUT, grace_seconds)

    def interrupt(self, reason, grace_seconds):
        """Raise an exception in the running job; :meth:`enforce_timeout` kills it when that doesn't help in time."""
        if self.stopping:
            return
        self.stopping, self._stopping_id = reason, self.job.id
        self.deadline = time.monotonic() + grace_seconds
        with contextlib.suppress(OSError):
            self._pipe.send_bytes(REASON + f"{reason} {self.job.id}".encode())
            os.kill(self.pid, interrupt.SIGNAL)

    def ask_for_stack(self):
        os.kill(self.pid, signal.SIGUSR1)

    def close(self):
        """Close the pipes: an idle child ends by itself, a busy one after its job."""
        self._pipe.close()
        if self.stack_reader is not None:  # else it was closed before, and the numbers are of other files by now
            for descriptor in (self.stack_reader, *self._permits):
                os.close(descriptor)
            self.stack_reader = None

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
