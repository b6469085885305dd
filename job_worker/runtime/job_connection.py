"""A connection on which BEGIN and COMMIT travel with the first and the last statement of a transaction.

psycopg2 sends each on its own, which for a short job is half of all round trips. And where the next job is known
when one ends, its first statement goes along with the end: one message per job is left.
"""

from psycopg2 import ProgrammingError, extensions, sql

from odoo.sql_db import PsycoConnection

BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ"
_IDLE = extensions.TRANSACTION_STATUS_IDLE


class JobConnection(PsycoConnection):
    """For psycopg2 it is in autocommit; whether a transaction is open is what the server said last.

    So :meth:`commit` has nothing to send after a statement that ended with ``; COMMIT``.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.autocommit = True
        self._has_cursors = False
        # What a statement of the next job gave that was sent with the last one of this job: an open transaction
        # is that job's, and ends neither with the cursor of this one nor by its wish.
        self._ahead = None

    @property
    def in_transaction(self):
        return self.get_transaction_status() != _IDLE

    def cursor(self, name=None, cursor_factory=None, **options):
        """As psycopg2's. Cursors of the server outlive the transaction, which makes no difference to a job:
        the next one closes them, see :meth:`reset_statements`.
        """
        if name is not None:
            options["withhold"] = True
            self._has_cursors = True
        return super().cursor(name, cursor_factory or _Statements, **options)

    def reset_statements(self):
        """What undoes the traces that a job may have left in the session."""
        if not self._has_cursors:
            return "RESET ALL"
        self._has_cursors = False
        return "RESET ALL; CLOSE ALL"

    def begin(self):
        self.leave_ahead()
        if not self.in_transaction:
            self._send(BEGIN)

    def commit(self):
        if self.in_transaction and self._ahead is None:
            self._send("COMMIT")

    def rollback(self):
        if self.in_transaction and self._ahead is None:
            self._send("ROLLBACK")

    def keep_ahead(self, row):
        """The transaction that is open now is the next job's, and its first statement gave ``row``."""
        self._ahead = row

    def take_ahead(self):
        """Enter the transaction that was begun ahead, if there is one: the row of its first statement, else None."""
        row, self._ahead = self._ahead, None
        return row

    def leave_ahead(self):
        """Undo what was begun ahead: something else comes first."""
        if self.take_ahead() is not None:
            self.rollback()

    def set_isolation_level(self, level):
        """Odoo asks for this level with each cursor, and it is what BEGIN says."""
        if level != extensions.ISOLATION_LEVEL_REPEATABLE_READ:
            raise ProgrammingError("The connection of a job is always in REPEATABLE READ")

    def set_session(self, **settings):
        if any(settings.values()):
            raise ProgrammingError("The session of a job can't be changed, for the job is in a transaction")

    def _send(self, statement):
        with self.cursor(cursor_factory=extensions.cursor) as cursor:
            cursor.execute(statement)


class _Statements(extensions.cursor):
    """Begins a transaction with the first statement."""

    def execute(self, query, vars=None):
        self.connection.leave_ahead()
        if not self.connection.in_transaction:
            if self.name:  # psycopg2 writes the DECLARE of a server's cursor itself
                self.connection.begin()
            else:
                query = _with_begin(query, self)
        return super().execute(query, vars)


def _with_begin(query, cursor):
    if isinstance(query, sql.Composable):
        query = query.as_string(cursor)
    return f"{BEGIN}; {query}".encode() if isinstance(query, str) else b"; ".join((BEGIN.encode(), query))


def _beginning(name):
    def method(self, *args, **kwargs):
        self.connection.begin()
        return getattr(extensions.cursor, name)(self, *args, **kwargs)

    method.__name__ = name
    return method


for _name in ("executemany", "callproc", "copy_from", "copy_to", "copy_expert"):
    setattr(_Statements, _name, _beginning(_name))
