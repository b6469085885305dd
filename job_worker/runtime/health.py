"""Whether a worker of this host serves its databases: what Docker, Kubernetes and monitoring ask."""

import contextlib
import socket

import psycopg2

from ..engine.queries import QUERIES
from ..engine.workers import WORKER_LOCK_CLASS
from .database import DatabaseError, check_database, connect, list_databases


def check_health(db_names, settings):
    """Look whether each database has a living worker on this host.

    :param db_names: names of databases; empty for all that have job_worker
    :param settings: :class:`~..engine.config.WorkerSettings`, of which ``stale_after_seconds`` counts
    :return: ``(healthy, message)``; also unhealthy when a database can't be reached
    """
    host = socket.gethostname()
    params = {"hostname": host, "stale_after": settings.stale_after_seconds, "lock_class": WORKER_LOCK_CLASS}
    names = list(db_names or ()) or _find_served()
    if names is None:
        return False, "unhealthy: the PostgreSQL server can't be reached"
    troubles, alive = [], []
    for name in names:
        try:
            with contextlib.closing(connect(name)) as connection, connection.cursor() as cursor:
                cursor.execute(QUERIES["living_workers"], params)
                workers = [f"{worker} {status}" for worker, status in cursor.fetchall()]
        except psycopg2.Error as error:
            troubles.append(f"database {name}: {str(error).strip().splitlines()[0]}")
            continue
        if workers:
            alive.append(f"{name}: {', '.join(workers)}")
        else:
            troubles.append(f"database {name} has no living worker on {host}")
    if troubles:
        return False, "unhealthy: " + "; ".join(troubles)
    return True, "healthy: " + ("; ".join(alive) or "no database has job_worker yet")


def _find_served():
    existing = list_databases()
    return existing and sorted(name for name in existing if _is_fit(name))


def _is_fit(db_name):
    try:
        check_database(db_name)
    except DatabaseError:
        return False
    return True
