"""Cursors of jobs on one connection that stays from job to job.

Odoo's pool resets a session each time it lends it, which takes two statements. Here that is part of the
first statement of the job (``RESET ALL``), so that settings of one job never reach the next one.
"""

import psycopg2

from odoo.sql_db import Cursor, PsycoConnection

from .database import dsn


class JobCursors:
    """Opens cursors for one process, one at a time. It is what Odoo's :class:`Cursor` takes for its pool.

    :param str db_name: name of the database
    """

    readonly = False

    def __init__(self, db_name):
        self._db_name = db_name
        self._connection = None

    def cursor(self):
        """A new cursor, with hooks and caches of its own.

        :raise psycopg2.OperationalError: the server can't be reached
        """
        return Cursor(self, self._db_name, dsn(self._db_name))

    def borrow(self, connection_info):
        if self._connection is None or self._connection.closed:
            self._connection = psycopg2.connect(connection_factory=PsycoConnection, **connection_info)
        return self._connection

    def give_back(self, connection, keep_in_pool=True):
        if not keep_in_pool and not connection.closed:
            connection.close()
