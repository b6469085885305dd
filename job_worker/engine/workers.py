"""The registry of living workers: a row in ``queue_worker`` and a session lock."""

import os
import socket

import psycopg2

from .prepared import SessionStatements
from .queries import QUERIES

# First half of the two-part advisory lock of each worker; the second is its id.
WORKER_LOCK_CLASS = 0x6A6F62  # "job"


# No statement of a worker's control connection should take long; a hung one is given up, and the
# connection with it.
STATEMENT_TIMEOUT = "30s"
LOCK_TIMEOUT = "10s"


def speaks_to_server(connection):
    """Whether ``connection`` reaches PostgreSQL itself and not a pooler, which may change its session at any time.

    A pooler answers the start of a connection itself, with a process id of its own making.
    """
    with connection.cursor() as cursor:
        cursor.execute(QUERIES["backend_pid"])
        return cursor.fetchone()[0] == connection.info.backend_pid


def prepare_session(connection, channels):
    """Make a session fit for control: it listens to ``channels``, prepares what it runs often, and no statement hangs.

    :param connection: :class:`~.connection.EngineConnection` to PostgreSQL itself, see :func:`speaks_to_server`
    """
    connection.statements = SessionStatements()
    with connection.cursor() as cursor:
        cursor.execute(QUERIES["limit_session"], {"statement_timeout": STATEMENT_TIMEOUT, "lock_timeout": LOCK_TIMEOUT})
        for channel in channels:
            cursor.execute(f"LISTEN {channel}")  # a constant: LISTEN takes no parameters


def make_identity(version, concurrency, channels=None, note=""):
    """What a worker is registered as: this process of this host.

    :param str note: added to its name, to tell what kind of worker it is
    :return: dict of the arguments of :func:`register_worker`
    """
    hostname, pid = socket.gethostname(), os.getpid()
    name = f"{hostname}:{pid}{note}"
    return {
        "name": name,
        "hostname": hostname,
        "pid": pid,
        "version": version,
        "concurrency": concurrency,
        "channels": channels,
    }


def register_worker(connection, *, session_lock=True, **identity):
    """Insert this worker's row and take its session lock; return its id.

    :param bool session_lock: False where a session can't be held; then the heartbeat alone counts
    :param identity: name, hostname, pid, version, concurrency, channels
    """
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(QUERIES["register_worker"], {**identity, "session_lock": session_lock})
        (worker_id,) = cursor.fetchone()
        if session_lock:
            cursor.execute(QUERIES["hold_worker_lock"], {"lock_class": WORKER_LOCK_CLASS, "worker_id": worker_id})
        cursor.execute("COMMIT")
    return worker_id


def resume_worker(connection, worker_id):
    """Take the session lock of ``worker_id`` again on a new connection. False when its row is gone.

    :raise psycopg2.OperationalError: the lock is still held, by the old session that the server
        has not given up yet
    """
    with connection.cursor() as cursor:
        cursor.execute(QUERIES["resume_worker"], {"lock_class": WORKER_LOCK_CLASS, "worker_id": worker_id})
        row = cursor.fetchone()
    if row is not None and not row[0]:
        raise psycopg2.OperationalError("the lock of this worker's old session is still held")
    return row is not None


def renew_heartbeat(connection, worker_id):
    """Go on as ``worker_id`` without a session lock. False when its row is gone."""
    with connection.cursor() as cursor:
        cursor.execute(QUERIES["renew_heartbeat"], {"worker_id": worker_id})
        return cursor.fetchone() is not None


def heartbeat(connection, worker_id, status):
    """Say that this worker lives, with its status for people. False when another worker has declared it dead."""
    with connection.cursor() as cursor:
        cursor.execute(QUERIES["heartbeat"], {"worker_id": worker_id, "status": status})
        return cursor.fetchone() is not None


def end_sessions(cursor, application_name):
    """End the database sessions of a process of this host that was killed."""
    cursor.execute(QUERIES["end_sessions"], {"application_name": application_name})


def unregister_worker(connection, worker_id):
    with connection.cursor() as cursor:
        cursor.execute(QUERIES["unregister_worker"], {"worker_id": worker_id})


def claims_of_worker(cursor, worker_id):
    """``(job id, claim token)`` of all started jobs of a worker."""
    cursor.execute(QUERIES["claims_of_worker"], {"worker_id": worker_id})
    return cursor.fetchall()
