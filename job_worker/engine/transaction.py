"""A transaction on a connection that is in autocommit."""

from contextlib import contextmanager


@contextmanager
def transaction(cursor):
    """Commit at the end of the block, roll back on an exception."""
    cursor.execute("BEGIN")
    try:
        yield
    except BaseException:
        cursor.execute("ROLLBACK")
        raise
    cursor.execute("COMMIT")
