"""Cursors of jobs on one connection that stays from job to job.

Odoo's pool resets a session each time it lends it, which takes two statements. Here that is part of the
first statement of the job (``RESET ALL``), so that settings of one job never reach the next one. And what each
job runs is prepared in the session, where it is one of PostgreSQL and not of a pooler.
"""

import functools

import psycopg2

from odoo.sql_db import Cursor

from ..engine.prepared import PREPARE_FINISH_JOB, execute_statement, prepare_statement
from ..engine.workers import speaks_to_server
from ..exception import StaleRegistryError
from .database import dsn
from .job_connection import JobConnection

_BEGIN_JOB = {"user_id": "int"}


class JobCursor(Cursor):
    """A cursor that knows when its job is over: then nothing is left to commit or to roll back."""

    job_is_over = False

    def __exit__(self, exc_type, exc_value, traceback):
        if not (self.job_is_over and exc_type is None):
            super().__exit__(exc_type, exc_value, traceback)
            return
        # What a commit and a rollback would do, once: they forget what is cached.
        self.clear()
        self._obj.close()
        self._closed = True


class JobCursors:
    """Opens cursors for one process, one at a time. It is what Odoo's :class:`Cursor` takes for its pool.

    :param str db_name: name of the database
    :param tuple caches: names of Odoo's groups of caches, see :func:`begin_statement`
    """

    readonly = False

    def __init__(self, db_name, caches):
        self._db_name = db_name
        self._caches = caches
        self._connection = None

    def cursor(self):
        """A new cursor, with hooks and caches of its own.

        :raise psycopg2.OperationalError: the server can't be reached
        """
        return JobCursor(self, self._db_name, {})

    def borrow(self, _connection_info):
        if self._connection is None or self._connection.closed:
            self._connection = self._connect()
        return self._connection

    def _connect(self):
        connection = psycopg2.connect(connection_factory=JobConnection, **dsn(self._db_name))
        connection.job_worker_prepared = speaks_to_server(connection)
        if connection.job_worker_prepared:
            begin = prepare_statement("begin_job", begin_statement(self._caches), _BEGIN_JOB)
            with connection.cursor() as cursor:
                cursor.execute(f"{PREPARE_FINISH_JOB}; {begin}")
        connection.commit()
        return connection

    def give_back(self, connection, keep_in_pool=True):
        if not keep_in_pool and not connection.closed:
            connection.close()


def is_prepared(cr):
    """Whether the session of ``cr`` has the statements of jobs prepared."""
    return getattr(cr.connection, "job_worker_prepared", False)


def begin_job(registry, cr, user_id):
    """The first statement of a job: see that the models and caches of this process are up to date.

    It may have been sent along with the end of the job before, see :func:`~.once.complete`.

    :return: whether the user ``user_id`` is active; None when there is no such user
    :raise StaleRegistryError: the models have changed since they were loaded
    """
    row = cr.connection.take_ahead() if isinstance(cr.connection, JobConnection) else None
    if row is None:
        cr.execute(first_statement(registry, cr), {"user_id": user_id})
        row = cr.fetchone()
    user_is_active, *last_values = row
    if last_values != [registry.registry_sequence, *registry.cache_sequences.values()]:
        _catch_up(registry, cr)
    return user_is_active


def _catch_up(registry, cr):
    """Look into the tables: a sequence also counts what isn't committed, yet or ever."""
    registry_sequence, cache_sequences = registry.get_sequences(cr)
    if registry_sequence != registry.registry_sequence:
        raise StaleRegistryError(f"version {registry.registry_sequence}, now {registry_sequence}")
    if cache_sequences != registry.cache_sequences:
        registry.check_signaling(cr)


def first_statement(registry, cr):
    """For all that a job has to know of user %(user_id)s; also undoes what the job before has set in the session."""
    caches = tuple(registry.cache_sequences)
    statement = execute_statement("begin_job", _BEGIN_JOB) if is_prepared(cr) else begin_statement(caches)
    reset = cr.connection.reset_statements() if isinstance(cr.connection, JobConnection) else "RESET ALL"
    return f"{reset}; {statement}"


@functools.cache
def begin_statement(caches):
    """Whether the user %(user_id)s is active, and the versions of the models and the caches.

    ``Registry.get_sequences`` reads the greatest ids of signaling tables, which takes a sub-select each. The last
    values of the sequences that the ids come from are those or greater.

    :param tuple caches: names of Odoo's groups of caches, of which each has a signaling table
    """
    user = "(SELECT active FROM res_users WHERE id = %(user_id)s)"
    sequences = [f"'orm_signaling_{name}_id_seq'::regclass" for name in ("registry", *caches)]
    return f"SELECT {', '.join([user, *(f'pg_sequence_last_value({sequence})' for sequence in sequences)])}"
