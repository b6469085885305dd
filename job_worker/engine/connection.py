"""What psycopg2 raises when the server or the session is gone."""

import psycopg2

CONNECTION_ERRORS = (psycopg2.OperationalError, psycopg2.InterfaceError)
