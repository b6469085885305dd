import psycopg2

from odoo.tests.common import BaseCase

from ..engine.connection import is_connection_error


class TestConnection(BaseCase):
    def test_a_broken_connection_is_told_from_a_refused_statement(self):
        for error in (
            psycopg2.OperationalError("server closed the connection unexpectedly"),
            psycopg2.InterfaceError("connection already closed"),
            psycopg2.DatabaseError("error with status PGRES_TUPLES_OK and no message from the libpq"),
        ):
            self.assertTrue(is_connection_error(error), error)
        for error in (psycopg2.ProgrammingError("no results"), psycopg2.IntegrityError("twice"), ValueError("x")):
            self.assertFalse(is_connection_error(error), error)
