"""Signals for an event loop: handlers only count, and a byte in a socket wakes the loop."""

import os
import signal
import socket
from collections import Counter

_HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGCHLD)


class SignalInbox:
    """Collects signals between turns of the loop. ``fileno()`` becomes readable on each."""

    def __init__(self):
        self._counts = Counter()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def install(self):
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for signum in _HANDLED:
            # SIGCHLD too: ignored it would write no byte, and the loop would sleep through a death.
            signal.signal(signum, lambda signum, frame: self._count(signum))

    def uninstall(self):
        signal.set_wakeup_fd(-1)
        for signum in _HANDLED:
            signal.signal(signum, signal.SIG_DFL)

    def take(self, *signums):
        """How many of ``signums`` have come since the last call."""
        return sum(self._counts.pop(signum, 0) for signum in signums)

    def post(self, signum):
        """Act as if ``signum`` had come; from any thread."""
        self._count(signum)
        self._writer.send(b"\0")

    def fileno(self):
        return self._reader.fileno()

    def drain(self):
        try:
            while self._reader.recv(4096):
                pass
        except BlockingIOError:
            pass

    def close(self):
        self._reader.close()
        self._writer.close()

    def _count(self, signum):
        self._counts[signum] += 1


def reset_in_child():
    """Give a forked child default signals, and none of the parent's wake-up socket."""
    signal.set_wakeup_fd(-1)
    for signum in (signal.SIGCHLD, signal.SIGUSR1):
        signal.signal(signum, signal.SIG_DFL)
    # Ctrl-C in a terminal, and some process managers, signal the whole group; the supervisor alone
    # decides what to stop. A handler, not SIG_IGN: programs that a job starts must not inherit it.
    for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, lambda signum, frame: None)


def describe_exit(status):
    """Say in words how a child ended, from the status that ``os.waitpid`` gave."""
    if os.WIFSIGNALED(status):
        signum = os.WTERMSIG(status)
        return f"was killed by signal {signum} ({signal.Signals(signum).name})"
    return f"exited with code {os.waitstatus_to_exitcode(status)}"
