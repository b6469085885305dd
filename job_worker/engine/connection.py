"""Connections of the engine's own, and what psycopg2 raises when the server or the session is gone."""

import psycopg2
from psycopg2 import extensions

CONNECTION_ERRORS = (psycopg2.OperationalError, psycopg2.InterfaceError)


class EngineConnection(extensions.connection):
    """A connection in autocommit whose BEGIN travels with the first statement, see :mod:`.transaction`.

    ``statements`` is the :class:`~.prepared.SessionStatements` of a session that isn't shared, else None.
    """

    statements = None
    has_to_begin = False

    def cursor(self, *args, cursor_factory=None, **options):
        return super().cursor(*args, cursor_factory=cursor_factory or _EngineCursor, **options)


class _EngineCursor(extensions.cursor):
    def execute(self, query, vars=None):
        if self.connection.has_to_begin:
            self.connection.has_to_begin = False
            query = f"BEGIN; {query}"
        return super().execute(query, vars)


def is_connection_error(error):
    """Whether ``error`` says that the server or the session is gone.

    A connection that breaks in the middle of an answer gives a plain DatabaseError of which the server
    knows nothing, so that it has no code ("no message from the libpq").
    """
    if isinstance(error, CONNECTION_ERRORS):
        return True
    return type(error) is psycopg2.DatabaseError and error.pgcode is None
