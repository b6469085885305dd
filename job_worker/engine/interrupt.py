"""Interrupt a job that overran its timeout: an exception raised in it by a signal."""

import signal
from contextlib import contextmanager

from ..exception import TimeoutJobError

SIGNAL = signal.SIGUSR2
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


def install():
    signal.signal(SIGNAL, _interrupt)


def _interrupt(signum, frame):
    if _armed:
        raise TimeoutJobError("The job ran longer than its timeout allows.")
