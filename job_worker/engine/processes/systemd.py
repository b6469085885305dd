"""What systemd is told (``Type=notify``): ready, reloading, stopping, a status line, and that the loop turns.

Protocol: sd_notify(3), https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

import contextlib
import os
import socket
import time


class Systemd:
    """Speaks to the socket that ``NOTIFY_SOCKET`` names; does nothing where there is none.

    ``next_watchdog`` is when systemd has to hear from us next (monotonic seconds), or infinity.
    """

    def __init__(self, environment=os.environ):
        self._socket = None
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._ready = False
        self._status = None
        self._interval = None
        self.next_watchdog = float("inf")
        if not self._address:
            return
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        if environment.get("WATCHDOG_USEC", "").isdecimal():
            # Half the time that systemd waits, as sd_watchdog_enabled(3) recommends.
            self._interval = int(environment["WATCHDOG_USEC"]) / 2e6
            self.next_watchdog = 0.0

    def tell(self, status):
        """Say that the loop turns, and what it does.

        :param str status: a line for people; empty while a database is still starting, so not ready yet
        """
        if self._socket is None:
            return
        if status and not self._ready:
            self._ready = True
            self._send("READY=1")
        if status and status != self._status:
            self._status = status
            self._send(f"STATUS=Serving {status}")
        if time.monotonic() >= self.next_watchdog:
            self.next_watchdog = time.monotonic() + self._interval
            self._send("WATCHDOG=1")

    def reloading(self):
        self._ready = False
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self):
        self._ready = True  # nothing is said of being ready any more
        self._send("STOPPING=1")

    def close(self):
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, message):
        if self._socket is None:
            return
        # An abstract address is written with a @ for its first byte, which is NUL.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with contextlib.suppress(OSError):  # systemd going away must not take the worker along
            self._socket.sendto(message.encode(), address)
