"""Interrupt a running job: an exception raised in it by a signal."""

import signal
from contextlib import contextmanager

from ..exception import CancelledJobError, TimeoutJobError

SIGNAL = signal.SIGUSR2
TIMEOUT, CANCEL = "timeout", "cancel"
_armed = False


@contextmanager
def interruptible():
    """Let the signal interrupt the block. Outside of one it is ignored: a job that has
    returned in time must not be stopped on its way to the commit.
    """
    global _armed
    _armed = True
    try:
        yield
    finally:
        _armed = False


def install(read_reason):
    """Install the handler of the signal.

    :param read_reason: callable giving :data:`TIMEOUT`, :data:`CANCEL`, or None for a false alarm
    """
    signal.signal(SIGNAL, lambda signum, frame: _interrupt(read_reason()))


def _interrupt(reason):
    if not _armed:
        return
    if reason == TIMEOUT:
        raise TimeoutJobError("The job ran longer than its timeout allows.")
    if reason == CANCEL:
        raise CancelledJobError("The job was cancelled while it ran.")
