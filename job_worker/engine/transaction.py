"""A transaction on a connection that is in autocommit."""

from contextlib import contextmanager

from .connection import EngineConnection


@contextmanager
def transaction(cursor):
    """Commit at the end of the block, roll back on an exception.

    On a connection of the engine BEGIN is sent with the first statement, which is to be a text.
    """
    connection = cursor.connection
    if isinstance(connection, EngineConnection):
        connection.has_to_begin = True
    else:
        cursor.execute("BEGIN")
    try:
        yield
    except BaseException:
        _end(cursor, "ROLLBACK")
        raise
    _end(cursor, "COMMIT")


def _end(cursor, how):
    if getattr(cursor.connection, "has_to_begin", False):
        cursor.connection.has_to_begin = False  # nothing was sent
    else:
        cursor.execute(how)
