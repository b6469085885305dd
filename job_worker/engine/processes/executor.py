"""An executor: a forked child that runs one job at a time.

The parent talks to it over a pipe: a claimed job goes down, one byte comes back
when the job has ended, whatever its outcome. The child never outlives its parent.
"""

import contextlib
import ctypes
import os
import signal
import sys
import time
import traceback
from multiprocessing import Pipe

from .. import interrupt
from ..job import ClaimedJob
from .signals import reset_in_child

_PR_SET_PDEATHSIG = 1
_ENDED = b"."


class Executor:
    """The parent's view of one child."""

    def __init__(self, pid, pipe):
        self.pid = pid
        self.job = None
        self.overran = False
        # When enforce_timeout has something to do next (monotonic seconds), or None.
        self.deadline = None
        self._pipe = pipe

    @classmethod
    def fork(cls, perform, in_child):
        """Fork a child that calls ``perform(job)`` for each job sent to it.

        :param perform: callable taking a :class:`~..job.ClaimedJob`; it writes the outcome itself
        :param in_child: callable run first in the child, to let go of what belongs to the parent
        """
        parent_pid = os.getpid()
        ours, theirs = Pipe()
        pid = os.fork()
        if pid == 0:
            _run_child(parent_pid, ours, theirs, perform, in_child)
        theirs.close()
        return cls(pid, ours)

    @property
    def idle(self):
        return self.job is None

    def fileno(self):
        return self._pipe.fileno()

    def start(self, job):
        """Send ``job`` down the pipe. If the child is gone, its death is accounted for with the job."""
        self.job = job
        self.overran = False
        self.deadline = time.monotonic() + job.timeout if job.timeout else None
        with contextlib.suppress(OSError):
            self._pipe.send_bytes(job.to_bytes())

    def collect(self):
        """Read the end of the running job. False when the child is gone instead."""
        try:
            self._pipe.recv_bytes()
        except (EOFError, OSError):
            return False
        self.job = self.deadline = None
        return True

    def enforce_timeout(self, grace_seconds):
        """Interrupt a job past its deadline; kill it when that didn't help within the grace time."""
        if self.deadline is None or time.monotonic() < self.deadline:
            return
        if self.overran:
            self.deadline = None  # its death is on the way
            self.kill()
        else:
            self.overran = True
            self.deadline = time.monotonic() + grace_seconds
            os.kill(self.pid, interrupt.SIGNAL)

    def close(self):
        """Close the pipe: an idle child ends by itself, a busy one after its job."""
        self._pipe.close()

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)


def _run_child(parent_pid, parent_end, pipe, perform, in_child):
    """The whole life of a child; never returns."""
    code = 1
    try:
        reset_in_child()
        _die_with_parent(parent_pid)
        parent_end.close()
        in_child()
        _serve(pipe, perform)
        code = 0
    except BaseException:  # noqa: BLE001  (nothing may reach the parent's stack, copied by fork)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Not sys.exit: destructors would close the parent's connections from in here.
        os._exit(code)


def _serve(pipe, perform):
    while True:
        try:
            data = pipe.recv_bytes()
        except (EOFError, ConnectionResetError):
            return
        perform(ClaimedJob.from_bytes(data))
        pipe.send_bytes(_ENDED)


def _die_with_parent(parent_pid):
    """Be killed when the parent dies, at once where the kernel offers it (Linux).

    Elsewhere the child sees the closed pipe when its current job has ended.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died between the fork and the line above.
    if os.getppid() != parent_pid:
        os._exit(1)
