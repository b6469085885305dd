"""The harness's own connections. psycopg2 comes from the sandbox, which exists by the time it is needed."""

import importlib


def connection_options(server, dbname):
    """libpq's options for a database of the sandbox's server."""
    names = ("host", "port", "user", "password", "sslmode")
    given = server.options()
    options = {name: given[f"db_{name}"] for name in names if f"db_{name}" in given}
    return {"dbname": dbname, **options}


def connect(options):
    """A connection in autocommit, so that it never holds a snapshot."""
    connection = importlib.import_module("psycopg2").connect(**options)
    connection.autocommit = True
    return connection


def execute(connection, statement, parameters=None):
    """The rows of a statement, if it has any."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []
