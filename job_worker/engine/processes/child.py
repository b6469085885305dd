"""The life of an executor, in its own process: one job at a time, from a pipe."""

import contextlib
import ctypes
import faulthandler
import mmap
import os
import signal
import sys
import traceback
from dataclasses import dataclass

from .. import interrupt
from ..job import Order
from .memory import limit_memory, virtual_memory
from .signals import reset_in_child

_PR_SET_PDEATHSIG = 1

# What a child says at the end of each job: that it has ended, and perhaps why it should be replaced.
ENDED, TOO_BIG, STALE = b".", b"m", b"s"
# First byte of what the parent says.
JOB, REASON = b"J", b"R"


@dataclass(frozen=True)
class ChildRules:
    """What holds for each executor; sizes of virtual memory in bytes, 0 for no limit."""

    limit_memory_soft: int = 0
    limit_memory_hard: int = 0


class Position:
    """Which job of its order a child is at, in memory that it shares with its parent."""

    def __init__(self):
        self._memory = mmap.mmap(-1, 4)  # anonymous and shared: a fork doesn't copy it

    @property
    def index(self):
        return int.from_bytes(self._memory[:], sys.byteorder)

    @index.setter
    def index(self, index):
        self._memory[:] = index.to_bytes(4, sys.byteorder)


def run_child(parent_pid, pipe, position, permits, stack_writer, perform, in_child, rules):
    """The whole life of a child; never returns.

    :param pipe: connection to the parent
    :param position: :class:`Position`, kept at the job that runs
    :param int permits: file descriptor with a byte for each job of a line that may follow the first
    :param int stack_writer: file descriptor that SIGUSR1 makes it write its stack to
    :param perform: callable that runs the jobs of an :class:`~..job.Order` and writes their outcomes, with a
        callable to be told the index of each, and one that tells whether the next one of a line is still to be
        run here; true when it gave jobs back because this process is out of date
    :param in_child: callable run first, to let go of what belongs to the parent
    :param rules: :class:`ChildRules`
    """
    code = 1
    try:
        reset_in_child()
        die_with_parent(parent_pid)
        in_child()
        # In C, so that it works in a process that holds the interpreter's lock.
        faulthandler.register(signal.SIGUSR1, file=stack_writer, all_threads=True)
        limit_memory(rules.limit_memory_hard)
        _serve(pipe, position, permits, perform, rules)
        code = 0
    except BaseException:  # noqa: BLE001  (nothing may reach the parent's stack, copied by fork)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Not sys.exit: destructors would close the parent's connections from in here.
        os._exit(code)


def _serve(pipe, position, permits, perform, rules):
    order = None

    def at(index):
        position.index = index

    interrupt.install(lambda: _read_reason(pipe, order, position))
    with contextlib.suppress(EOFError, ConnectionResetError, BrokenPipeError):
        while True:
            message = pipe.recv_bytes()
            if message[:1] != JOB:
                continue  # the reason of an interruption that came too late
            order = Order.from_bytes(message[1:])
            stale = perform(order, at, lambda: _take_permit(permits))
            too_big = rules.limit_memory_soft and virtual_memory() > rules.limit_memory_soft
            pipe.send_bytes(STALE if stale else TOO_BIG if too_big else ENDED)


def _take_permit(permits):
    try:
        return bool(os.read(permits, 1))
    except BlockingIOError:
        return False


def _read_reason(pipe, order, position):
    """What the parent has put into the pipe before its signal: a reason, for no order comes while one is carried out.

    None when the job that it was meant for has ended meanwhile, and the next one of its batch runs.
    """
    if not pipe.poll():
        return None
    reason, _separator, job_id = pipe.recv_bytes()[1:].decode().partition(" ")
    return reason if order.jobs[position.index].id == int(job_id) else None


def die_with_parent(parent_pid):
    """Be killed when the parent dies, at once where the kernel offers it (Linux).

    Elsewhere the child sees the closed pipe when its current job has ended.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The parent may have died between the fork and the line above.
    if os.getppid() != parent_pid:
        os._exit(1)
