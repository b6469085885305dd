"""The registry of living workers: a row in ``queue_worker`` and a session lock."""

import psycopg2

from .queries import QUERIES

# First half of the two-part advisory lock of each worker; the second is its id.
WORKER_LOCK_CLASS = 0x6A6F62  # "job"


def register_worker(connection, *, name, hostname, pid, version, concurrency):
    """Insert this worker's row and take its session lock; return its id."""
    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        values = {
            "name": name,
            "hostname": hostname,
            "pid": pid,
            "version": version,
            "concurrency": concurrency,
        }
        cursor.execute(QUERIES["register_worker"], values)
        (worker_id,) = cursor.fetchone()
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


def heartbeat(connection, worker_id):
    """Say that this worker lives. False when another worker has declared it dead."""
    with connection.cursor() as cursor:
        cursor.execute(QUERIES["heartbeat"], {"worker_id": worker_id})
        return cursor.fetchone() is not None


def end_sessions(cursor, application_name):
    """End the database sessions of a process of this host that was killed."""
    cursor.execute(QUERIES["end_sessions"], {"application_name": application_name})


def unregister_worker(connection, worker_id):
    with connection.cursor() as cursor:
        cursor.execute(QUERIES["unregister_worker"], {"worker_id": worker_id})
