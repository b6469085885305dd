"""The engine: claims jobs and drives the processes that run them.

Plain Python on psycopg2 and the standard library. Nothing in here imports Odoo,
the models or the runtime; the caller hands those in.
"""
