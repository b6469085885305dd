"""What the worker needs of a database: connections, its registry, and whether it is fit."""

import contextlib
import os

import psycopg2

from odoo import sql_db
from odoo.modules.module import get_manifest
from odoo.modules.registry import Registry
from odoo.tools import config

from ..engine.connection import EngineConnection

CONNECT_TIMEOUT_SECONDS = 5
# A control connection to a host that was cut off is given up within about half a minute.
_KEEPALIVE = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20000}


class DatabaseError(Exception):
    """The database can't be served; the message is for the person who started the worker."""


class VersionError(DatabaseError):
    """The database has job_worker in another version than this code."""


def dsn(db_name):
    """Keyword arguments of ``psycopg2.connect`` for ``db_name``, from Odoo's configuration."""
    return sql_db.connection_info_for(db_name)[1]


def connect(db_name, host="", port=0):
    """A connection of our own, outside Odoo's pool.

    :param host: another server than Odoo's configuration names, to get past a pooler
    :param port: another port than there
    """
    info = {**dsn(db_name), "connect_timeout": CONNECT_TIMEOUT_SECONDS, **_KEEPALIVE}
    if host:
        info["host"] = host
    if port:
        info["port"] = port
    return psycopg2.connect(connection_factory=EngineConnection, **info)


def session_name(pid):
    """The ``application_name`` of Odoo's sessions in process ``pid``; None when it doesn't tell processes apart."""
    name = config["db_app_name"]
    return name.replace("{pid}", str(pid))[:63] if "{pid}" in name and "PGAPPNAME" not in os.environ else None


def code_version():
    """The version of job_worker that this process runs."""
    return get_manifest("job_worker")["version"]


def check_database(db_name):
    """Make sure that ``db_name`` can be reached and has job_worker installed, in the version of this code.

    :raise DatabaseError: it says which of these failed, and the remedy
    """
    try:
        connection = connect(db_name)
    except psycopg2.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise DatabaseError(f"can't connect to database {db_name!r}: {reason}") from error
    with contextlib.closing(connection):
        version = _installed_version(connection)
    if version is None:
        raise DatabaseError(
            f"database {db_name!r} does not have the module job_worker: install it with -i job_worker first"
        )
    if version != code_version():
        raise VersionError(
            f"database {db_name!r} has job_worker {version}, but this worker is {code_version()}:"
            " upgrade the module with -u job_worker, or restart the worker if that was done"
        )


def list_databases():
    """Names of all databases of the server that are ours to serve, job_worker or not; None if it can't be reached.

    As Odoo's own list: those that the configured role owns.
    """
    for maintenance in ("postgres", "template1"):
        try:
            connection = connect(maintenance)
        except psycopg2.OperationalError:
            continue
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute(
                "SELECT datname FROM pg_database"
                " WHERE datdba = (SELECT usesysid FROM pg_user WHERE usename = current_user)"
                " AND NOT datistemplate AND datallowconn"
            )
            return {name for (name,) in cursor.fetchall()} - {"postgres"}
    return None


def _installed_version(connection):
    """The version of job_worker in a database; None when it isn't installed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('ir_module_module') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return None
        cursor.execute(
            "SELECT latest_version FROM ir_module_module"
            " WHERE name = 'job_worker' AND state IN ('installed', 'to upgrade')"
        )
        row = cursor.fetchone()
    return row and row[0]


def inherited_registry(db_name):
    """The registry of ``db_name`` in an executor: loaded before the fork, with sessions under its own name."""
    registry = Registry(db_name)
    if getattr(registry, "_job_worker_pid", None) != os.getpid():
        # Sessions of the pool from before would go by the name of the parent, see session_name.
        registry._db = sql_db.db_connect(db_name)
        registry._job_worker_pid = os.getpid()
    return registry
