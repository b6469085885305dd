"""What the worker needs of a database: connections, its registry, and whether it is fit."""

import os

import psycopg2

from odoo import sql_db
from odoo.modules.registry import Registry
from odoo.tools import config


class DatabaseError(Exception):
    """The database can't be served; the message is for the person who started the worker."""


def dsn(db_name):
    """Keyword arguments of ``psycopg2.connect`` for ``db_name``, from Odoo's configuration."""
    return sql_db.connection_info_for(db_name)[1]


def connect(db_name):
    """A connection of our own, outside Odoo's pool."""
    return psycopg2.connect(**dsn(db_name))


def session_name(pid):
    """The ``application_name`` of Odoo's sessions in process ``pid``; None when it doesn't tell processes apart."""
    name = config["db_app_name"]
    return name.replace("{pid}", str(pid))[:63] if "{pid}" in name and "PGAPPNAME" not in os.environ else None


def check_database(db_name):
    """Make sure that ``db_name`` can be reached and has job_worker installed.

    :raise DatabaseError: it says which of the two failed
    """
    try:
        connection = connect(db_name)
    except psycopg2.OperationalError as error:
        reason = str(error).strip().splitlines()[0]
        raise DatabaseError(f"can't connect to database {db_name!r}: {reason}") from error
    try:
        if not _is_installed(connection):
            raise DatabaseError(
                f"database {db_name!r} does not have the module job_worker: install it with -i job_worker first"
            )
    finally:
        connection.close()


def _is_installed(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('ir_module_module') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return False
        cursor.execute(
            "SELECT 1 FROM ir_module_module WHERE name = 'job_worker' AND state IN ('installed', 'to upgrade')"
        )
        return cursor.fetchone() is not None


def current_registry(db_name):
    """The registry of ``db_name``, reloaded and its caches emptied if another process says so."""
    registry = Registry(db_name)
    if getattr(registry, "_job_worker_pid", None) != os.getpid():
        # Loaded before the fork: its sessions would go by the name of the parent, see session_name.
        registry._db = sql_db.db_connect(db_name)
        registry._job_worker_pid = os.getpid()
    return registry.check_signaling()
