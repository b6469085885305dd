"""The supervisor's control connection: its place in the registry of workers, and its wake-ups."""

import contextlib
import os

import psycopg2

from ..connection import CONNECTION_ERRORS
from ..notifier import CHANNEL
from ..workers import heartbeat, register_worker, resume_worker, unregister_worker


class ControlConnection:
    """One connection in autocommit that listens and holds the worker's session lock.

    :param connect: callable returning a new psycopg2 connection
    :param dict identity: name, hostname, pid, version and concurrency of the worker
    """

    def __init__(self, connect, identity):
        self.worker_id = None
        self.name = identity["name"]
        self._connect = connect
        self._identity = identity
        self._connection = None
        self._fileno = None

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
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")
        resumed = self.worker_id is not None and resume_worker(connection, self.worker_id)
        lost = self.worker_id is not None and not resumed
        if not resumed:
            self.worker_id = register_worker(connection, **self._identity)
        self._connection = connection
        self._fileno = connection.fileno()
        return not lost

    def register_again(self):
        """Take a new place, after this worker was declared dead."""
        self.worker_id = register_worker(self._connection, **self._identity)

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
        """Read the notifications that have come."""
        self._connection.poll()
        self._connection.notifies.clear()

    def beat(self):
        """Say that this worker lives. False when another one has declared it dead."""
        return heartbeat(self._connection, self.worker_id)

    def leave(self):
        """Give up the place in the registry and close."""
        unregister_worker(self._connection, self.worker_id)
        self._connection.close()

    def drop(self):
        """Forget a broken connection."""
        connection, self._connection = self._connection, None
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
