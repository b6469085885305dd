"""Signals for an event loop: handlers only count, and a byte in a socket wakes the loop."""

import os
import signal
import socket

from .. import interrupt

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class SignalInbox:
    """Collects signals between turns of the loop. ``fileno()`` becomes readable on each."""

    def __init__(self):
        self.stop_requests = 0
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def install(self):
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for signum in STOP_SIGNALS:
            signal.signal(signum, self._request_stop)
        # An ignored SIGCHLD would write no byte, and the loop would sleep through a death.
        signal.signal(signal.SIGCHLD, lambda signum, frame: None)

    def uninstall(self):
        signal.set_wakeup_fd(-1)
        for signum in (*STOP_SIGNALS, signal.SIGCHLD):
            signal.signal(signum, signal.SIG_DFL)

    def wake(self):
        """Wake the loop from another thread."""
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

    def _request_stop(self, signum, frame):
        self.stop_requests += 1


def reset_in_child():
    """Give a forked child default signals, and none of the parent's wake-up socket."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # Ctrl-C in a terminal, and some process managers, signal the whole group; the supervisor alone
    # decides what to stop. A handler, not SIG_IGN: programs that a job starts must not inherit it.
    for signum in STOP_SIGNALS:
        signal.signal(signum, lambda signum, frame: None)
    interrupt.install()


def describe_exit(status):
    """Say in words how a child ended, from the status that ``os.waitpid`` gave."""
    if os.WIFSIGNALED(status):
        signum = os.WTERMSIG(status)
        return f"was killed by signal {signum} ({signal.Signals(signum).name})"
    return f"exited with code {os.waitstatus_to_exitcode(status)}"
