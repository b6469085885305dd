"""The supervisor's control connection: its place in the registry of workers, and its wake-ups."""

import contextlib
import logging
import os
import time

import psycopg2

from ..cancel import CHANNEL as CANCEL_CHANNEL
from ..connection import CONNECTION_ERRORS
from ..notifier import CHANNEL
from ..workers import (
    heartbeat,
    prepare_session,
    register_worker,
    renew_heartbeat,
    resume_worker,
    speaks_to_server,
    unregister_worker,
)

# Waits between two attempts to reach PostgreSQL: doubling, from the first to the last. The first is not
# shorter, for whoever drops a database ends its sessions and needs a moment without new ones.
RECONNECT_SECONDS = (0.25, 5.0)

_logger = logging.getLogger(__name__)


class ControlConnection:
    """One connection in autocommit that listens and holds the worker's session lock.

    Behind a pooler that gives each transaction another session neither works: there it only
    polls and beats.

    :param connect: callable returning a new psycopg2 connection
    :param dict identity: name, hostname, pid, version, concurrency and channels of the worker
    """

    def __init__(self, connect, identity):
        self.worker_id = None
        self.name = identity["name"]
        self.next_attempt = 0.0
        self.is_direct = True
        self._connect = connect
        self._identity = identity
        self._connection = None
        self._fileno = None
        self._pid = None
        self._wait = RECONNECT_SECONDS[0]

    @property
    def is_open(self):
        return self._connection is not None

    def open(self):
        """Connect, listen, and take the place of this worker; go on with the old one if it is still ours.

        :return: False when the worker had been declared dead, so that it starts afresh
        :raise psycopg2.OperationalError: the server can't be reached, or hasn't let go of our old session
        """
        connection = self._connect()
        connection.autocommit = True
        self.is_direct = speaks_to_server(connection)
        if self.is_direct:
            prepare_session(connection, (CHANNEL, CANCEL_CHANNEL))
        resumed = self.worker_id is not None and self._resume(connection)
        lost = self.worker_id is not None and not resumed
        if not resumed:
            self.worker_id = self._register(connection)
        self._connection = connection
        self._fileno = connection.fileno()
        self._pid = connection.info.backend_pid
        self._wait = RECONNECT_SECONDS[0]
        return not lost

    def reopen(self):
        """Try :meth:`open` again when it is time; None when that wasn't so, or didn't work."""
        if time.monotonic() < self.next_attempt:
            return None
        try:
            return self.open()
        except psycopg2.Error:
            self.next_attempt = time.monotonic() + self._wait
            self._wait = min(2 * self._wait, RECONNECT_SECONDS[1])
            return None

    def register_again(self):
        """Take a new place, after this worker was declared dead."""
        self.worker_id = self._register(self._connection)

    def cursor(self):
        if self._connection is None:
            raise psycopg2.InterfaceError("the control connection is closed")
        return self._connection.cursor()

    @property
    def connection(self):
        return self._connection

    def fileno(self):
        # Remembered: psycopg2 doesn't tell it any more once the connection broke.
        return self._fileno

    def drain(self):
        """Read the notifications that have come; return the set of the channels on which others have notified."""
        self._connection.poll()
        channels = {notification.channel for notification in self._connection.notifies if notification.pid != self._pid}
        self._connection.notifies.clear()
        return channels

    def beat(self, status):
        """Say that this worker lives, and how. False when another one has declared it dead."""
        return heartbeat(self._connection, self.worker_id, status)

    def leave(self):
        """Give up the place in the registry and close."""
        unregister_worker(self._connection, self.worker_id)
        self._connection.close()

    def drop(self):
        """Forget a broken connection."""
        connection, self._connection = self._connection, None
        self.next_attempt = time.monotonic() + self._wait
        with contextlib.suppress(*CONNECTION_ERRORS):
            connection.close()

    def detach_in_child(self):
        """Let go of the parent's connection in a forked child.

        The socket must not stay open in a child (the session lock would outlive the parent),
        nor be closed by libpq, which would end the parent's session. Pointing it at /dev/null
        does neither.
        """
        if self._connection is None or self._connection.closed:
            return
        devnull = os.open(os.devnull, os.O_RDWR)
        os.dup2(devnull, self._fileno)
        os.close(devnull)

    def _register(self, connection):
        return register_worker(connection, **self._identity, session_lock=self.is_direct)

    def _resume(self, connection):
        if self.is_direct:
            return resume_worker(connection, self.worker_id)
        return renew_heartbeat(connection, self.worker_id)
